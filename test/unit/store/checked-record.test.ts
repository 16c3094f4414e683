/** The checksum around stored values: every single-bit change of key or value is noticed. */
import { describe, expect, it } from 'vitest'
import { sealRecord, unsealRecord } from '../../../src/store/checked-record.ts'

const key = Uint8Array.from([1, 2, 3])
const payload = Uint8Array.from([10, 20, 30, 40])

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

describe('a checked record', () => {
  it('gives back what was sealed, empty payloads too', () => {
    expect(unsealRecord(key, sealRecord(key, payload))).toEqual(payload)
    const nothing = new Uint8Array()
    expect(unsealRecord(key, sealRecord(key, nothing))).toEqual(nothing)
  })

  it('reads a record that is a view into a larger buffer', () => {
    const sealed = sealRecord(key, payload)
    const page = new Uint8Array(sealed.length + 8)
    page.set(sealed, 5)
    expect(unsealRecord(key, page.subarray(5, 5 + sealed.length))).toEqual(payload)
  })

  it('notices each flipped bit of the value and of the key', () => {
    const sealed = sealRecord(key, payload)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      expect(unsealRecord(key, flipped(sealed, bit))).toBeUndefined()
    }
    for (let bit = 0; bit < key.length * 8; bit++) {
      expect(unsealRecord(flipped(key, bit), sealed)).toBeUndefined()
    }
  })

  it('notices a cut at each length', () => {
    const sealed = sealRecord(key, payload)
    for (let length = 0; length < sealed.length; length++) {
      expect(unsealRecord(key, sealed.subarray(0, length))).toBeUndefined()
    }
  })

  it('does not take a boundary moved between key and payload for the same record', () => {
    const sealed = sealRecord(Uint8Array.from([1, 2]), Uint8Array.from([3]))
    expect(unsealRecord(Uint8Array.from([1]), sealed)).toBeUndefined()
  })
})
