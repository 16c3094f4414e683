// One member: how it is made from options, and what can be asked of it.
package main

import (
	"fmt"
	"net"
	"time"
	"unsafe"

	"github.com/hashicorp/memberlist"
)

// options mirror PeerOptions of test/parity/subject.ts; every number is given by the caller.
type options struct {
	Name               string   `json:"name"`
	BindAddr           string   `json:"bindAddr"`
	BindPort           int      `json:"bindPort"`
	AdvertiseAddr      string   `json:"advertiseAddr"`
	AdvertisePort      int      `json:"advertisePort"`
	Keys               [][]byte `json:"keys"`
	Encrypted          bool     `json:"encrypted"`
	VerifyIncoming     bool     `json:"verifyIncoming"`
	VerifyOutgoing     bool     `json:"verifyOutgoing"`
	Meta               []byte   `json:"meta"`
	ProtocolVersion    int      `json:"protocolVersion"`
	Compress           bool     `json:"compress"`
	GossipIntervalMs   int      `json:"gossipIntervalMs"`
	GossipNodes        int      `json:"gossipNodes"`
	GossipToTheDeadMs  int      `json:"gossipToTheDeadMs"`
	ProbeIntervalMs    int      `json:"probeIntervalMs"`
	ProbeTimeoutMs     int      `json:"probeTimeoutMs"`
	SuspicionMult      int      `json:"suspicionMult"`
	PushPullIntervalMs int      `json:"pushPullIntervalMs"`
	TCPTimeoutMs       int      `json:"tcpTimeoutMs"`
	DeadNodeReclaimMs  int      `json:"deadNodeReclaimMs"`
	AllowedNetworks    []string `json:"allowedNetworks"`
	RefusesMembers     []string `json:"refusesMembers"`
	RefusesMerges      bool     `json:"refusesMerges"`
	WatchesMembers     bool     `json:"watchesMembers"`
	WatchesMerges      bool     `json:"watchesMerges"`
	AckPayload         []byte   `json:"ackPayload"`
	LocalState         []byte   `json:"localState"`
	RelaysFirstSight   bool     `json:"relaysFirstSight"`
	CountsOnly         bool     `json:"countsOnly"`
}

