/**
 * The peer's half of a transfer: chunks are joined as they come and acknowledged once on disk; and what the peer has seen
 * and no longer holds goes.
 *
 * In which order? The rule is retire, then join (peers.md 3c): an old entry here could otherwise win by its stamp over the
 * entry that replaced its successor, and then go as well. But a key must not read as absent between the two. So what is
 * to go waits for the chunk that brings its key, and both happen in one turn; what no chunk names goes at the end. And where
 * the newcomer has the higher stamp it is joined first, because then it wins anyway, or is parked as too far in the
 * future, in which case the old one must stay.
 */
import type { CausalContext } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'
import { compareStamps, type Stamp } from '../../crdt/hlc.ts'
import type { Delta } from '../core/delta.ts'
import type { StateItem } from '../core/state-item.ts'
import { type StateKey, stateKeyName } from '../core/state-key.ts'
import { CHUNKS_UNACKNOWLEDGED_MAX } from './outgoing-chunks.ts'
import { inSlices, type SliceHost } from './slices.ts'
import type { SyncStore } from './sync-store.ts'

/** Chunks that may wait for the disk; a peer that keeps to its window never gets there. */
export const CHUNKS_WAITING_MAX: number = CHUNKS_UNACKNOWLEDGED_MAX * 2

export interface IncomingDeps extends SliceHost {
  readonly store: SyncStore
  readonly acknowledge: (sequence: number) => void
  /** Hears what was new, chunk by chunk. */
  readonly joined: (news: Delta, lines: number) => void
  readonly retired: (count: number) => void
  /** Something of `isComplete` may have changed. */
  readonly progressed: () => void
}

export class IncomingChunks {
  readonly #deps: IncomingDeps
  readonly #toRetire = new Map<string, StateItem[]>()
  #theirs: CausalContext | undefined
  #waiting = 0
  /** All below it have come; those above that have come are in `#ahead`. */
  #next = 0
  readonly #ahead = new Set<number>()
  #last: number | undefined
  #tookAll = true

  constructor(deps: IncomingDeps) {
    this.#deps = deps
  }

  /** All chunks have come and are on disk. */
  get isComplete(): boolean {
    return this.#last !== undefined && this.#next > this.#last && this.#waiting === 0
  }

  /** Whether everything that came is held here now, or was seen before: nothing was refused, nothing parked. */
  get tookAll(): boolean {
    return this.#tookAll
  }

  /** The peer has nothing to send. */
  nothingComes(): void {
    this.#last = -1
  }

  /** @param theirs the context by which the peer has seen it */
  retireLater(item: StateItem, theirs: CausalContext): void {
    this.#theirs = theirs
    const name = stateKeyName(item.key)
    const items = this.#toRetire.get(name)
    if (items === undefined) this.#toRetire.set(name, [item])
    else items.push(item)
  }

  /** @param theirs what the peer has seen. @returns false when the peer does not keep to the window */
  receive(sequence: number, last: boolean, delta: Delta, theirs?: CausalContext): boolean {
    if (this.#waiting >= CHUNKS_WAITING_MAX || sequence > this.#next + CHUNKS_WAITING_MAX) return false
    if (last) this.#last = sequence
    if (sequence >= this.#next) this.#ahead.add(sequence)
    while (this.#ahead.delete(this.#next)) this.#next++
    this.#join(delta, theirs)
    const { context } = this.#deps.store
    const seen = ({ dot }: { readonly dot: Dot }): boolean => context.has(dot)
    this.#tookAll &&= delta.puts.every(({ entry }) => seen(entry)) && delta.adds.every(seen)
    this.#waiting++
    this.#deps.store.durable((ok) => {
      if (!ok || !this.#deps.isOpen()) return
      this.#waiting--
      this.#deps.acknowledge(sequence)
      this.#deps.progressed()
    })
    return true
  }

  /** Retires what no chunk has named. */
  finish(done: () => void): void {
    const theirs = this.#theirs
    const rest = [...this.#toRetire.values()].flat()
    this.#toRetire.clear()
    if (theirs === undefined || rest.length === 0) done()
    else inSlices(this.#deps, rest.values(), (items) => this.#retire(items, theirs), done)
  }

  #join(delta: Delta, seen: CausalContext | undefined): void {
    const { store, joined } = this.#deps
    const lines = delta.puts.length + delta.adds.length + delta.records.length
    const theirs = this.#theirs
    if (theirs === undefined || this.#toRetire.size === 0) {
      joined(store.join(delta, seen), lines)
      return
    }
    const due: StateItem[] = []
    const incoming = new Map<string, Stamp | undefined>()
    const meet = (key: StateKey, stamp: Stamp | undefined): void => {
      const name = stateKeyName(key)
      const items = this.#toRetire.get(name)
      if (items === undefined) return
      this.#toRetire.delete(name)
      incoming.set(name, stamp)
      due.push(...items)
    }
    for (const { map, key, entry } of delta.puts) meet({ kind: 'entry', map, key }, entry.stamp)
    for (const { set, member } of delta.adds) meet({ kind: 'member', set, member }, undefined)
    this.#retire(this.#winners(due, incoming), theirs)
    joined(store.join(delta, seen), lines)
    this.#retire(due, theirs)
  }

  /** Those of `items` whose entry would win over the incoming one by its stamp. */
  #winners(items: readonly StateItem[], incoming: ReadonlyMap<string, Stamp | undefined>): StateItem[] {
    if (items.length === 0) return []
    const held = new Map(
      this.#deps.store
        .read(items)
        .puts.map(({ map, key, entry }) => [stateKeyName({ kind: 'entry', map, key }), entry.stamp] as const),
    )
    return items.filter(({ key }) => {
      const name = stateKeyName(key)
      const [ours, theirs] = [held.get(name), incoming.get(name)]
      return ours !== undefined && theirs !== undefined && compareStamps(ours, theirs) >= 0
    })
  }

  #retire(items: readonly StateItem[], theirs: CausalContext): void {
    if (items.length > 0) this.#deps.retired(this.#deps.store.retire(items, theirs))
  }
}
