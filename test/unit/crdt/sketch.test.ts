/** The rateless sketch: what it decodes, how often, and that nothing it is fed makes it loop. */
import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter } from '../../../src/base/bytes.ts'
import { type Random, seededRandom, shuffle } from '../../../src/base/random.ts'
import { type ItemHash, Sketch } from '../../../src/crdt/sketch.ts'

function items(count: number, random: Random): ItemHash[] {
  return Array.from({ length: count }, () => ({
    hi: random.below(2 ** 32 - 1),
    lo: random.below(2 ** 32 - 1),
  }))
}

function sketchOf(symbols: number, ...groups: ItemHash[][]): Sketch {
  const sketch = new Sketch(symbols)
  for (const group of groups) for (const { hi, lo } of group) sketch.toggle(hi, lo, 1)
  return sketch
}

function named(hashes: readonly ItemHash[]): string[] {
  return hashes.map(({ hi, lo }) => `${hi}:${lo}`).sort((a, b) => (a < b ? -1 : 1))
}

/** How many of `runs` pairs that share 1,000 items and differ by `differences` are told apart. */
function decoded(symbols: number, differences: number, runs: number): number {
  let right = 0
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(symbols * 1000 + differences * 100 + run)
    const shared = items(1000, random)
    const mine = items(differences >> 1, random)
    const theirs = items(differences - mine.length, random)
    const found = Sketch.difference(sketchOf(symbols, shared, mine), sketchOf(symbols, theirs, shared))
    if (found === undefined) continue
    expect(named(found.onlyMine)).toEqual(named(mine))
    expect(named(found.onlyTheirs)).toEqual(named(theirs))
    right++
  }
  return right
}

function bytesOf(sketch: Sketch): Uint8Array {
  const writer = new ByteWriter()
  sketch.write(writer)
  return writer.finish()
}

describe('the difference of two sketches', () => {
  it('is found always for 1 and 10, nearly always for 20 and 32 differences with 64 symbols', () => {
    expect(decoded(64, 0, 20)).toBe(20)
    expect(decoded(64, 1, 200)).toBe(200)
    expect(decoded(64, 10, 200)).toBe(200)
    expect(decoded(64, 20, 200)).toBeGreaterThanOrEqual(197)
    expect(decoded(64, 32, 200)).toBeGreaterThanOrEqual(185)
  })

  it('is found for 2,000 and for 2,800 differences with 4,096 symbols', () => {
    expect(decoded(4096, 2000, 10)).toBe(10)
    expect(decoded(4096, 2800, 10)).toBeGreaterThanOrEqual(9)
  })

  it('is not claimed when there are too many differences for the symbols', () => {
    expect(decoded(64, 100, 50)).toBe(0)
  })

  it('uses the shorter prefix when one sketch is longer', () => {
    const random = seededRandom(3)
    const [shared, mine] = [items(500, random), items(5, random)]
    const found = Sketch.difference(sketchOf(4096, shared, mine), sketchOf(64, shared))
    expect(named(found?.onlyMine ?? [])).toEqual(named(mine))
    expect(found?.onlyTheirs).toEqual([])
  })

  it('tells apart items whose upper or lower halves are the same', () => {
    const mine = Array.from({ length: 10 }, (_, i) => ({ hi: 7, lo: i }))
    const theirs = Array.from({ length: 10 }, (_, i) => ({ hi: i + 100, lo: 7 }))
    const found = Sketch.difference(sketchOf(64, mine), sketchOf(64, theirs))
    expect(named(found?.onlyMine ?? [])).toEqual(named(mine))
    expect(named(found?.onlyTheirs ?? [])).toEqual(named(theirs))
  })

  it('leaves both sketches as they were', () => {
    const random = seededRandom(5)
    const [mine, theirs] = [sketchOf(64, items(5, random)), sketchOf(64, items(5, random))]
    const before = [bytesOf(mine), bytesOf(theirs)]
    Sketch.difference(mine, theirs)
    expect([bytesOf(mine), bytesOf(theirs)]).toEqual(before)
  })
})

