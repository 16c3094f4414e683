/**
 * One reader of an event stream: takes changes from the log as fast as the reader takes them, and no faster.
 *
 * Think of somebody reading out a ticker tape over the telephone. They wait for the other to say "go on", and if they have
 * fallen so far behind that the tape was cut off, they say that, and go on from its end. Nothing is noted down for the other.
 *
 * So a reader that is slow holds `unsentBytesMax` and one change at most, and loses nothing until the log has moved past
 * it, which it is told as a gap. One that takes nothing at all is cut off (watch-streams.ts, which looks after all of
 * them): it comes back with the id of the last event that reached it, and goes on from there.
 */
import type { ServerResponse } from 'node:http'
import type { WatchAnswer, WatchFilter } from '../../store/watches.ts'
import type { EventFrames } from './event-frames.ts'
import type { WatchBounds } from './watch-bounds.ts'
import type { WatchSource } from './watch-source.ts'

/** Changes looked up at once. */
const PAGE = 64

/** The part of a response that a stream needs. */
export type StreamResponse = Pick<ServerResponse, 'write' | 'end' | 'destroy'>

export interface StreamParts {
  readonly watches: WatchSource
  readonly frames: EventFrames
  readonly response: StreamResponse
  readonly bounds: WatchBounds
  /** Monotonic. */
  readonly nowMs: () => number
  /** Runs it when the event loop has time for it: see turns.ts. */
  readonly enter: (run: () => void) => void
  /** Bytes that were written for the reader, and what it took of them (negative). */
  readonly unsent: (bytes: number) => void
  readonly sent: (events: number) => void
}

export interface StreamRequest {
  readonly filter: WatchFilter
  readonly withValues: boolean
  /** To read after. */
  readonly position: number
  readonly retryMs: number
}

export class EventStream {
  readonly #parts: StreamParts
  readonly #request: StreamRequest
  readonly #over = new AbortController()
  #position: number
  #unsentBytes = 0
  /** When the reader last took something, or had nothing to take. */
  #tookAtMs: number
  #wroteAtMs: number
  /** Nothing that it wants is there. */
  #isWaiting = false
  #resume: (() => void) | undefined

  constructor(parts: StreamParts, request: StreamRequest) {
    this.#parts = parts
    this.#request = request
    this.#position = request.position
    this.#tookAtMs = parts.nowMs()
    this.#wroteAtMs = this.#tookAtMs
  }

  get unsentBytes(): number {
    return this.#unsentBytes
  }

  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  /** Whether so much of what was written for it was not taken that it is given no more. */
  get isBehind(): boolean {
    return this.#unsentBytes > this.#parts.bounds.unsentBytesMax
  }

  /** Whether it took nothing of what was written for it for longer than it may. */
  isStalled(nowMs: number): boolean {
    return this.#unsentBytes > 0 && nowMs - this.#tookAtMs > this.#parts.bounds.stallMs
  }

  /** Resolves when the stream is over. Never rejects. */
  async run(): Promise<void> {
    const { watches, frames } = this.#parts
    this.#write([frames.opening(this.#request.retryMs)], 0)
    // Tells a gap at once, and looks at no change yet.
    const start = watches.read(this.#position, this.#request.filter, 0)
    this.#position = start.position
    if (start.type === 'gap') this.#write([frames.gap(start.position)], 1)
    else this.#write([frames.position(start.position)], 0)
    try {
      while (!this.isOver) {
        await this.#roomForMore()
        await this.#next()
      }
    } catch (error) {
      // Aborted by whoever ended it; or more readers wait, with those of the library, than may.
      if (!this.isOver) this.close(error instanceof Error ? error.message : String(error))
    }
  }

  /** A heartbeat where one is due; it tells where the reader stands. @param end of the log, some turns ago */
  beat(nowMs: number, end: number): void {
    const { bounds, frames } = this.#parts
    // The silence ends in time for a client that counts as exactly as we do.
    if (nowMs - this.#wroteAtMs < bounds.heartbeatMs - bounds.tickMs || this.#unsentBytes > 0) return
    // It wants nothing of what came up to there.
    if (this.#isWaiting) this.#position = Math.max(this.#position, end)
    this.#write([frames.position(this.#position)], 0)
  }

  /** Ends it in order, with a last event, unless the reader is behind with what was written before. */
  close(reason: string): void {
    if (this.isOver) return
    const { response, frames, bounds } = this.#parts
    if (this.isBehind) {
      this.cut()
      return
    }
    this.#end()
    response.end(frames.closed(reason))
    // Whoever stops the server does not wait for a reader.
    setTimeout(() => response.destroy(), bounds.closeGraceMs).unref()
  }

  /** Hangs up. Idempotent, also after `close`. */
  cut(): void {
    this.#end()
    this.#parts.response.destroy()
  }

  #end(): void {
    this.#over.abort()
    this.#parts.unsent(-this.#unsentBytes)
    this.#unsentBytes = 0
    this.#resume?.()
  }

  async #next(): Promise<void> {
    const { watches, enter } = this.#parts
    const { filter } = this.#request
    this.#isWaiting = true
    const page = await watches.next(this.#position, filter, PAGE, this.#over.signal)
    this.#isWaiting = false
    // Thousands may have been woken by the same change: not all of them are served in one round of the event loop.
    await new Promise<void>((resolve, reject) => {
      enter(() => {
        try {
          if (!this.isOver) this.#send(page)
          resolve()
        } catch (error) {
          // A change that cannot be told ends the stream that comes to it, and not the process.
          reject(error)
        }
      })
    })
  }

  #send(page: WatchAnswer): void {
    const { frames, bounds } = this.#parts
    if (page.type === 'closed') {
      this.close('this replica is stopping')
      return
    }
    if (page.type === 'gap') {
      this.#position = page.position
      this.#write([frames.gap(page.position)], 1)
      return
    }
    const batch: Buffer[] = []
    let bytes = this.#unsentBytes
    for (const logged of page.changes) {
      const frame = frames.change(logged, this.#request.withValues)
      bytes += frame.length
      if (batch.length > 0 && bytes > bounds.unsentBytesMax) break
      batch.push(frame)
      this.#position = logged.position
    }
    if (batch.length === page.changes.length) this.#position = page.position
    this.#write(batch, batch.length)
  }

  #write(batch: readonly Buffer[], events: number): void {
    const { response, nowMs, unsent, sent } = this.#parts
    if (this.isOver) return
    const [first] = batch
    // One frame is written as it is, so that readers of the same change share its bytes.
    const chunk = batch.length === 1 && first !== undefined ? first : Buffer.concat(batch)
    this.#wroteAtMs = nowMs()
    if (this.#unsentBytes === 0) this.#tookAtMs = this.#wroteAtMs
    this.#unsentBytes += chunk.length
    sent(events)
    response.write(chunk, () => this.#took(chunk.length))
    // May end this stream, if all of them hold too much.
    unsent(chunk.length)
  }

  #took(bytes: number): void {
    if (this.isOver) return
    this.#unsentBytes -= bytes
    this.#tookAtMs = this.#parts.nowMs()
    this.#parts.unsent(-bytes)
    if (!this.isBehind) this.#resume?.()
  }

  async #roomForMore(): Promise<void> {
    if (this.isOver || !this.isBehind) return
    // Nobody waits for it any more.
    if (this.#parts.watches.closed.aborted) return this.cut()
    await new Promise<void>((resolve) => {
      this.#resume = resolve
    })
    this.#resume = undefined
  }
}
