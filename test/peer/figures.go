// Figures taken inside the process, where no pipe delays them: how long a burst takes to arrive, and one update to spread.
package main

import (
	"encoding/binary"
	"math/rand"
	"time"
)

// arrivals counts distinct user messages and remembers when each was first seen.
type arrivals struct {
	firstMs map[string]float64
	lastMs  float64
}

func (a *arrivals) add(payload []byte, atMs float64) bool {
	if a.firstMs == nil {
		a.firstMs = map[string]float64{}
	}
	if _, seen := a.firstMs[string(payload)]; seen {
		return false
	}
	a.firstMs[string(payload)] = atMs
	a.lastMs = atMs
	return true
}

type receivedView struct {
	Distinct int     `json:"distinct"`
	LastMs   float64 `json:"lastMs"`
}

func (d *delegate) received() receivedView {
	d.mu.Lock()
	defer d.mu.Unlock()
	return receivedView{Distinct: len(d.arrivals.firstMs), LastMs: d.arrivals.lastMs}
}

type burstPlan struct {
	Count int `json:"count"`
	Bytes int `json:"bytes"`
}

// numbered is a message of its own: its number, then zeros.
func numbered(number, bytes int) []byte {
	payload := make([]byte, bytes)
	binary.BigEndian.PutUint64(payload, uint64(number))
	return payload
}

func (d *delegate) burst(plan burstPlan) map[string]float64 {
	startMs := nowMs()
	for number := 0; number < plan.Count; number++ {
		d.broadcast(numbered(number, plan.Bytes))
	}
	return map[string]float64{"startMs": startMs}
}

type spreadPlan struct {
	Updates    int `json:"updates"`
	Bytes      int `json:"bytes"`
	PauseMaxMs int `json:"pauseMaxMs"`
	TimeoutMs  int `json:"timeoutMs"`
}

// measureSpread tells updates one after the other, each by a random peer, a random while after the one before has left all
// queues, and reports for each how many ms passed until the last peer had it; -1 where it did not get everywhere in time.
func measureSpread(peers []*peer, plan spreadPlan) []float64 {
	random := rand.New(rand.NewSource(time.Now().UnixNano()))
	toAllMs := []float64{}
	for number := 0; number < plan.Updates; number++ {
		awaitIdle(peers, plan.TimeoutMs)
		time.Sleep(time.Duration(random.Intn(plan.PauseMaxMs*1000+1)) * time.Microsecond)
		payload := numbered(number, plan.Bytes)
		author := peers[random.Intn(len(peers))]
		startMs := nowMs()
		author.delegate.seeOwn(payload, startMs)
		author.delegate.broadcast(payload)
		toAllMs = append(toAllMs, awaitAll(peers, string(payload), startMs, float64(plan.TimeoutMs)))
	}
	return toAllMs
}

func awaitIdle(peers []*peer, timeoutMs int) {
	deadline := time.Now().Add(milliseconds(timeoutMs))
	for _, one := range peers {
		for one.delegate.queue.NumQueued() > 0 && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
	}
}

// seeOwn keeps the author from relaying its own update as news.
func (d *delegate) seeOwn(payload []byte, atMs float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.arrivals.add(payload, atMs)
}

func awaitAll(peers []*peer, key string, startMs, timeoutMs float64) float64 {
	for {
		missing, lastMs := 0, startMs
		for _, one := range peers {
			one.delegate.mu.Lock()
			atMs, seen := one.delegate.arrivals.firstMs[key]
			one.delegate.mu.Unlock()
			if !seen {
				missing++
			} else if atMs > lastMs {
				lastMs = atMs
			}
		}
		if missing == 0 {
			return lastMs - startMs
		}
		if nowMs()-startMs > timeoutMs {
			return -1
		}
		time.Sleep(time.Millisecond)
	}
}
