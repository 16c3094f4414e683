/**
 * What memory holds and the disk does not yet: keys to be written, actors whose context grew, and those who wait for it.
 *
 * Work comes in generations, as passengers for ferries: while one is being written, in as many batches as its keys need,
 * whatever comes in gathers for the next. Contexts travel last. A context on disk that claims an entry which is not there
 * reads as "seen and removed", and peers would drop theirs (peers.md 3a, pitfall 7); an entry whose context lags is
 * harmless, for loading adds the dots that are held (state-loader.ts). So the contexts of a generation are taken when its
 * writing starts, when every key that they speak of is either in it or on disk, and are written with its last batch.
 *
 * A context that has grown by nothing but what is held now, as an empty replica's does with every chunk of a sync, is not
 * written at all for the moment: loading would find the same. It follows as soon as anything that is held goes or is
 * replaced; a removal, which only the context tells, never waits. An empty replica that fetches 300,000 entries, half of
 * them overwritten in random order, has 82,000 gaps on the way: they would be written, and copied, with each of 535 batches.
 *
 * `saved` is what the contexts on disk claim. Own writes that leave in the middle of a generation add just their own dots
 * to it: their entries are in the same batch, and so is the record that a covered dot stood in.
 *
 * After a failed batch nothing is known of the disk but that it holds what `saved` says or more; everything that was on
 * its way is dirty again.
 */
import { assert } from '../../base/assert.ts'
import type { ActorId } from '../../base/names.ts'
import { CausalContext } from '../../crdt/context.ts'
import type { Outcome } from './operation.ts'
import { type StateKey, stateKeyName } from './state-key.ts'

/** Told once: everything that was dirty when it came is on disk, or why not. */
export type Waiter = (outcome: Outcome) => void

interface Generation {
  readonly keys: Map<string, StateKey>
  readonly actors: Set<ActorId>
  waiters: Waiter[]
}

/** What one batch takes along. */
export interface UnsavedSlice {
  readonly keys: ReadonlyMap<string, StateKey>
  /** The last of its generation. */
  readonly isLast: boolean
  /** What the contexts on disk shall claim of these actors, without the batch's own writes. */
  readonly context: CausalContext
  readonly actors: ReadonlySet<ActorId>
}

export class UnsavedState {
  readonly #live: CausalContext
  readonly #saved: CausalContext
  /** Actors whose context on disk claims too much or too little, and must be put right with the very first batch. */
  readonly #mistaken: Set<ActorId>
  /** Actors of whom the disk claims less than memory, by dots of records that are there or on their way. */
  readonly #lagging = new Set<ActorId>()
  #gathering: Generation = newGeneration()
  #leaving: Generation | undefined
  /** Of the actors of `#leaving`. */
  #leavingContext = new CausalContext()

  /**
   * @param live the context of the state, as it was loaded
   * @param mistaken actors of whom the disk claims something else than `live` does
   */
  constructor(live: CausalContext, mistaken: Iterable<ActorId>) {
    this.#live = live
    this.#saved = live.clone()
    this.#mistaken = new Set(mistaken)
  }

  /** Keys not on disk, those of a batch on its way left out. */
  get keys(): number {
    return this.#gathering.keys.size + (this.#leaving?.keys.size ?? 0)
  }

  /** Nothing to write but what is on its way. */
  get isEmpty(): boolean {
    const { actors, waiters } = this.#gathering
    return this.keys + actors.size + waiters.length + this.#mistaken.size === 0
  }

  get waiters(): number {
    return this.#gathering.waiters.length + (this.#leaving?.waiters.length ?? 0)
  }

  touch(keys: readonly StateKey[], actors: Iterable<ActorId>): void {
    const { actors: gathering } = this.#gathering
    const before = gathering.size
    for (const actor of actors) gathering.add(actor)
    this.#gather(keys)
    if (keys.length > 0 || gathering.size > before) this.catchUp()
  }

  /** Something came where nothing was: the actors of its dots may follow later. */
  grow(keys: readonly StateKey[], actors: Iterable<ActorId>): void {
    this.#gather(keys)
    for (const actor of actors) this.#lagging.add(actor)
  }

  /** Something that was held may go, whose dot the disk does not claim yet. */
  catchUp(): void {
    for (const actor of this.#lagging) this.#gathering.actors.add(actor)
    this.#lagging.clear()
  }

  wait(waiter: Waiter): void {
    this.#gathering.waiters.push(waiter)
  }

  /**
   * The next keys to write. They are not dirty any more; `written` or `failed` must follow, before the next slice.
   * @param take asked for each key in turn; false leaves it, and all that follow, for a later batch
   */
  next(take: (name: string, key: StateKey) => boolean): UnsavedSlice {
    this.#leaving ??= this.#depart()
    const { keys: left, actors: leavingActors } = this.#leaving
    const keys = new Map<string, StateKey>()
    for (const [name, key] of left) {
      if (!take(name, key)) break
      left.delete(name)
      keys.set(name, key)
    }
    const isLast = left.size === 0
    const actors = new Set(this.#mistaken)
    const context = new CausalContext()
    if (isLast) {
      for (const actor of leavingActors) {
        actors.add(actor)
        context.addActor(this.#leavingContext, actor)
      }
    }
    for (const actor of actors) context.addActor(this.#saved, actor)
    return { keys, isLast, context, actors }
  }

  /** What the contexts on disk claim of one more actor, for a batch whose own writes touch it. */
  addSaved(context: CausalContext, actor: ActorId): void {
    context.addActor(this.#saved, actor)
  }

  /**
   * A slice is on disk.
   * @param context as it was written, own writes included
   * @returns those who waited for it
   */
  written({ isLast }: UnsavedSlice, context: CausalContext): readonly Waiter[] {
    this.#saved.union(context)
    this.#mistaken.clear()
    if (!isLast) return []
    assert(this.#leaving?.keys.size === 0, 'the last slice leaves no key behind')
    const { waiters } = this.#leaving
    this.#leaving = undefined
    this.#leavingContext = new CausalContext()
    return waiters
  }

  /** A slice may be on disk or not: all of its generation is dirty again. @returns all who wait; they have failed */
  failed({ keys }: UnsavedSlice): readonly Waiter[] {
    for (const [name, key] of keys) this.#gathering.keys.set(name, key)
    if (this.#leaving !== undefined) {
      for (const [name, key] of this.#leaving.keys) this.#gathering.keys.set(name, key)
      for (const actor of this.#leaving.actors) this.#gathering.actors.add(actor)
    }
    const waiters = this.abandonWaiters()
    this.#leaving = undefined
    this.#leavingContext = new CausalContext()
    return waiters
  }

  /** @returns all who wait, of whom nothing is kept */
  abandonWaiters(): readonly Waiter[] {
    const waiters = [...(this.#leaving?.waiters ?? []), ...this.#gathering.waiters]
    this.#gathering.waiters = []
    if (this.#leaving !== undefined) this.#leaving.waiters = []
    return waiters
  }

  #gather(keys: readonly StateKey[]): void {
    for (const key of keys) this.#gathering.keys.set(stateKeyName(key), key)
  }

  #depart(): Generation {
    const leaving = this.#gathering
    this.#gathering = newGeneration()
    for (const actor of leaving.actors) this.#leavingContext.addActor(this.#live, actor)
    return leaving
  }
}

function newGeneration(): Generation {
  return { keys: new Map(), actors: new Set(), waiters: [] }
}
