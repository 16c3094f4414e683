/**
 * Puts frames for the same member into one stream: claims and acknowledgements are small and come in crowds.
 *
 * A reliable message costs a connection, about a millisecond of CPU on both sides together. 200 notifications at once are
 * 200 questions to each of two members and as many answers; one by one they take so long that the questioner takes
 * silence for absence. So what one turn of the event loop says to one member leaves together at its end, and what follows
 * waits until 5 ms have gone by since the last: a single question loses nothing, a crowd makes 200 streams a second at most.
 *
 * Only for members that are hearsay replicas: others cannot read a batch. Order between frames is not kept.
 */
import type { Clock } from '../base/clock.ts'
import {
  BATCH_BYTES_MAX,
  BATCH_HEADER_BYTES,
  batchEntryBytes,
  encodeBatch,
} from '../gossip/core/batch-frame.ts'

const PACE_MS = 5

interface Pending {
  readonly frames: Uint8Array[]
  bytes: number
  /** Ends the wait; undefined while there is none. */
  cancel: (() => void) | undefined
  sentAtMs: number
}

export class FrameBatcher {
  readonly #clock: Clock
  readonly #send: (peer: string, payload: Uint8Array) => void
  /** By member, for as long as it may have to wait. */
  readonly #pending = new Map<string, Pending>()

  constructor(clock: Clock, send: (peer: string, payload: Uint8Array) => void) {
    this.#clock = clock
    this.#send = send
  }

  /** @param frame must not change afterwards */
  add(peer: string, frame: Uint8Array): void {
    const bytes = batchEntryBytes(frame.length)
    if (bytes > BATCH_BYTES_MAX - BATCH_HEADER_BYTES) {
      this.#send(peer, frame)
      return
    }
    const pending = this.#of(peer)
    if (BATCH_HEADER_BYTES + pending.bytes + bytes > BATCH_BYTES_MAX) this.#leave(peer, pending)
    pending.frames.push(frame)
    pending.bytes += bytes
    if (pending.cancel === undefined) this.#wait(peer, pending)
  }

  /** Sends all that waits, now. Frames that come later wait again. */
  flush(): void {
    for (const [peer, pending] of [...this.#pending]) {
      this.#leave(peer, pending)
      pending.cancel?.()
      this.#pending.delete(peer)
    }
  }

  #of(peer: string): Pending {
    const known = this.#pending.get(peer)
    if (known !== undefined) return known
    const fresh: Pending = { frames: [], bytes: 0, cancel: undefined, sentAtMs: Number.NEGATIVE_INFINITY }
    this.#pending.set(peer, fresh)
    return fresh
  }

  #wait(peer: string, pending: Pending): void {
    const waitMs = Math.ceil(pending.sentAtMs + PACE_MS - this.#clock.monotonicMs())
    const due = (): void => {
      pending.cancel = undefined
      if (pending.frames.length === 0) {
        this.#pending.delete(peer)
        return
      }
      this.#leave(peer, pending)
      // Once more, to pace what comes meanwhile, or to be forgotten.
      this.#wait(peer, pending)
    }
    if (waitMs <= 0) {
      const immediate = setImmediate(due)
      pending.cancel = () => clearImmediate(immediate)
    } else {
      const timer = setTimeout(due, waitMs)
      pending.cancel = () => clearTimeout(timer)
    }
  }

  #leave(peer: string, pending: Pending): void {
    const frames = pending.frames.splice(0)
    pending.bytes = 0
    pending.sentAtMs = this.#clock.monotonicMs()
    const [first] = frames
    if (first !== undefined) this.#send(peer, frames.length === 1 ? first : encodeBatch(frames))
  }
}
