/**
 * The face of gossip towards the application: what it is given and what it offers.
 *
 * One object a replica: it binds, joins, spreads what the store hands it, and gives the delegate what others spread.
 * Everything about bytes, sockets and deadlines stays behind it.
 */
import type { Clock } from '../../base/clock.ts'
import type { HistogramView } from '../../base/histogram.ts'
import type { Random } from '../../base/random.ts'
import type { GossipConfig } from '../core/config.ts'
import type { Broadcaster, PeerClass } from '../core/delegate.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { GossipStats as MachineStats } from '../core/machine.ts'
import type { NameConflict } from '../core/name-conflicts.ts'
import type { PeerPaths } from '../core/path-watch.ts'
import type { KnownPeer, LostPeer, ReconnectOptions } from '../core/reconnect.ts'
import type { Keyring } from '../wire/keyring.ts'
import type { GossipLog } from './gossip-log.ts'
import type { JoinTrouble } from './join-trouble.ts'
import type { NameLookup } from './peer-addresses.ts'
import type { ServiceLookup } from './peer-names.ts'
import type { StreamOutboxOptions } from './stream-outbox.ts'
import type { StreamServerOptions } from './stream-server.ts'
import type { Transport } from './transport.ts'
import type { TurnedAway } from './turned-away.ts'
import type { UnjoinedPeer } from './unjoined-peers.ts'

/** Knobs of the driver; `driverDefaults` has the values. */
export interface DriverLimits
  extends ReconnectOptions,
    Omit<StreamOutboxOptions, 'tcpTimeoutMs'>,
    Omit<StreamServerOptions, 'tcpTimeoutMs'> {
  /** For one stream: dial, send, answer. Should exceed the time to move a full state over the slowest link. */
  readonly tcpTimeoutMs: number
  /** For looking up one peer's name. */
  readonly resolveTimeoutMs: number
  /** Bytes that large requests and replies may take together while they come; further ones wait (stream-memory.ts). */
  readonly streamMemoryBytesMax: number
  /** Bytes that large answers of ours may take together until they are taken. */
  readonly answerMemoryBytesMax: number
  /** Addresses that one `join` contacts at once. */
  readonly joinsAtOnceMax: number
}

export function driverDefaults(): DriverLimits {
  return {
    tcpTimeoutMs: 10_000,
    resolveTimeoutMs: 15_000,
    joinsAtOnceMax: 16,
    streamMemoryBytesMax: 21 * 1024 * 1024,
    answerMemoryBytesMax: 8 * 1024 * 1024,
    inboundStreamsMax: 128,
    inboundStreamsPerAddressMax: 64,
    outboundStreamsMax: 64,
    outboundStreamsPerPeerMax: 8,
    outboxBytesMax: 32 * 1024 * 1024,
    reconnectIntervalMs: 10_000,
    reconnectTimeoutMs: 6 * 3_600_000,
    refreshIntervalMs: 15_000,
  }
}

export interface GossipOptions extends Partial<DriverLimits> {
  readonly name: string
  /** `ip:port` or `[v6]:port`; port 0 draws a free one; no host means every IPv4 address. */
  readonly listen: string
  /** IP, with or without port, that others shall dial; default: see advertise-address.ts. */
  readonly advertise?: string
  /** Tells our class to native peers; at most 512 bytes. */
  readonly meta: Uint8Array
  /** Reads the class of a peer off its meta. */
  readonly classify: (meta: Uint8Array) => PeerClass
  /** Keeps clusters apart; default none. */
  readonly label?: string
  /**
   * Encrypts the traffic while it holds a key; changes to it count from the next packet. Room for the encryption is kept
   * in every packet once a ring is given, also an empty one. Default: none.
   */
  readonly keyring?: Keyring
  /** Whether plaintext is refused while the ring holds a key. False only while a cluster is being moved to encryption. */
  readonly verifyIncoming?: boolean
  /** Whether we encrypt while the ring holds a key. False only while a cluster is being moved to encryption. */
  readonly verifyOutgoing?: boolean
  /** Networks (CIDR) that a member's address must be in; default: any. memberlist's CIDRsAllowed. */
  readonly allowedNetworks?: readonly string[]
  /** LZW on what we send. Every peer reads both; off by default, since it costs this thread more than the network. */
  readonly compress?: boolean
  /** Configured peers, host:port or a name alone: looked up again and joined while they are no members. */
  readonly peers?: readonly string[]
  /** Peers of an earlier life: called on like members that were lost, until they are members or forgotten. */
  readonly remembered?: readonly KnownPeer[]
  /** Overrides of the machine's LAN defaults. */
  readonly config?: Partial<Omit<GossipConfig, 'name' | 'advertise' | 'meta' | 'classify'>>
  /** Persisted incarnation to start above. */
  readonly incarnation?: number
  /** Hears each own incarnation before others do, in the same turn; to be persisted. Must not throw. */
  readonly onIncarnation?: (incarnation: number) => void
  /** Whether the process may exit although the timer is armed; sockets hold it all the same. Default false. */
  readonly unrefTimer?: boolean
}

