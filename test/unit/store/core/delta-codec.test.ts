import { describe, expect, it } from 'vitest'
import { HearsayError } from '../../../../src/base/errors.ts'
import { actorId } from '../../../../src/base/names.ts'
import { seededRandom } from '../../../../src/base/random.ts'
import { CausalContext } from '../../../../src/crdt/context.ts'
import type { Delta, FullState } from '../../../../src/store/core/delta.ts'
import { decodeDelta, encodeDelta } from '../../../../src/store/core/delta-codec.ts'
import { decodeFullState, encodeFullState } from '../../../../src/testing/full-state-codec.ts'
import { A, B, dot, entry, NOTHING, put, record, text } from './fixtures.ts'

const DELTA: Delta = {
  puts: [
    { map: 'm', key: 'k\0é', entry: entry(1, 1_700_000_000_000, 'v', { expiresAtMs: 9 }) },
    {
      map: 'm',
      key: '',
      entry: entry(300, 2, undefined, { stamp: { epoch: 4, ms: 0, logical: 65_535, actor: B } }),
    },
  ],
  adds: [{ set: 'm', member: '__proto__', dot: dot(2, B) }],
  covered: [dot(2 ** 53 - 1)],
  records: [{ table: 't', key: 'id', record: record(-5n, 'bytes', 2 ** 52) }],
}

/** Pinned: replicas of different builds must read each other. A change here needs a new layout version. */
const GOLDEN = [
  '0101', // layout, delta
  '02', // puts
  '00016d 046b00c3a9', // map m, key
  '00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 01', // dot
  '00 80d095ffbc31 00 01', // stamp by the same actor
  '03 000a746578742f706c61696e 0176 09', // value and expiry
  '01 00 01 ac02 04 00 ffff03 00bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 00', // tombstone
  '01 01 095f5f70726f746f5f5f 02 02', // adds
  '01 01 ffffffffffffff0f', // covered
  '01 000174 026964 fffffffffffffffb 8080808080808008 056279746573', // records
]
  .join('')
  .replaceAll(' ', '')

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

describe('the frame of a delta', () => {
  it('reads back as it was', () => {
    expect(decodeDelta(encodeDelta(DELTA))).toEqual(DELTA)
    expect(decodeDelta(encodeDelta(NOTHING))).toEqual(NOTHING)
  })

  it('reads back with more actors and names than are looked through one by one', () => {
    const actors = Array.from({ length: 30 }, (_, i) => actorId(i.toString(16).padStart(32, '0')))
    const puts = [...actors, ...actors].map((actor, i) => ({
      map: `map-${i % 25}`,
      key: `${i}`,
      entry: entry(1, i, 'v', { dot: dot(i + 1, actor), stamp: { epoch: 0, ms: i, logical: 0, actor } }),
    }))
    expect(decodeDelta(encodeDelta({ ...NOTHING, puts }))).toEqual({ ...NOTHING, puts })
  })

  it('keeps values when the bytes they came in change', () => {
    const bytes = encodeDelta(DELTA)
    const delta = decodeDelta(bytes)
    bytes.fill(0)
    expect(delta).toEqual(DELTA)
  })

  it('has the layout it always had', () => {
    expect(hex(encodeDelta(DELTA))).toBe(GOLDEN)
  })

  it('names an actor, a map and a content type once, and by number after that', () => {
    const puts = Array.from({ length: 64 }, (_, n) => ({
      map: 'thresholds',
      key: 'key',
      entry: entry(n + 1, 1000, 'v'),
    }))
    const one = encodeDelta({ ...NOTHING, puts: puts.slice(0, 1) }).length
    expect(encodeDelta({ ...NOTHING, puts }).length).toBeLessThan(one + 63 * 20)
  })

  it('of a 100-byte value under a short key takes at most 170 bytes', () => {
    expect(
      encodeDelta(put('web-1', entry(1000, 1_700_000_000_000, 'x'.repeat(100)), 'load')).length,
    ).toBeLessThan(170)
  })

  it('gives values their own memory, not a view into the frame', () => {
    const bytes = encodeDelta(DELTA)
    const decoded = decodeDelta(bytes)
    expect(decoded.puts[0]?.entry.value?.bytes.buffer.byteLength).toBe(1)
    expect(decoded.records[0]?.record.bytes.buffer.byteLength).toBe(5)
  })
})