describe('a sketch', () => {
  it('does not depend on the order of additions and removals', () => {
    const random = seededRandom(11)
    const [kept, gone] = [items(300, random), items(200, random)]
    const moves = shuffle(
      [
        ...kept.map((item) => [item, 1] as const),
        ...gone.map((item) => [item, 1] as const),
        ...gone.map((item) => [item, -1] as const),
      ],
      random,
    )
    const sketch = new Sketch(64)
    for (const [{ hi, lo }, sign] of moves) sketch.toggle(hi, lo, sign)
    expect(sketch.equals(sketchOf(64, kept))).toBe(true)
    expect(sketch.equals(sketchOf(64, kept, gone))).toBe(false)
  })

  it('is a prefix of every longer one', () => {
    const some = items(100, seededRandom(13))
    expect(sketchOf(4096, some).prefix(64).equals(sketchOf(64, some))).toBe(true)
  })

  it('of a clone changes alone', () => {
    const sketch = sketchOf(64, items(10, seededRandom(17)))
    const copy = sketch.clone()
    copy.toggle(1, 2, 1)
    expect(copy.equals(sketch)).toBe(false)
  })

  it('comes back from its bytes, which are about 13 a symbol', () => {
    const sketch = sketchOf(64, items(100_000, seededRandom(19)))
    const bytes = bytesOf(sketch)
    expect(bytes.length).toBeLessThanOrEqual(875)
    const reader = new ByteReader(bytes)
    expect(Sketch.read(reader).equals(sketch)).toBe(true)
    expect(reader.remaining).toBe(0)
  })

  it('has the bytes it always had', () => {
    const sketch = sketchOf(3, [
      { hi: 1, lo: 2 },
      { hi: 0xffff_ffff, lo: 0x8000_0000 },
    ])
    expect(Buffer.from(bytesOf(sketch)).toString('hex')).toMatchInlineSnapshot(
      `"03fffffffe80000002682cbcca0400000000000000000000000001ffffffff80000000577932a100"`,
    )
  })
})

describe('bytes that are no sketch', () => {
  it('are refused before memory is taken for them', () => {
    const huge = new ByteWriter().varint(2 ** 40).finish()
    expect(() => Sketch.read(new ByteReader(huge))).toThrow('the limit is 4096')
    const none = new ByteWriter().varint(0).finish()
    expect(() => Sketch.read(new ByteReader(none))).toThrow('a sketch of 0 symbols')
    const short = new ByteWriter().varint(4096).u32(1).finish()
    expect(() => Sketch.read(new ByteReader(short))).toThrow('ended inside a sketch')
    const long = bytesOf(new Sketch(65))
    expect(() => Sketch.read(new ByteReader(long), 64)).toThrow('the limit is 64')
  })

  it('never make the decoding loop, nor find more than there are symbols', () => {
    const random = seededRandom(23)
    const honest = sketchOf(64, items(100, random))
    for (let run = 0; run < 2000; run++) {
      const bytes = bytesOf(honest)
      for (let flips = random.below(200) + 1; flips > 0; flips--) {
        const at = 1 + random.below(bytes.length - 1)
        bytes[at] = random.below(4) === 0 ? 1 : random.below(128)
      }
      let hostile: Sketch
      try {
        hostile = Sketch.read(new ByteReader(bytes))
      } catch {
        continue
      }
      const found = Sketch.difference(honest, hostile)
      expect((found?.onlyMine.length ?? 0) + (found?.onlyTheirs.length ?? 0)).toBeLessThanOrEqual(64)
    }
  })

  it('with one item in every symbol end the decoding', () => {
    // Every symbol claims to be the same single item, wherever its hash says it lies.
    const one = sketchOf(1, [{ hi: 5, lo: 6 }])
    const symbol = bytesOf(one).subarray(1, 13)
    const writer = new ByteWriter().varint(64)
    for (let i = 0; i < 64; i++) {
      const due = i === 0 ? 0 : Math.round(1 / (1 + i / 2))
      writer.raw(symbol).varint(2 * (1 - due))
    }
    const hostile = Sketch.read(new ByteReader(writer.finish()))
    expect(Sketch.difference(new Sketch(64), hostile)).toBeUndefined()
  })
})
