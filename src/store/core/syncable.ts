/**
 * The side of a store that anti-entropy sees: what it holds, as digests, and the three moves that together are the full
 * join of peers.md 3a and 3c, in this order. `retire` drops what the peer saw and no longer holds; `join` (joinable.ts)
 * takes in what the peer has and we have not seen; `unite` takes over the peer's context once both hold the same.
 *
 * Why a peer's context must be taken before its items are listed, never after: an item written in between is then listed
 * without being claimed (harmless), where the other order claims it without listing it, and reads as its removal.
 */
import type { CausalContext } from '../../crdt/context.ts'
import type { Sketch } from '../../crdt/sketch.ts'
import type { Delta } from './delta.ts'
import type { StateItem } from './state-item.ts'

/** Buckets of the bucket digest; an item's bucket is the low 10 bits of its `hi`. */
export const DIGEST_BUCKETS = 1024

/** Live views, kept up to date with every change: copy what must stay as it is. */
export interface StateDigest {
  /** 16 bytes; equal for equal sets of items (up to hash collisions). All zero for the empty set. */
  root(): Uint8Array
  readonly count: number
  /** The first 64 symbols of the rateless sketch of all items. */
  readonly sketch: Sketch
  /** XOR of the items' hashes by bucket: `hi` at 2i, `lo` at 2i + 1. */
  readonly buckets: Uint32Array
}

export interface Syncable {
  /** Live; clone before keeping. */
  readonly context: CausalContext
  readonly digest: StateDigest
  /**
   * Every item, in no particular order. May be held over many turns: what is added meanwhile may or may not be met, what
   * is removed is not met after its removal.
   */
  scan(): Iterator<StateItem>
  /**
   * What is held under the keys of these items now, as a delta without covered dots: the item, or what was written over it
   * since, which whoever gave up the item needs to have in its place. Nothing for an item that only went.
   */
  read(items: Iterable<StateItem>): Delta
  /**
   * Drops those of `items` that are still held as they were and whose dot `theirs` has seen: the peer removed them.
   * Records, which have no dot, and keys with a parked entry stay. Must come before the join of what the peer sends.
   * @returns how many went
   */
  retire(items: Iterable<StateItem>, theirs: CausalContext): number
  /** Takes over the context of a peer that holds the same items; not one that has merged what is parked here. */
  unite(theirs: CausalContext): void
  /** Calls back once everything joined so far is on disk, or with false when the disk refuses. */
  durable(done: (ok: boolean) => void): void
}
