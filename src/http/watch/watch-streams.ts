/**
 * All watches over HTTP: admits them, looks after them, and ends them.
 *
 * One timer for all of them, which runs while there is a stream: once a second it sends the heartbeats that are due and
 * cuts off who has stalled. Streams end when the store's watches close, and when the server does.
 */
import { HearsayError } from '../../base/errors.ts'
import { onAbort } from '../../store/on-abort.ts'
import type { Sample } from '../metrics/registry.ts'
import { HttpError } from '../problem.ts'
import { turns } from '../turns.ts'
import { EventFrames } from './event-frames.ts'
import { EventStream, type StreamRequest, type StreamResponse } from './event-stream.ts'
import { WATCH_BOUNDS, type WatchBounds } from './watch-bounds.ts'
import type { WatchSource } from './watch-source.ts'

export type WatchKind = 'stream' | 'poll'
export type EvictionReason = 'stalled' | 'memory'

/** Clients come back after 1 to 3 s, each at another tenth, so that not all of them do at once. */
const RETRY_MS = 1000
const RETRY_STEP_MS = 100
const RETRY_STEPS = 20

/** Goes to who waits when the server stops. */
const STOPPING = 'this replica is stopping'

export class WatchStreams {
  readonly bounds: WatchBounds
  readonly #watches: WatchSource
  readonly #nowMs: () => number
  readonly #frames: EventFrames
  readonly #streams = new Set<EventStream>()
  readonly #clients = new Map<string, number>()
  readonly #open: Record<WatchKind, number> = { stream: 0, poll: 0 }
  readonly #evicted: Record<EvictionReason, number> = { stalled: 0, memory: 0 }
  readonly #refused = { all: 0, client: 0 }
  readonly #closing = new AbortController()
  #unsentBytes = 0
  #sent = 0
  #admitted = 0
  #ticks: NodeJS.Timeout | undefined

  /** @param nowMs monotonic */
  constructor(
    watches: WatchSource,
    bounds: Partial<WatchBounds> = {},
    nowMs: () => number = () => performance.now(),
  ) {
    this.#watches = watches
    this.bounds = { ...WATCH_BOUNDS, ...bounds }
    this.#nowMs = nowMs
    this.#frames = new EventFrames((position) => watches.cursorOf(position))
    // All others are told by the store that nothing follows.
    onAbort(watches.closed, () => {
      for (const stream of [...this.#streams]) if (stream.isBehind) stream.cut()
    })
  }

  /** Aborted when the server stops, with HearsayError `STORE_CLOSED`. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /**
   * Takes a place for a watch.
   * @returns gives it back; idempotent
   * @throws HttpError `WATCH_READERS_MAX`; HearsayError `STORE_CLOSED` when the server stops
   */
  admit(kind: WatchKind, client: string): () => void {
    if (this.#closing.signal.aborted) throw new HearsayError('STORE_CLOSED', STOPPING)
    const { watchesMax, watchesPerClientMax } = this.bounds
    const ofClient = this.#clients.get(client) ?? 0
    if (this.#open.stream + this.#open.poll >= watchesMax) {
      this.#refused.all++
      throw new HttpError(
        'WATCH_READERS_MAX',
        `${watchesMax} watches are open, which is the limit`,
        watchesMax,
      )
    }
    if (ofClient >= watchesPerClientMax) {
      this.#refused.client++
      const detail = `${watchesPerClientMax} watches are open from this address, which is the limit of one`
      throw new HttpError('WATCH_READERS_MAX', detail, watchesPerClientMax)
    }
    this.#open[kind]++
    this.#clients.set(client, ofClient + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#open[kind]--
      const left = (this.#clients.get(client) ?? 0) - 1
      if (left > 0) this.#clients.set(client, left)
      else this.#clients.delete(client)
    }
  }

  /** Serves a stream on a response whose head is written. @returns hangs up, for when the client has gone */
  serve(response: StreamResponse, request: Omit<StreamRequest, 'retryMs'>): () => void {
    this.#admitted++
    const retryMs = RETRY_MS + (this.#admitted % RETRY_STEPS) * RETRY_STEP_MS
    const stream = new EventStream(
      {
        watches: this.#watches,
        frames: this.#frames,
        response,
        bounds: this.bounds,
        nowMs: this.#nowMs,
        enter: (run) => turns.enter(run),
        unsent: (bytes) => this.#count(bytes),
        sent: (events) => {
          this.#sent += events
        },
      },
      { ...request, retryMs },
    )
    this.#streams.add(stream)
    this.#ticks ??= setInterval(() => this.#tick(), this.bounds.tickMs).unref()
    void stream.run().then(() => this.#forget(stream))
    return () => stream.cut()
  }

  /** Ends all of them, with a last event where the reader keeps up, and takes no more. Idempotent. */
  close(): void {
    this.#closing.abort(new HearsayError('STORE_CLOSED', STOPPING))
    for (const stream of [...this.#streams]) stream.close(STOPPING)
  }

  *samples(): Iterable<Sample> {
    for (const [kind, value] of Object.entries(this.#open)) {
      yield { name: 'hearsay_watch_open', value, labels: { kind } }
    }
    for (const [reason, value] of Object.entries(this.#evicted)) {
      yield { name: 'hearsay_watch_evicted_total', value, labels: { reason } }
    }
    for (const [limit, value] of Object.entries(this.#refused)) {
      yield { name: 'hearsay_watch_refused_total', value, labels: { limit } }
    }
    yield { name: 'hearsay_watch_events_sent_total', value: this.#sent }
    yield { name: 'hearsay_watch_unsent_bytes', value: this.#unsentBytes }
    const { waiting, gaps, appended, compacted, bytes } = this.#watches.stats
    yield { name: 'hearsay_watch_waiting', value: waiting }
    yield { name: 'hearsay_watch_gaps_total', value: gaps }
    yield { name: 'hearsay_watch_log_changes', value: appended - compacted }
    yield { name: 'hearsay_watch_log_bytes', value: bytes }
  }

  #forget(stream: EventStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    clearInterval(this.#ticks)
    this.#ticks = undefined
  }

  #tick(): void {
    // Tells of what has expired, and so may wake readers. They have read it before this turn is over; who then still
    // waits wants nothing that came before `end`.
    const { end } = this.#watches
    setImmediate(() => {
      const nowMs = this.#nowMs()
      for (const stream of this.#streams) {
        if (stream.isOver) continue
        if (stream.isStalled(nowMs)) this.#evict(stream, 'stalled')
        else stream.beat(nowMs, end)
      }
    })
  }

  #count(bytes: number): void {
    this.#unsentBytes += bytes
    while (this.#unsentBytes > this.bounds.unsentBytesTotalMax) {
      let most: EventStream | undefined
      for (const stream of this.#streams) {
        if (stream.unsentBytes > (most?.unsentBytes ?? 0)) most = stream
      }
      if (most === undefined) return
      this.#evict(most, 'memory')
    }
  }

  #evict(stream: EventStream, reason: EvictionReason): void {
    this.#evicted[reason]++
    stream.cut()
  }
}
