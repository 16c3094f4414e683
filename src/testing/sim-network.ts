/**
 * The network of a simulated cluster: datagrams that get lost, late, doubled, overtaken or cut off, and streams that
 * only get late, refused or cut.
 *
 * Each directed link has its own faults and its own random stream. Datagrams and stream bodies are the real bytes of
 * the wire, copied on sending, so nobody can share memory by accident. A stream is one request and at most one
 * answer, as in memberlist: lost segments cost retransmission time instead of content, a dead host refuses after a
 * round trip, a cut link keeps the dialler waiting until its own deadline.
 *
 * Not modelled: bandwidth, and streams that break in the middle of a body (the codec's tests cover truncation).
 */
import { assert } from '../base/assert.ts'
import type { Random } from '../base/random.ts'
import { between, randomStream } from './random-streams.ts'
import type { SimClock } from './sim-clock.ts'
import type { Trace } from './trace.ts'

/** Faults of one directed link; `quietLink()` has none. */
export interface LinkFaults {
  /** Share of datagrams (and of a stream's segments) that never arrive. */
  readonly lossRate: number
  readonly delayMinMs: number
  readonly delayMaxMs: number
  /** Share of datagrams that arrive twice. */
  readonly duplicateRate: number
  /** Share of datagrams held back by up to `reorderMaxMs`, so that later ones overtake. */
  readonly reorderRate: number
  readonly reorderMaxMs: number
  /** Larger datagrams vanish. */
  readonly mtuBytes: number
}

/** A good local network: 0.2 to 1 ms, nothing lost. */
export function quietLink(): LinkFaults {
  return {
    lossRate: 0,
    delayMinMs: 0.2,
    delayMaxMs: 1,
    duplicateRate: 0,
    reorderRate: 0,
    reorderMaxMs: 0,
    mtuBytes: 65_507,
  }
}

/** What a host does with what reaches it. Hosts are numbered from 0. */
export interface SimHost {
  datagram(from: number, bytes: Uint8Array): void
  /** One stream request; `close` is called at most once, with the answer if there is one. Never: it just hangs. */
  stream(from: number, bytes: Uint8Array, close: (answer: Uint8Array | undefined) => void): void
}

/** How a stream request ended for the dialler. */
export type StreamOutcome =
  | { readonly type: 'answer'; readonly bytes: Uint8Array }
  /** The other side took the request and closed without an answer. */
  | { readonly type: 'closed' }
  | { readonly type: 'refused' }
  | { readonly type: 'timeout' }

export interface NetworkCounters {
  sent: number
  delivered: number
  lost: number
  duplicated: number
  cut: number
  oversized: number
  streams: number
  streamFailures: number
}

const RETRANSMIT_TIMEOUT_MS = 200
const RETRANSMISSIONS_MAX = 6

export class SimNetwork {
  readonly counters: NetworkCounters = {
    sent: 0,
    delivered: 0,
    lost: 0,
    duplicated: 0,
    cut: 0,
    oversized: 0,
    streams: 0,
    streamFailures: 0,
  }
  readonly #clock: SimClock
  readonly #trace: Trace
  readonly #checksum: (bytes: Uint8Array) => number
  readonly #seed: number
  readonly #hosts = new Map<number, SimHost>()
  readonly #links = new Map<number, { faults: LinkFaults; readonly random: Random; cuts: number }>()

  /** @param options.checksum of the bytes of a datagram, for the trace */
  constructor(options: {
    readonly clock: SimClock
    readonly trace: Trace
    readonly seed: number
    readonly checksum: (bytes: Uint8Array) => number
  }) {
    this.#clock = options.clock
    this.#trace = options.trace
    this.#seed = options.seed
    this.#checksum = options.checksum
  }

  /** Plugs a host in; a crashed host is unplugged by `undefined`. */
  attach(index: number, host: SimHost | undefined): void {
    if (host === undefined) this.#hosts.delete(index)
    else this.#hosts.set(index, host)
  }

  setFaults(from: number, to: number, faults: LinkFaults): void {
    this.#link(from, to).faults = faults
  }

  /** Cuts one direction. Cuts nest: two overlapping partitions need two heals. */
  cut(from: number, to: number): void {
    this.#link(from, to).cuts++
  }

