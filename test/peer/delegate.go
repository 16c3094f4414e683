// What memberlist calls back: everything is written down in order, refusals are as the options say, and broadcasts wait in
// memberlist's own queue. With relaysFirstSight a user message that is new is broadcast on, as Alertmanager does.
package main

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const logBytesMax = 64 << 10

// lastLines keeps the end of the log for failing tests.
type lastLines struct {
	mu    sync.Mutex
	bytes []byte
}

func (l *lastLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes = append(l.bytes, line...)
	if over := len(l.bytes) - logBytesMax; over > 0 {
		l.bytes = append([]byte{}, l.bytes[over:]...)
	}
	return len(line), nil
}

func (l *lastLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.bytes)
}

// event is one line of what delegates were told; empty fields are left out.
type event struct {
	Type      string   `json:"type"`
	Name      string   `json:"name,omitempty"`
	Names     []string `json:"names,omitempty"`
	OtherAddr string   `json:"otherAddr,omitempty"`
	OtherPort int      `json:"otherPort,omitempty"`
	Payload   []byte   `json:"payload,omitempty"`
	State     []byte   `json:"state,omitempty"`
	Join      bool     `json:"join,omitempty"`
	RttMs     float64  `json:"rttMs,omitempty"`
	AtMs      float64  `json:"atMs"`
}

type delegate struct {
	log     *lastLines
	options options
	refused map[string]bool
	queue   memberlist.TransmitLimitedQueue

	mu         sync.Mutex
	list       *memberlist.Memberlist
	meta       []byte
	localState []byte
	told       []event
	arrivals   arrivals
}

func newDelegate(o options, log *lastLines) *delegate {
	d := &delegate{log: log, options: o, refused: map[string]bool{}, meta: o.Meta, localState: o.LocalState, told: []event{}}
	for _, name := range o.RefusesMembers {
		d.refused[name] = true
	}
	d.queue.NumNodes = d.members
	return d
}

func nowMs() float64 { return float64(time.Now().UnixNano()) / 1e6 }

// attach gives the queue its count of members, which only exists once memberlist does.
func (d *delegate) attach(list *memberlist.Memberlist) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = list
}

func (d *delegate) members() int {
	d.mu.Lock()
	list := d.list
	d.mu.Unlock()
	if list == nil {
		return 1
	}
	return list.NumMembers()
}

func (d *delegate) note(e event) {
	e.AtMs = nowMs()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, e)
}

func (d *delegate) events() []event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]event{}, d.told...)
}

func (d *delegate) setMeta(meta []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meta = meta
}

func (d *delegate) setLocalState(state []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.localState = state
}

// userMessage waits in the queue. It replaces nothing: each one is news of its own.
type userMessage []byte

func (m userMessage) Message() []byte                         { return m }
func (m userMessage) Invalidates(_ memberlist.Broadcast) bool { return false }
func (m userMessage) Finished()                               {}
func (m userMessage) UniqueBroadcast()                        {}

func (d *delegate) broadcast(payload []byte) { d.queue.QueueBroadcast(userMessage(payload)) }

// memberlist.Delegate

func (d *delegate) NodeMeta(limit int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.meta
}

func (d *delegate) NotifyMsg(message []byte) {
	payload := append([]byte{}, message...)
	d.mu.Lock()
	isNew := d.arrivals.add(payload, nowMs())
	if !d.options.CountsOnly {
		d.told = append(d.told, event{Type: "user", Payload: payload, AtMs: nowMs()})
	}
	d.mu.Unlock()
	if isNew && d.options.RelaysFirstSight {
		d.broadcast(payload)
	}
}

func (d *delegate) GetBroadcasts(overhead, limit int) [][]byte {
	return d.queue.GetBroadcasts(overhead, limit)
}

func (d *delegate) LocalState(join bool) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.localState
}

func (d *delegate) MergeRemoteState(state []byte, join bool) {
	d.note(event{Type: "state", State: append([]byte{}, state...), Join: join})
}

// memberlist.EventDelegate

func (d *delegate) NotifyJoin(node *memberlist.Node)  { d.note(event{Type: "join", Name: node.Name}) }
func (d *delegate) NotifyLeave(node *memberlist.Node) { d.note(event{Type: "leave", Name: node.Name}) }
func (d *delegate) NotifyUpdate(node *memberlist.Node) {
	d.note(event{Type: "update", Name: node.Name})
}

// memberlist.ConflictDelegate

func (d *delegate) NotifyConflict(existing, other *memberlist.Node) {
	d.note(event{Type: "conflict", Name: existing.Name, OtherAddr: other.Addr.String(), OtherPort: int(other.Port)})
}

// memberlist.AliveDelegate; our own record is shown to it as well

func (d *delegate) NotifyAlive(node *memberlist.Node) error {
	if d.refused[node.Name] {
		return errors.New("refused by the alive delegate")
	}
	return nil
}

// memberlist.MergeDelegate

func (d *delegate) NotifyMerge(nodes []*memberlist.Node) error {
	names := []string{}
	for _, node := range nodes {
		names = append(names, node.Name)
	}
	d.note(event{Type: "merge", Names: names})
	if d.options.RefusesMerges {
		return errors.New("refused by the merge delegate, which was shown " + strings.Join(names, ", "))
	}
	return nil
}

// memberlist.PingDelegate

func (d *delegate) AckPayload() []byte { return d.options.AckPayload }

func (d *delegate) NotifyPingComplete(other *memberlist.Node, rtt time.Duration, payload []byte) {
	d.note(event{Type: "ack", Name: other.Name, Payload: append([]byte{}, payload...), RttMs: rtt.Seconds() * 1000})
}