type peer struct {
	list     *memberlist.Memberlist
	keyring  *memberlist.Keyring
	delegate *delegate
	conf     *memberlist.Config
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func newPeer(o options) (*peer, error) {
	log := &lastLines{}
	conf := memberlist.DefaultLANConfig()
	conf.Name = o.Name
	conf.BindAddr = o.BindAddr
	conf.BindPort = o.BindPort
	conf.AdvertiseAddr = o.AdvertiseAddr
	conf.AdvertisePort = o.AdvertisePort
	conf.ProtocolVersion = uint8(o.ProtocolVersion)
	conf.EnableCompression = o.Compress
	conf.GossipInterval = milliseconds(o.GossipIntervalMs)
	conf.GossipNodes = o.GossipNodes
	conf.GossipToTheDeadTime = milliseconds(o.GossipToTheDeadMs)
	conf.ProbeInterval = milliseconds(o.ProbeIntervalMs)
	conf.ProbeTimeout = milliseconds(o.ProbeTimeoutMs)
	conf.SuspicionMult = o.SuspicionMult
	conf.PushPullInterval = milliseconds(o.PushPullIntervalMs)
	conf.TCPTimeout = milliseconds(o.TCPTimeoutMs)
	conf.DeadNodeReclaimTime = milliseconds(o.DeadNodeReclaimMs)
	conf.GossipVerifyIncoming = o.VerifyIncoming
	conf.GossipVerifyOutgoing = o.VerifyOutgoing
	conf.LogOutput = log
	networks, err := memberlist.ParseCIDRs(o.AllowedNetworks)
	if err != nil {
		return nil, err
	}
	conf.CIDRsAllowed = networks
	if o.Encrypted {
		var primary []byte
		if len(o.Keys) > 0 {
			primary = o.Keys[0]
		}
		if conf.Keyring, err = memberlist.NewKeyring(o.Keys, primary); err != nil {
			return nil, err
		}
	}
	d := newDelegate(o, log)
	conf.Delegate = d
	conf.Events = d
	conf.Conflict = d
	conf.Ping = d
	if len(o.RefusesMembers) > 0 || o.WatchesMembers {
		conf.Alive = d
	}
	if o.RefusesMerges || o.WatchesMerges {
		conf.Merge = d
	}
	d.queue.RetransmitMult = conf.RetransmitMult
	list, err := memberlist.Create(conf)
	if err != nil {
		return nil, err
	}
	d.attach(list)
	return &peer{list: list, keyring: conf.Keyring, delegate: d, conf: conf}, nil
}

// port is the bound one; memberlist writes a drawn port back into its configuration.
func (p *peer) port() int { return p.conf.BindPort }

type memberView struct {
	Name     string `json:"name"`
	Addr     string `json:"addr"`
	Port     int    `json:"port"`
	Meta     []byte `json:"meta"`
	Liveness string `json:"liveness"`
}

// record is how memberlist lays out what it keeps of a member: the public Node first, then what it tells nobody.
type record struct {
	memberlist.Node
	Incarnation uint32
	State       memberlist.NodeStateType
}

var livenessNames = map[memberlist.NodeStateType]string{
	memberlist.StateAlive:   "alive",
	memberlist.StateSuspect: "suspect",
	memberlist.StateDead:    "dead",
	memberlist.StateLeft:    "left",
}

// view needs a Node that memberlist handed out: only those lie in a record. Node.State itself is never filled in.
func view(node *memberlist.Node) memberView {
	state := (*record)(unsafe.Pointer(node)).State
	return memberView{
		Name:     node.Name,
		Addr:     net.IP(node.Addr).String(),
		Port:     int(node.Port),
		Meta:     node.Meta,
		Liveness: livenessNames[state],
	}
}

func (p *peer) handle(r *request) (interface{}, error) {
	switch r.Op {
	case "members":
		members := []memberView{}
		for _, node := range p.list.Members() {
			members = append(members, view(node))
		}
		return members, nil
	case "join":
		contacted, err := p.list.Join(r.Addresses)
		said := ""
		if err != nil {
			said = err.Error()
		}
		return map[string]interface{}{"contacted": contacted, "error": said}, nil
	case "leave":
		return nil, p.list.Leave(milliseconds(r.TimeoutMs))
	case "shutdown":
		return nil, p.list.Shutdown()
	case "setLocalState":
		p.delegate.setLocalState(r.Payload)
		return nil, nil
	case "updateMeta":
		p.delegate.setMeta(r.Payload)
		return nil, p.list.UpdateNode(milliseconds(r.TimeoutMs))
	case "broadcast":
		p.delegate.broadcast(r.Payload)
		return nil, nil
	case "burst":
		return p.delegate.burst(r.Burst), nil
	case "received":
		return p.delegate.received(), nil
	case "sendReliable":
		for _, node := range p.list.Members() {
			if node.Name == r.Member {
				return nil, p.list.SendReliable(node, r.Payload)
			}
		}
		return nil, fmt.Errorf("no member %q", r.Member)
	case "sendBestEffort":
		for _, node := range p.list.Members() {
			if node.Name == r.Member {
				return nil, p.list.SendBestEffort(node, r.Payload)
			}
		}
		return nil, fmt.Errorf("no member %q", r.Member)
	case "healthScore":
		return p.list.GetHealthScore(), nil
	case "events":
		return p.delegate.events(), nil
	case "log":
		return p.delegate.log.text(), nil
	case "addKey", "useKey", "removeKey":
		return nil, p.changeKeys(r.Op, r.Payload)
	}
	return nil, fmt.Errorf("no operation %q", r.Op)
}

func (p *peer) changeKeys(op string, key []byte) error {
	if p.keyring == nil {
		return fmt.Errorf("the peer was made without keys")
	}
	switch op {
	case "addKey":
		return p.keyring.AddKey(key)
	case "useKey":
		return p.keyring.UseKey(key)
	default:
		return p.keyring.RemoveKey(key)
	}
}
