/** Numbered batches: a run without gaps is whole, whatever its length; a stale or empty slot is a lost batch. */
import { describe, expect, it } from 'vitest'
import {
  decodeSequence,
  encodeSequence,
  SequenceCheck,
  SLOTS,
  slotOf,
} from '../../../src/store/batch-sequence.ts'

/** The slots after batches 1 to `last`, without those in `lost`. */
function slotsAfter(last: number, lost: readonly number[] = []): SequenceCheck {
  const slots = new Map<number, number>()
  for (let sequence = 1; sequence <= last; sequence++) {
    if (!lost.includes(sequence)) slots.set(slotOf(sequence), sequence)
  }
  const check = new SequenceCheck()
  for (const [slot, sequence] of slots) check.add(slot, sequence)
  return check
}

describe('the batch sequence', () => {
  it('is whole when nothing was ever written', () => {
    expect(new SequenceCheck().verdict()).toEqual({ last: 0, missing: [] })
  })

  it('is whole at any length, also after its slots were used again', () => {
    for (const last of [1, 5, SLOTS - 1, SLOTS, SLOTS + 1, 3 * SLOTS + 7]) {
      expect(slotsAfter(last).verdict()).toEqual({ last, missing: [] })
    }
  })

  it('misses each batch lost from the middle, also where an older one stands in its slot', () => {
    expect(slotsAfter(10, [4, 7]).verdict()).toEqual({ last: 10, missing: [4, 7] })
    expect(slotsAfter(2 * SLOTS, [SLOTS + 5, 2 * SLOTS - 1]).verdict()).toEqual({
      last: 2 * SLOTS,
      missing: [SLOTS + 5, 2 * SLOTS - 1],
    })
  })

  it('takes a lost tail for a shorter run', () => {
    expect(slotsAfter(10, [9, 10]).verdict()).toEqual({ last: 8, missing: [] })
  })

  it('ignores a number in a slot it does not belong to', () => {
    const check = new SequenceCheck()
    check.add(3, 4)
    expect(check.verdict()).toEqual({ last: 0, missing: [] })
  })

  it('reads numbers back as written', () => {
    for (const sequence of [1, 127, 128, 2 ** 40]) {
      expect(decodeSequence(encodeSequence(sequence))).toBe(sequence)
    }
  })
})
