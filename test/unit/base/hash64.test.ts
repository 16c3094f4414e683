import { describe, expect, it } from 'vitest'
import { Hasher64, hashText } from '../../../src/base/hash64.ts'

function hashOf(take: (hasher: Hasher64) => void): string {
  const hasher = new Hasher64()
  hasher.start()
  take(hasher)
  return `${hasher.hi().toString(16)}.${hasher.lo().toString(16)}`
}

describe('the 64-bit hash', () => {
  it('is the same everywhere and for ever: it is on the wire', () => {
    expect([hashText(''), hashText('a'), hashText('hearsay'), hashText('ü\u{1f600}')]).toEqual(GOLDEN)
    expect(
      hashOf((hasher) =>
        hasher
          .integer(2 ** 53 - 1)
          .word(-1)
          .bytes(Uint8Array.of(1, 2, 3, 4, 5)),
      ),
    ).toBe('3e4f221b.eabe6273')
  })

  it('tells texts, bytes and their sequences apart that hold the same words', () => {
    const inputs: readonly ((hasher: Hasher64) => void)[] = [
      () => undefined,
      (hasher) => hasher.text(''),
      (hasher) => hasher.text('\0'),
      (hasher) => hasher.text('\0\0'),
      (hasher) => hasher.text('ab'),
      (hasher) => hasher.text('ba'),
      (hasher) => hasher.text('a').text('b'),
      (hasher) => hasher.text('').text('ab'),
      (hasher) => hasher.bytes(new Uint8Array(3)),
      (hasher) => hasher.bytes(new Uint8Array(4)),
      (hasher) => hasher.bytes(new Uint8Array(5)),
      (hasher) => hasher.bytes(Uint8Array.of(0, 0, 0, 1)),
      (hasher) => hasher.bytes(Uint8Array.of(1)),
    ]
    expect(new Set(inputs.map(hashOf)).size).toBe(inputs.length)
  })

  it('spreads near inputs over all 64 bits: half of the bits change with any one', () => {
    let changed = 0
    let compared = 0
    const base = new Uint8Array(32)
    const of = (bytes: Uint8Array): readonly [number, number] => {
      const hasher = new Hasher64().start().bytes(bytes)
      return [hasher.hi(), hasher.lo()]
    }
    const [hi, lo] = of(base)
    for (let bit = 0; bit < 256; bit++) {
      const flipped = base.slice()
      flipped[bit >> 3] = 1 << (bit & 7)
      const [otherHi, otherLo] = of(flipped)
      const bits = ones(hi ^ otherHi) + ones(lo ^ otherLo)
      expect(bits).toBeGreaterThan(12)
      changed += bits
      compared += 64
    }
    expect(changed / compared).toBeGreaterThan(0.47)
    expect(changed / compared).toBeLessThan(0.53)
  })

  it('collides in each half no more often than chance, for keys that count up', () => {
    const count = 100_000
    const his = new Set<number>()
    const los = new Set<number>()
    const buckets = new Uint32Array(1024)
    for (let i = 0; i < count; i++) {
      const { hi, lo } = hashText(`service-${i}`)
      his.add(hi)
      los.add(lo)
      const bucket = hi & 1023
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
    // Chance gives 1.2 collisions, and 98 a bucket with a deviation of 10.
    expect(count - his.size).toBeLessThan(8)
    expect(count - los.size).toBeLessThan(8)
    expect(Math.max(...buckets)).toBeLessThan(150)
    expect(Math.min(...buckets)).toBeGreaterThan(50)
  })

  it('goes on from an earlier hash, and begins anew after it', () => {
    const hasher = new Hasher64()
    const one = hasher.start(1, 2).text('a').hi()
    hasher.word(7)
    expect(hasher.start(1, 2).text('a').hi()).toBe(one)
    expect(hasher.start(2, 1).text('a').hi()).not.toBe(one)
  })
})

function ones(word: number): number {
  let count = 0
  for (let rest = word >>> 0; rest > 0; rest = Math.floor(rest / 2)) count += rest & 1
  return count
}

const GOLDEN = [
  { hi: 797_991_586, lo: 6_306_350 },
  { hi: 3_188_335_042, lo: 1_507_051_808 },
  { hi: 1_270_464_769, lo: 966_729_701 },
  { hi: 3_442_086_065, lo: 3_987_441_373 },
]
