// The Go peer: any number of HashiCorp memberlist members in one process, driven by JSON lines.
//
// One request a line on stdin, one answer a line on stdout, matched by id; answers come in any order, because a request
// that waits (join, leave) holds up no other. The process ends when its stdin closes, so it never outlives its test.
//
//	{"id":1,"op":"create","peer":"ana","options":{...}}  ->  {"id":1,"result":{"port":41234}}
//	{"id":2,"op":"join","peer":"ana","addresses":[...]}   ->  {"id":2,"result":{"contacted":1}}  or  {"id":2,"error":"..."}
//
// Byte strings travel as base64. Built on Debian's memberlist without modules:
// GO111MODULE=off GOPATH=/usr/share/gocode go build.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

const requestBytesMax = 64 << 20

type request struct {
	ID        int        `json:"id"`
	Op        string     `json:"op"`
	Peer      string     `json:"peer"`
	Peers     []string   `json:"peers"`
	Options   options    `json:"options"`
	Addresses []string   `json:"addresses"`
	TimeoutMs int        `json:"timeoutMs"`
	Member    string     `json:"member"`
	Payload   []byte     `json:"payload"`
	Burst     burstPlan  `json:"burst"`
	Spread    spreadPlan `json:"spread"`
}

type answer struct {
	ID     int         `json:"id"`
	Error  string      `json:"error,omitempty"`
	Result interface{} `json:"result,omitempty"`
}

// program holds the peers by name.
type program struct {
	mu    sync.Mutex
	peers map[string]*peer
}

func (p *program) find(name string) (*peer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.peers[name]
	if !ok {
		return nil, fmt.Errorf("no peer %q", name)
	}
	return found, nil
}

func (p *program) findAll(names []string) ([]*peer, error) {
	all := make([]*peer, 0, len(names))
	for _, name := range names {
		found, err := p.find(name)
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

// handle does one request. The name of a request's peer is the driver's handle, not the member's name, which two peers
// may share.
func (p *program) handle(r *request) (interface{}, error) {
	switch r.Op {
	case "create":
		created, err := newPeer(r.Options)
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		p.peers[r.Peer] = created
		p.mu.Unlock()
		return map[string]int{"port": created.port()}, nil
	case "spread":
		all, err := p.findAll(r.Peers)
		if err != nil {
			return nil, err
		}
		return measureSpread(all, r.Spread), nil
	}
	one, err := p.find(r.Peer)
	if err != nil {
		return nil, err
	}
	return one.handle(r)
}

func main() {
	p := &program{peers: make(map[string]*peer)}
	out := json.NewEncoder(os.Stdout)
	var outMu sync.Mutex
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 64<<10), requestBytesMax)
	for lines.Scan() {
		r := &request{}
		if err := json.Unmarshal(lines.Bytes(), r); err != nil {
			fmt.Fprintln(os.Stderr, "bad request:", err)
			os.Exit(2)
		}
		go func() {
			result, err := p.handle(r)
			a := answer{ID: r.ID, Result: result}
			if err != nil {
				a.Error = err.Error()
			}
			outMu.Lock()
			defer outMu.Unlock()
			if err := out.Encode(a); err != nil {
				os.Exit(1)
			}
		}()
	}
}
