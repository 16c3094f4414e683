import { describe, expect, it } from 'vitest'
import { ByteSlab } from '../../../src/base/byte-slab.ts'
import { seededRandom } from '../../../src/base/random.ts'

describe('a slab', () => {
  it('keeps every copy as it was, of any length', () => {
    const slab = new ByteSlab()
    const random = seededRandom(3)
    const kept = Array.from({ length: 2000 }, (_, i) => {
      const bytes = new Uint8Array(random.below(300)).fill(i)
      const copy = slab.copy(bytes)
      bytes.fill(255)
      return copy
    })
    for (const [i, copy] of kept.entries()) expect(copy.every((byte) => byte === i % 256)).toBe(true)
  })

  it('shares buffers among small values, and never more than 8 KiB of them', () => {
    const slab = new ByteSlab()
    const buffers = new Set(Array.from({ length: 800 }, () => slab.copy(new Uint8Array(100)).buffer))
    expect(buffers.size).toBe(10)
    for (const buffer of buffers) expect(buffer.byteLength).toBe(8192)
  })

  it('gives a large value a buffer of its own', () => {
    const slab = new ByteSlab()
    slab.copy(new Uint8Array(1))
    expect(slab.copy(new Uint8Array(2049)).buffer.byteLength).toBe(2049)
    expect(slab.copy(new Uint8Array(0)).length).toBe(0)
  })

  it('gives room that nobody else has, of zeros', () => {
    const slab = new ByteSlab()
    const taken = Array.from({ length: 100 }, (_, i) => slab.take(i * 30))
    expect(taken.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true)
    for (const [i, bytes] of taken.entries()) bytes.fill(i)
    for (const [i, bytes] of taken.entries()) {
      expect(bytes.length).toBe(i * 30)
      expect(bytes.every((byte) => byte === i)).toBe(true)
    }
  })
})
