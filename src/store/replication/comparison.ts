/**
 * Tells for each of our items how it stands to what the peer holds, and afterwards what the peer holds that we lack.
 *
 * It works alike for a decoded sketch (only a few of our items are in question, and theirs are the decoded ones) and for a
 * listing (all items of some buckets are in question). One name with different contents on both sides is contested:
 * neither absence means a removal then, so both are always sent (peers.md 3a pitfall 6; records are the common case).
 */
import type { ItemHash, SketchDifference } from '../../crdt/sketch.ts'
import { DIGEST_BUCKETS } from '../core/syncable.ts'
import { ABSENT, CONTESTED, HashTable, LISTED, MATCHED } from './hash-table.ts'

export class Comparison {
  readonly #isInQuestion: (item: ItemHash) => boolean
  readonly #theirs: HashTable

  private constructor(isInQuestion: (item: ItemHash) => boolean, theirs: HashTable) {
    this.#isInQuestion = isInQuestion
    this.#theirs = theirs
  }

  /** @returns undefined when somebody chose the hashes so that they all want one place: none of them may be left out */
  static bySketch({ onlyMine, onlyTheirs }: SketchDifference): Comparison | undefined {
    const [mine, theirs] = [new HashTable(), new HashTable()]
    if (!onlyMine.every(({ hi, lo }) => mine.add(hi, lo, LISTED))) return undefined
    if (!onlyTheirs.every(({ hi, lo }) => theirs.add(hi, lo, LISTED))) return undefined
    return new Comparison(({ hi, lo }) => mine.mark(hi, lo) !== ABSENT, theirs)
  }

  /** @param covers a bit for each bucket that is listed */
  static byListing(covers: Uint8Array, theirs: HashTable): Comparison {
    return new Comparison(({ hi }) => {
      const bucket = hi & (DIGEST_BUCKETS - 1)
      return ((covers[bucket >> 3] ?? 0) & (1 << (bucket & 7))) !== 0
    }, theirs)
  }

  /** The peer holds nothing at all. */
  static withNothing(): Comparison {
    return new Comparison(() => true, new HashTable())
  }

  place(item: ItemHash): 'common' | 'mine' | 'contested' {
    // Theirs first, whatever the sketch said of ours, which may have changed since. Asked for an item whose dot we have
    // seen, the peer would take it that we let it go, and let it go as well.
    if (this.#theirs.mark(item.hi, item.lo) !== ABSENT) {
      this.#theirs.setMark(item.hi, item.lo, MATCHED)
      return 'common'
    }
    if (this.#theirs.contest(item.hi)) return 'contested'
    return this.#isInQuestion(item) ? 'mine' : 'common'
  }

  /** What the peer holds and we do not; complete once all our items were placed. */
  wanted(): Generator<ItemHash> {
    return this.#theirs.withMark(LISTED)
  }

  contested(): Generator<ItemHash> {
    return this.#theirs.withMark(CONTESTED)
  }
}
