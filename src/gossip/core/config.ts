/**
 * The knobs of the gossip machine. Values are Alertmanager's (memberlist LAN with its overrides), because hearsay
 * lives in the same clusters; `memberlist-wire.md` section 8 lists the presets side by side.
 */
import type { PeerClass } from './delegate.ts'
import type { Endpoint } from './endpoint.ts'

export interface GossipConfig {
  readonly name: string
  /** What others dial. */
  readonly advertise: Endpoint
  /** At most 512 bytes; tells our class to native peers. */
  readonly meta: Uint8Array
  /** Reads the class of a peer off its meta. */
  readonly classify: (meta: Uint8Array) => PeerClass
  /** [pMin, pMax, pCur, dMin, dMax, dCur]. Alertmanager clusters need d = 0,0,0; Serf's 2,5,5. */
  readonly vsn: Uint8Array
  /** Between retransmission rounds. Smaller spreads faster and costs packets in proportion. */
  readonly gossipIntervalMs: number
  /** Peers per gossip round. */
  readonly gossipNodes: number
  /** A dead member still gets gossip this long, so that it can refute; later it is reaped. */
  readonly gossipToTheDeadMs: number
  /** The name of a member dead for this long may be taken over from another address; 0 never. */
  readonly deadNodeReclaimMs: number
  /** Between full-state exchanges with one random peer; 0 turns them off. Scales up above 32 members. */
  readonly pushPullIntervalMs: number
  readonly probeIntervalMs: number
  /** Wait for a direct ack before asking others; should exceed the network's p99 round trip. */
  readonly probeTimeoutMs: number
  readonly indirectChecks: number
  /** A broadcast is sent retransmitMult * ceil(log10(n + 1)) times by each holder. */
  readonly retransmitMult: number
  readonly suspicionMult: number
  readonly suspicionMaxTimeoutMult: number
  readonly awarenessMaxMultiplier: number
  /** Bytes of a datagram before CRC. 1400 fits every common MTU; subtract what label and encryption will add. */
  readonly packetBytesMax: number
  /** Bytes that pending user broadcasts may hold, per audience; oldest and most transmitted are dropped first. */
  readonly broadcastQueueBytesMax: number
  /** Members remembered at most; alive messages about further names are counted and dropped. */
  readonly membersMax: number
  /** What they may cost in memory together, by `memberBytes`: 4,700 members of small meta, 3,000 of 512 bytes. */
  readonly memberBytesMax: number
}

/** Everything but identity: memberlist's LAN preset as Alertmanager overrides it. */
export function lanDefaults(): Omit<GossipConfig, 'name' | 'advertise' | 'meta' | 'classify'> {
  return {
    vsn: Uint8Array.of(1, 5, 2, 0, 0, 0),
    gossipIntervalMs: 200,
    gossipNodes: 3,
    gossipToTheDeadMs: 30_000,
    deadNodeReclaimMs: 10_000,
    pushPullIntervalMs: 60_000,
    probeIntervalMs: 1000,
    probeTimeoutMs: 500,
    indirectChecks: 3,
    retransmitMult: 4,
    suspicionMult: 4,
    suspicionMaxTimeoutMult: 6,
    awarenessMaxMultiplier: 8,
    packetBytesMax: 1400,
    broadcastQueueBytesMax: 8 * 1024 * 1024,
    membersMax: 10_000,
    memberBytesMax: 10 * 1024 * 1024,
  }
}
