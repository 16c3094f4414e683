/**
 * Which way to each peer works: datagrams, streams, or only the detour over others.
 *
 * A firewall that lets TCP through and not UDP is the commonest fault of a gossip cluster. Nobody dies of it, since a
 * probe also tries helpers and TCP, but everything gets slow, and memberlist says so with a warning a second for ever.
 * Here each peer has a verdict on each way, told once when it changes.
 *
 * Evidence. UDP works when the target itself acks our ping; it failed when a probe was saved by TCP or by a helper. TCP
 * works when a stream came to its end; it failed when none did. Only a peer that is there can have a path that fails, so
 * failures count when a later probe has found the peer alive, and all is forgotten when its state changes.
 *
 * Numbers: UDP fails after 5 saved probes in a row, for at 10 % loss each way one in five is lost and five in a row about
 * once in an hour of probing; TCP after 2 streams. While a stream to it has failed, a peer is tried with a stream ping
 * every 10 s, so a verdict comes and goes by itself even where push-pulls are rare. A failing path is told at most every
 * 10 minutes for each peer and way.
 *
 * Not here: whether a peer is alive (probe.ts, member-rules.ts); nothing here changes what is sent to whom.
 */
import type { MemberRecord } from './members.ts'
import type { Outbox } from './outbox.ts'

export const UDP_FAILURES = 5
export const TCP_FAILURES = 2
export const STREAM_CHECK_MS = 10_000
export const TELL_AGAIN_MS = 600_000

export type PathState = 'unknown' | 'ok' | 'failing'

/** One way to a peer. Times are monotonic milliseconds. */
export interface Path {
  readonly state: PathState
  readonly sinceMs: number
  /** When something last came this way, either direction; undefined: never. */
  readonly heardMs: number | undefined
  /** In a row, up to now. */
  readonly failures: number
}

export interface PeerPaths {
  readonly udp: Path
  readonly tcp: Path
}

type Way = keyof PeerPaths

interface MutablePath {
  state: PathState
  sinceMs: number
  heardMs: number | undefined
  failures: number
  /** The first of these. */
  failedMs: number
  toldMs: number
}

interface Watched {
  /** `changedAtMs` of the record that this is about. */
  readonly epochMs: number
  readonly udp: MutablePath
  readonly tcp: MutablePath
  checkedMs: number
}

export class PathWatch {
  readonly #outbox: Outbox
  readonly #watched = new WeakMap<MemberRecord, Watched>()
  /** Targets of stream pings under way, by number. */
  readonly #streamPings = new Map<number, MemberRecord>()

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  /** A datagram of this member has arrived from its own address. */
  heardPacket(nowMs: number, peer: MemberRecord): void {
    this.#of(nowMs, peer).udp.heardMs = nowMs
  }

  /** A stream of this member has arrived. */
  heardStream(nowMs: number, peer: MemberRecord): void {
    this.#of(nowMs, peer).tcp.heardMs = nowMs
  }

  /**
   * A probe found the peer alive.
   * @param direct whether the target itself acked by datagram
   * @param startedMs when the probe began
   */
  probed(nowMs: number, peer: MemberRecord, direct: boolean, startedMs: number): void {
    const watched = this.#of(nowMs, peer)
    if (direct) this.#works(nowMs, peer, 'udp')
    else failed(watched.udp, startedMs)
    const { udp, tcp } = watched
    if (udp.failures >= UDP_FAILURES) this.#fails(nowMs, peer, 'udp')
    // Failed streams before the probe, and the peer is there all the same.
    if (tcp.failures >= TCP_FAILURES && tcp.failedMs < startedMs) this.#fails(nowMs, peer, 'tcp')
  }

