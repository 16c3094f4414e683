/**
 * Batch sequence: proof that no batch is missing from the middle of the database.
 *
 * LevelDB skips damaged stretches of its log without a word: one flipped bit drops up to 32 KiB of acknowledged
 * batches while those after it are read as if nothing had happened (reliability.md section 0, item 2). The later ones
 * carry the causal context, so the replica would claim to have seen writes that it does not hold, and its peers would
 * delete theirs. So every batch leaves its number in one of 16,384 slots, number modulo 16,384, in the same atomic
 * write. When the store is opened the slots must hold an unbroken run up to the highest number: a stale or empty slot
 * is a lost batch. A lost tail (power cut with a lying disk, truncated file) leaves an unbroken, shorter run; that is
 * a mere prefix, harmless to peers, and is noticed only against the number noted at an orderly close (actor-file.ts).
 *
 * 16,384 batches of at least 250 B fill LevelDB's 4 MiB log; what is older has moved to tables. Cost: about 20 B a
 * batch, 400 kB in all. Not seen: whole tables lost or keys dropped inside one; records carry their own checksum.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts'

export const SLOTS = 16_384

export interface SequenceVerdict {
  /** Number of the last batch; 0 when there was none. */
  readonly last: number
  /** Numbers of the batches that should be in the slots and are not. */
  readonly missing: readonly number[]
}

export function slotOf(sequence: number): number {
  return sequence % SLOTS
}

export function encodeSequence(sequence: number): Uint8Array {
  return new ByteWriter(8).varint(sequence).finish()
}

/** @throws BytesError when `payload` is not one number */
export function decodeSequence(payload: Uint8Array): number {
  return new ByteReader(payload).varint()
}

/** Collects the slots met while loading. */
export class SequenceCheck {
  readonly #slots: number[] = new Array<number>(SLOTS).fill(0)
  #last = 0

  add(slot: number, sequence: number): void {
    if (slot !== slotOf(sequence)) return
    this.#slots[slot] = sequence
    this.#last = Math.max(this.#last, sequence)
  }

  verdict(): SequenceVerdict {
    const missing: number[] = []
    for (let sequence = Math.max(1, this.#last - SLOTS + 1); sequence <= this.#last; sequence++) {
      if (this.#slots[slotOf(sequence)] !== sequence) missing.push(sequence)
    }
    return { last: this.#last, missing }
  }
}
