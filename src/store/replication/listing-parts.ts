/**
 * Long lists of hashes, sent in parts of at most 256 KiB: the next one leaves when the last was acknowledged.
 */
import type { CausalContext } from '../../crdt/context.ts'
import type { ItemHash } from '../../crdt/sketch.ts'
import { DIGEST_BUCKETS, type Syncable } from '../core/syncable.ts'
import { packHashes, type SyncBody } from './frames.ts'

const HASH_BYTES = 8
/** Room is left for a context of 100 actors in the first part. */
export const PART_HASHES_MAX: number = (256 * 1024 - 4096) / HASH_BYTES

/** The items in the buckets that differ from the peer's. */
export class ListingSender {
  readonly #send: (body: SyncBody) => void
  /** Captured before anything is listed. */
  readonly #context: CausalContext
  readonly #covers = new Uint8Array(DIGEST_BUCKETS / 8)
  readonly #items: ItemHash[] = []
  #part = 0

  constructor(
    { digest, context }: Pick<Syncable, 'digest' | 'context'>,
    theirBuckets: Uint32Array,
    send: (body: SyncBody) => void,
  ) {
    this.#send = send
    this.#context = context.clone()
    const ours = digest.buckets
    for (let bucket = 0; bucket < DIGEST_BUCKETS; bucket++) {
      const at = bucket * 2
      if (ours[at] === theirBuckets[at] && ours[at + 1] === theirBuckets[at + 1]) continue
      this.#covers[bucket >> 3] = (this.#covers[bucket >> 3] ?? 0) | (1 << (bucket & 7))
    }
  }

  add({ hi, lo }: ItemHash): void {
    const bucket = hi & (DIGEST_BUCKETS - 1)
    if (((this.#covers[bucket >> 3] ?? 0) & (1 << (bucket & 7))) !== 0) this.#items.push({ hi, lo })
  }

  start(): void {
    this.#next()
  }

  acknowledged(part: number): void {
    if (part === this.#part - 1 && part * PART_HASHES_MAX < this.#items.length) this.#next()
  }

  #next(): void {
    const part = this.#part++
    const from = part * PART_HASHES_MAX
    this.#send({
      kind: 'listing',
      part,
      last: from + PART_HASHES_MAX >= this.#items.length,
      opening: part === 0 ? { context: this.#context, covers: this.#covers } : undefined,
      items: packHashes(this.#items.slice(from, from + PART_HASHES_MAX)),
    })
  }
}

export interface Wants {
  readonly context: CausalContext
  readonly nothingComes: boolean
  /** Few, by their nature; a session that finds more than a part of them sends the rest as ordinary ones. */
  readonly contested: readonly ItemHash[]
  readonly items: Iterator<ItemHash>
}

/** What the comparing side lacks. */
export class WantSender {
  readonly #send: (body: SyncBody) => void
  readonly #wants: Wants
  #part = 0
  #isLast = false

  constructor(send: (body: SyncBody) => void, wants: Wants) {
    this.#send = send
    this.#wants = wants
  }

  acknowledged(part: number): void {
    if (part === this.#part - 1 && !this.#isLast) this.next()
  }

  next(): void {
    const { context, nothingComes, contested, items } = this.#wants
    const part = this.#part++
    const chosenContested = contested.slice(part * PART_HASHES_MAX, (part + 1) * PART_HASHES_MAX)
    const chosen: ItemHash[] = []
    let ended = false
    while (chosen.length + chosenContested.length < PART_HASHES_MAX) {
      const next = items.next()
      ended = next.done === true
      if (next.done === true) break
      chosen.push(next.value)
    }
    this.#isLast = ended && (part + 1) * PART_HASHES_MAX >= contested.length
    this.#send({
      kind: 'want',
      part,
      last: this.#isLast,
      nothingComes,
      context: part === 0 ? context : undefined,
      contested: packHashes(chosenContested),
      items: packHashes(chosen),
    })
  }
}