  /** A stream to this member came to its end, or did not. */
  streamed(nowMs: number, peer: MemberRecord, reached: boolean): void {
    if (reached) this.#works(nowMs, peer, 'tcp')
    else failed(this.#of(nowMs, peer).tcp, nowMs)
  }

  /** Whether the peer should be tried by stream now; notes that it is. */
  takeStreamCheck(nowMs: number, peer: MemberRecord): boolean {
    const watched = this.#of(nowMs, peer)
    if (watched.tcp.failures === 0 || nowMs - watched.checkedMs < STREAM_CHECK_MS) return false
    watched.checkedMs = nowMs
    return true
  }

  /** A stream ping leaves; its end is reported with `streamPingDone`. */
  streamPingSent(seqNo: number, peer: MemberRecord): void {
    this.#streamPings.set(seqNo, peer)
  }

  streamPingDone(nowMs: number, seqNo: number, acked: boolean): void {
    const peer = this.#streamPings.get(seqNo)
    this.#streamPings.delete(seqNo)
    if (peer !== undefined) this.streamed(nowMs, peer, acked)
  }

  paths(nowMs: number, peer: MemberRecord): PeerPaths {
    const { udp, tcp } = this.#of(nowMs, peer)
    return { udp: view(udp), tcp: view(tcp) }
  }

  #of(nowMs: number, peer: MemberRecord): Watched {
    const known = this.#watched.get(peer)
    if (known?.epochMs === peer.changedAtMs) return known
    const told = { udp: known?.udp.toldMs, tcp: known?.tcp.toldMs }
    const fresh = {
      epochMs: peer.changedAtMs,
      udp: untried(nowMs, told.udp),
      tcp: untried(nowMs, told.tcp),
      checkedMs: Number.NEGATIVE_INFINITY,
    }
    this.#watched.set(peer, fresh)
    return fresh
  }

  #works(nowMs: number, peer: MemberRecord, way: Way): void {
    const path = this.#of(nowMs, peer)[way]
    path.heardMs = nowMs
    path.failures = 0
    if (path.state === 'ok') return
    if (path.state === 'failing') {
      const level = path.toldMs >= path.sinceMs ? 'info' : 'debug'
      const fields = { node: peer.name, transport: way, failedMs: Math.round(nowMs - path.sinceMs) }
      this.#outbox.note(level, 'path_restored', fields)
    }
    path.state = 'ok'
    path.sinceMs = nowMs
  }

  #fails(nowMs: number, peer: MemberRecord, way: Way): void {
    const path = this.#of(nowMs, peer)[way]
    if (path.state === 'failing') return
    path.state = 'failing'
    path.sinceMs = path.failedMs
    const isRepeated = nowMs - path.toldMs < TELL_AGAIN_MS
    if (!isRepeated) path.toldMs = nowMs
    const hint = pathHint(peer, this.paths(nowMs, peer)) ?? ''
    this.#outbox.note(isRepeated ? 'debug' : 'warn', 'path_failing', {
      node: peer.name,
      transport: way,
      hint,
    })
  }
}

/** What a person should know and do; undefined while no way to the peer is known to fail. */
export function pathHint(
  { name, endpoint }: Pick<MemberRecord, 'name' | 'endpoint'>,
  { udp, tcp }: PeerPaths,
): string | undefined {
  const peer = name.slice(0, 64)
  if (udp.state === 'failing' && tcp.state === 'failing') {
    return `neither UDP nor TCP to ${peer} works, though other members reach it: check the network between us`
  }
  if (udp.state === 'failing') {
    const tcpToo = tcp.state === 'ok' ? 'TCP works' : 'others reach it'
    return `UDP to ${peer} fails, ${tcpToo}: check the firewall for UDP ${endpoint.port}, both ways`
  }
  if (tcp.state !== 'failing') return undefined
  return `TCP to ${peer} fails, UDP works: check the firewall for TCP ${endpoint.port}`
}

function untried(nowMs: number, toldMs = Number.NEGATIVE_INFINITY): MutablePath {
  return { state: 'unknown', sinceMs: nowMs, heardMs: undefined, failures: 0, failedMs: 0, toldMs }
}

function failed(path: MutablePath, atMs: number): void {
  if (path.failures++ === 0) path.failedMs = atMs
}

function view({ state, sinceMs, heardMs, failures }: MutablePath): Path {
  return { state, sinceMs, heardMs, failures }
}
