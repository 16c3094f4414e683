/**
 * Frames that came before their sender was known: the answer to an exchange and the first frame of the session that it starts
 * travel on streams of their own, and the frame may win. To drop it would leave both sides waiting for each other, for
 * 5 s and more; at the end of a long partition, when all are strangers to each other, that is the rule.
 *
 * Kept only for sessions whose number we gave out; at most 8 frames of one sender and 4 senders, the oldest go.
 */
import type { SyncFrame } from './frames.ts'

const FRAMES_MAX = 8
const SENDERS_MAX = 4

export class EarlyFrames {
  readonly #bySender = new Map<string, SyncFrame[]>()

  keep(frame: SyncFrame): void {
    const frames = this.#bySender.get(frame.sender) ?? []
    const [oldest] = this.#bySender.keys()
    if (frames.length === 0 && this.#bySender.size >= SENDERS_MAX && oldest !== undefined) {
      this.#bySender.delete(oldest)
    }
    this.#bySender.set(frame.sender, [...frames, frame].slice(-FRAMES_MAX))
  }

  /** In the order in which they came. */
  take(sender: string): readonly SyncFrame[] {
    const frames = this.#bySender.get(sender) ?? []
    this.#bySender.delete(sender)
    return frames
  }
}