  heal(from: number, to: number): void {
    const link = this.#link(from, to)
    assert(link.cuts > 0, 'only a cut link is healed')
    link.cuts--
  }

  isCut(from: number, to: number): boolean {
    return this.#link(from, to).cuts > 0
  }

  send(from: number, to: number, bytes: Uint8Array): void {
    const link = this.#link(from, to)
    const { faults, random } = link
    this.counters.sent++
    this.#trace.event(this.#clock.nowMs, from, `send>${to}`, this.#checksum(bytes))
    if (link.cuts > 0) {
      this.counters.cut++
      return
    }
    if (bytes.length > faults.mtuBytes) {
      this.counters.oversized++
      return
    }
    if (random.next() < faults.lossRate) {
      this.counters.lost++
      return
    }
    const copy = bytes.slice()
    this.#deliver(from, to, copy, this.#datagramDelayMs(link))
    if (random.next() < faults.duplicateRate) {
      this.counters.duplicated++
      this.#deliver(from, to, copy, this.#datagramDelayMs(link))
    }
  }

  /**
   * One request over a stream; `done` is called exactly once, at the latest at `deadlineMs` (virtual time).
   * The other side may have acted on the request even when the outcome is not an answer.
   */
  request(
    from: number,
    to: number,
    bytes: Uint8Array,
    deadlineMs: number,
    done: (outcome: StreamOutcome) => void,
  ): void {
    this.counters.streams++
    this.#trace.event(this.#clock.nowMs, from, `dial>${to}`, this.#checksum(bytes))
    const copy = bytes.slice()
    let open = true
    const finish = (outcome: StreamOutcome): void => {
      if (!open) return
      open = false
      if (outcome.type === 'refused' || outcome.type === 'timeout') this.counters.streamFailures++
      this.#trace.event(this.#clock.nowMs, from, `stream-${outcome.type}`, to)
      done(outcome)
    }
    this.#clock.at(deadlineMs, () => finish({ type: 'timeout' }))
    if (this.isCut(from, to)) return
    const reply = (outcome: StreamOutcome): void => {
      if (this.isCut(to, from)) return
      this.#clock.after(this.#streamDelayMs(to, from), () => {
        if (!this.isCut(to, from)) finish(outcome)
      })
    }
    this.#clock.after(this.#streamDelayMs(from, to), () => {
      if (!open || this.isCut(from, to)) return
      const host = this.#hosts.get(to)
      if (host === undefined) {
        reply({ type: 'refused' })
        return
      }
      this.#trace.event(this.#clock.nowMs, to, `accept<${from}`, copy.length)
      host.stream(from, copy, (answer) => {
        reply(answer === undefined ? { type: 'closed' } : { type: 'answer', bytes: answer.slice() })
      })
    })
  }

  #deliver(from: number, to: number, bytes: Uint8Array, delayMs: number): void {
    this.#clock.after(delayMs, () => {
      const host = this.#hosts.get(to)
      if (host === undefined || this.isCut(from, to)) {
        this.counters.cut++
        return
      }
      this.counters.delivered++
      host.datagram(from, bytes)
    })
  }

  #datagramDelayMs(link: { readonly faults: LinkFaults; readonly random: Random }): number {
    const { faults, random } = link
    const delayMs = between(random, faults.delayMinMs, faults.delayMaxMs)
    return random.next() < faults.reorderRate ? delayMs + random.next() * faults.reorderMaxMs : delayMs
  }

  /** Two one-way trips (handshake, then data); each lost segment waits for a doubling retransmission timer. */
  #streamDelayMs(from: number, to: number): number {
    const { faults, random } = this.#link(from, to)
    let delayMs = 2 * between(random, faults.delayMinMs, faults.delayMaxMs)
    let timeoutMs = RETRANSMIT_TIMEOUT_MS
    for (let i = 0; i < RETRANSMISSIONS_MAX && random.next() < faults.lossRate; i++) {
      delayMs += timeoutMs
      timeoutMs *= 2
    }
    return delayMs
  }

  #link(from: number, to: number): { faults: LinkFaults; readonly random: Random; cuts: number } {
    const key = from * 65_536 + to
    let link = this.#links.get(key)
    if (link === undefined) {
      link = { faults: quietLink(), random: randomStream(this.#seed, 'link', from, to), cuts: 0 }
      this.#links.set(key, link)
    }
    return link
  }
}