export interface GossipDeps {
  readonly clock: Clock
  readonly random: Random
  readonly log: GossipLog
  /** Default: UDP and TCP. */
  readonly transport?: (listen: Endpoint) => Transport
  /** Default: the host's resolver. */
  readonly lookup?: NameLookup
  /** Of names without a port. Default: DNS. */
  readonly lookupService?: ServiceLookup
}

/** What came of calling on peers. */
export interface JoinResult {
  /** Peers that answered with their state. */
  readonly contacted: number
  /** Addresses of those, in the order of their answers. */
  readonly reached: readonly string[]
  readonly failed: readonly (JoinTrouble & { readonly address: string })[]
}

type Counts = Readonly<Record<string, number>>

/** What holds for traffic now, given ring and switches. */
export interface EncryptionState {
  /** What we send is encrypted. */
  readonly sends: boolean
  /** What is not encrypted is dropped. */
  readonly requires: boolean
}

/** Everything countable; the names are listed in counters.ts. */
export interface GossipStats {
  /** Undefined before `start`. */
  readonly machine: MachineStats | undefined
  readonly packets: Counts
  readonly streams: Counts
  /** Streams open now. */
  readonly inboundOpen: number
  readonly outboundOpen: number
  /** Booked for large requests, replies and answers. */
  readonly streamMemoryBytes: number
  /** Messages by kind. */
  readonly sent: Counts
  readonly received: Counts
  /** Bytes that those carried of `user` and `push-pull`. */
  readonly sentBytes: Counts
  readonly receivedBytes: Counts
  /** Input dropped, by reason. */
  readonly drops: Counts
  /** What the machine noted and the loops did, by event. */
  readonly events: Counts
  /** By `join`, `leave`, `update` and `conflict`. */
  readonly memberEvents: Counts
  /** Complete push-pulls that we began. */
  readonly pushPullSeconds: HistogramView
  /** Reliable messages that wait for a stream. */
  readonly outbox: { readonly messages: number; readonly bytes: number }
  /** Dead members that are called on. */
  readonly remembered: number
  readonly encryption: EncryptionState
}

/** Peers that something is wrong with. */
export interface PeerTroubles {
  /** Dead members, also those that gossip lists no more, and remembered peers not seen yet; the last lost first. */
  readonly lost: readonly LostPeer[]
  /** Configured and remembered peers that cannot be joined. */
  readonly unjoined: readonly UnjoinedPeer[]
  /** Whose traffic could not be read in the last minute. */
  readonly turnedAway: readonly TurnedAway[]
}

export interface Gossip extends Broadcaster {
  readonly name: string
  /**
   * Binds and announces us; resolves before anybody was contacted.
   * @throws HearsayError `GOSSIP_PORT_BUSY`, `GOSSIP_BIND_FAILED`, `GOSSIP_ADDRESS_MALFORMED`,
   *   `GOSSIP_NO_ADVERTISE_ADDRESS`, `GOSSIP_NETWORK_MALFORMED`; nothing stays open then
   */
  start(): Promise<void>
  /**
   * Exchanges state with every address behind every name, ourselves left out. Never rejects for a peer's sake.
   * @param addresses host:port each
   */
  join(addresses: readonly string[]): Promise<JoinResult>
  /**
   * Tells peers that we go; resolves when told or after `timeoutMs`. Until `stop` pings are answered and the list of members is
   * kept up; no message leaves any more, and push-pulls carry members and no state.
   */
  leave(timeoutMs: number): Promise<void>
  /**
   * Takes a leave back: announces us anew to the members known, and calls on the lost and the configured peers again. To
   * be in touch at once, `join` them. Does nothing unless we left.
   */
  rejoin(): void
  /** Closes sockets and timer; idempotent. Nothing runs afterwards and the delegate is not called again. */
  stop(): Promise<void>
  /** Announces another meta; does nothing unless running. @throws HearsayError `GOSSIP_META_TOO_LONG` above 512 bytes */
  updateMeta(meta: Uint8Array): void
  /** What others dial. @throws HearsayError `GOSSIP_NOT_RUNNING` before `start` */
  advertise(): Endpoint
  /** Which ways to each live peer work, by name; times are monotonic. */
  paths(): ReadonlyMap<string, PeerPaths>
  /** Names that two processes go by, ours or others'; times are monotonic. */
  nameConflicts(): readonly NameConflict[]
  /** Lifeguard's score: 0 is healthy, up to 7. */
  healthScore(): number
  stats(): GossipStats
  /**
   * One full exchange, now.
   * @param memberName whom to ask; default a random live member
   * @returns whether it took place; never does once stopped
   */
  pushPullNow(memberName?: string): Promise<boolean>
  /**
   * Peers that are called on, the last lost first: dead members, those no longer listed included, and remembered ones not
   * seen yet. Kept until the reconnect timeout even if an interval of 0 turns the calls off.
   */
  lostPeers(): readonly KnownPeer[]
  troubles(): PeerTroubles
  /** Whether a push-pull with this live member, started by whichever side, has been complete since it was last seen to come. */
  exchangedWith(memberName: string): boolean
}
