/**
 * The machine's deadlines as data: a heap of tags. Nothing else in the core schedules anything.
 *
 * There is no cancel. A tag names what it was meant for (a sequence number, a member), and its owner ignores one that
 * no longer matches when it surfaces.
 */
import { Heap } from '../../base/heap.ts'

export type TimerTag =
  | { readonly kind: 'probe-tick' }
  /** No direct ack in time: ask others. */
  | { readonly kind: 'probe-timeout'; readonly seqNo: number }
  /** The verdict. */
  | { readonly kind: 'probe-end'; readonly seqNo: number }
  | { readonly kind: 'gossip-tick' }
  /** Something was queued that was never sent. */
  | { readonly kind: 'flush' }
  | { readonly kind: 'push-pull-tick' }
  | { readonly kind: 'suspicion'; readonly name: string }
  | { readonly kind: 'relay-end'; readonly seqNo: number }
  /** Ask our namesakes again, forget those that are gone. */
  | { readonly kind: 'name-conflict-tick' }

export class Timers {
  readonly #heap = new Heap<TimerTag>()

  nextAt(): number | undefined {
    return this.#heap.peekAt()
  }

  schedule(atMs: number, tag: TimerTag): void {
    this.#heap.push(atMs, tag)
  }

  /** The earliest tag due at `nowMs`, removed; undefined when none is. */
  takeDue(nowMs: number): { readonly at: number; readonly tag: TimerTag } | undefined {
    const at = this.#heap.peekAt()
    if (at === undefined || at > nowMs) return undefined
    const item = this.#heap.pop()
    return item === undefined ? undefined : { at: item.at, tag: item.value }
  }
}