describe('the frame of a full state', () => {
  it('carries the context with its gaps', () => {
    const context = new CausalContext()
    context.addAll([dot(1), dot(2), dot(7), dot(9), dot(5, B)])
    const full: FullState = { context, puts: DELTA.puts, adds: DELTA.adds, records: DELTA.records }
    const decoded = decodeFullState(encodeFullState(full))
    expect(decoded.context.equals(context)).toBe(true)
    expect({ ...decoded, context: undefined }).toEqual({ ...full, context: undefined })
  })
})

describe('hostile bytes', () => {
  function codeOf(run: () => unknown): string {
    try {
      run()
    } catch (error) {
      if (error instanceof HearsayError) return error.code
      throw error
    }
    return 'none'
  }

  it('cut anywhere are refused by code', () => {
    const bytes = encodeDelta(DELTA)
    for (let length = 0; length < bytes.length; length++) {
      expect(codeOf(() => decodeDelta(bytes.subarray(0, length)))).toMatch(/^(BYTES|STATE)_/)
    }
    expect(codeOf(() => decodeDelta(Uint8Array.of(...bytes, 0)))).toBe('BYTES_MALFORMED')
  })

  it('with any byte changed decode to something else or are refused by code, never otherwise', () => {
    const random = seededRandom(11)
    const frames = [encodeDelta(DELTA), encodeFullState({ context: new CausalContext(), ...DELTA })]
    for (let round = 0; round < 5000; round++) {
      const bytes = (frames[round % 2] as Uint8Array).slice()
      for (let flips = 1 + random.below(3); flips > 0; flips--)
        bytes[random.below(bytes.length)] = random.below(256)
      const code = codeOf(() => (round % 2 === 0 ? decodeDelta(bytes) : decodeFullState(bytes)))
      expect(code).toMatch(/^(none|BYTES_|STATE_|ACTOR_)/)
    }
  })

  it('that announce a million lines cost nothing', () => {
    expect(codeOf(() => decodeDelta(Uint8Array.of(1, 1, 0xff, 0xff, 0xff, 0x7f)))).toBe('BYTES_TRUNCATED')
  })

  it('of a newer layout are refused by that name', () => {
    expect(codeOf(() => decodeDelta(Uint8Array.of(2, 1, 0, 0, 0, 0)))).toBe('STATE_VERSION_UNSUPPORTED')
  })

  it('beyond a limit are refused by that name, at the limit not', () => {
    const limits = { keyBytesMax: 4, nameBytesMax: 10, valueBytesMax: 3 }
    const one = (key: string, value: string, map = 'm'): Uint8Array =>
      encodeDelta(put(key, entry(1, 1, value), map))
    expect(codeOf(() => decodeDelta(one('kkkk', 'vvv', 'm'.repeat(10)), limits))).toBe('none')
    expect(codeOf(() => decodeDelta(one('kkkkk', 'vvv'), limits))).toBe('STATE_LIMIT_EXCEEDED')
    expect(codeOf(() => decodeDelta(one('kkkk', 'vvvv'), limits))).toBe('STATE_LIMIT_EXCEEDED')
    expect(codeOf(() => decodeDelta(one('kkkk', 'vvv', 'm'.repeat(11)), limits))).toBe('STATE_LIMIT_EXCEEDED')
  })

  it('with a stamp that the next write could not go above are refused', () => {
    const stamp = { epoch: 0, ms: Number.MAX_SAFE_INTEGER, logical: 65_535, actor: A }
    const bytes = encodeDelta(put('k', entry(1, 1, 'v', { stamp })))
    expect(codeOf(() => decodeDelta(bytes))).toBe('BYTES_MALFORMED')
  })

  it('with a dot number of 0 or a logical time beyond 16 bits are refused', () => {
    expect(codeOf(() => decodeDelta(encodeDelta({ ...NOTHING, covered: [dot(0)] })))).toBe('BYTES_MALFORMED')
    const stamp = { epoch: 0, ms: 1, logical: 65_536, actor: A }
    const value = text('v')
    expect(codeOf(() => decodeDelta(encodeDelta(put('k', entry(1, 1, 'v', { stamp, value })))))).toBe(
      'BYTES_MALFORMED',
    )
  })
})
