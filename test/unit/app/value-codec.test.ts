import { isDeepStrictEqual } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import fc from 'fast-check'
import { unpack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue, TAGGED_MSGPACK } from '../../../src/app/value-codec.ts'
import { errorCode } from '../../../src/base/errors.ts'
import { MSGPACK, msgpackAsJson } from '../../../src/http/msgpack-json.ts'

function roundTrip(value: unknown): unknown {
  return decodeValue(encodeValue(value))
}

function nested(depth: number): unknown {
  let value: unknown = -0
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { v: value }
  return value
}

const leaf = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, NaN, Infinity, -Infinity, 2 ** 53, 2 ** 53 + 2, -(2 ** 31), 2 ** 32, 2 ** 63),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.constantFrom(null, undefined, '', 0n),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
)
const key = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'hasOwnProperty', 'toString', 'length', '0', ''),
)
const { value: anything } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 6 }, { arbitrary: leaf, weight: 3 }, tie('container')),
  container: fc.oneof(
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new Set(items)),
  ),
}))

describe('a library value', () => {
  it('comes back as it was, whatever plain data it is', () => {
    fc.assert(
      fc.property(anything, (value) => {
        // Numbers by Object.is, prototypes included; vitest's own is misled by a key `constructor`.
        expect(isDeepStrictEqual(roundTrip(value), value)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('of any kind at all comes back as it was, or is refused by name', () => {
    const wild = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
      withObjectString: true,
    })
    let kept = 0
    fc.assert(
      fc.property(wild, (value) => {
        let back: unknown
        try {
          back = roundTrip(value)
        } catch (error) {
          expect(errorCode(error)).toBe('VALUE_UNSUPPORTED')
          return
        }
        kept++
        // An object without prototype comes back with the ordinary one: equal in all it holds.
        expect(back).toEqual(value)
      }),
      { numRuns: 2000 },
    )
    expect(kept).toBeGreaterThan(500)
  })

  it.each<[string, unknown]>([
    ['-0', -0],
    ['-0 deep inside', { a: [1, { b: -0 }] }],
    ['not a number', Number.NaN],
    ['infinity', [Infinity, -Infinity]],
    ['2^53 + 1 as an integer', 2n ** 53n + 1n],
    ['the largest integers', [2n ** 64n - 1n, -(2n ** 63n), 0n]],
    ['undefined', undefined],
    ['undefined properties and items', { a: undefined, b: [undefined] }],
    [
      'the first and the last date',
      [new Date(-8.64e15), new Date(8.64e15), new Date(-1), new Date(1.5e12 + 1)],
    ],
    ['a map in a map', new Map<unknown, unknown>([[{ k: 1 }, new Map([[Number.NaN, -0]])]])],
    ['a set of sets', new Set([new Set([1, '1'])])],
    ['an array that looks tagged', ['z']],
    ['a map that holds what looks tagged', new Map([['o', ['m', 1]]])],
    ['keys that mean something to others', { constructor: 1, toJSON: 2, hasOwnProperty: 3, length: 4 }],
  ])('keeps %s', (_name, value) => {
    expect(roundTrip(value)).toStrictEqual(value)
  })

  it('keeps an own key `__proto__`, and pollutes nothing', () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":1}}')
    const back = roundTrip(value) as { a: object }
    expect(Object.keys(back)).toEqual(['__proto__', 'a'])
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(JSON.stringify(back)).toBe('{"__proto__":{"polluted":true},"a":{"__proto__":1}}')
    expect('polluted' in {} || 'polluted' in back).toBe(false)
  })

  it('of binary comes back as a Uint8Array of its own', () => {
    const given = Buffer.from([1, 2, 3])
    const stored = encodeValue({ given })
    given[0] = 9
    const back = decodeValue(stored) as { given: Uint8Array }
    expect(back.given).toStrictEqual(Uint8Array.of(1, 2, 3))
    back.given[0] = 8
    expect(decodeValue(stored)).toStrictEqual({ given: Uint8Array.of(1, 2, 3) })
    const raw = { contentType: 'application/octet-stream', bytes: Uint8Array.of(1) }
    ;(decodeValue(raw) as Uint8Array)[0] = 2
    expect(raw.bytes).toEqual(Uint8Array.of(1))
  })

  it('of another realm comes back as one of ours', () => {
    const value: unknown = runInContext(
      '({ o: { a: 1 }, l: [1], d: new Date(5), m: new Map([[1, 2]]), s: new Set([1]), b: new Uint8Array([7]) })',
      createContext(),
    )
    expect(roundTrip(value)).toStrictEqual({
      o: { a: 1 },
      l: [1],
      d: new Date(5),
      m: new Map([[1, 2]]),
      s: new Set([1]),
      b: Uint8Array.of(7),
    })
  })

  class Point {
    x = 1
  }
  class Stamp extends Date {}
  const circle: unknown[] = []
  circle.push({ again: circle })
  it.each<[string, unknown]>([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['an instance of a class', new Point()],
    ['an instance of a class of dates', new Stamp(0)],
    ['a subclass of arrays', 'abc'.match(/b/)],
    ['an error', new Error('e')],
    ['a regular expression', /x/],
    ['a boxed number', Object(1)],
    ['an array buffer', new ArrayBuffer(1)],
    ['other typed arrays', Float64Array.of(1)],
    ['a promise', Promise.resolve()],
    ['a larger integer', 2n ** 64n],
    ['a smaller integer', -(2n ** 63n) - 1n],
    ['an invalid date', new Date(Number.NaN)],
    ['an array with a hole', Object.assign(new Array(2), { 0: 1 })],
    ['an array with a property', Object.assign([1], { name: 'x' })],
    ['a map with a property', Object.assign(new Map(), { name: 'x' })],
    ['a key that is a symbol', { [Symbol('s')]: 1 }],
    ['a hidden property', Object.defineProperty({}, 'x', { value: 1 })],
    ['a computed property', Object.defineProperty({}, 'x', { get: () => 1, enumerable: true })],
    ['half a surrogate pair', 'a\ud800'],
    ['half a surrogate pair in a key', { '\udc00': 1 }],
    ['a circle', circle],
    ['a nesting of 65', nested(65)],
  ])('is refused by name when it is %s, also deep inside', (_name, value) => {
    const unsupported = expect.objectContaining({ code: 'VALUE_UNSUPPORTED' })
    expect(() => encodeValue(value)).toThrow(unsupported)
    expect(() => encodeValue({ a: [new Map([['k', new Set([value])]])] })).toThrow(unsupported)
  })

  it('says where the part stands that it refuses', () => {
    expect(() => encodeValue({ a: [1, { 'b c': () => 1 }] })).toThrow('found a function at "a" > 1 > "b c"')
  })

  it('may be nested 64 deep', () => {
    expect(roundTrip(nested(64))).toStrictEqual(nested(64))
  })

  it('that holds one object at 2^60 places is refused in time', () => {
    let value: unknown = 1
    for (let level = 0; level < 60; level++) value = [value, value]
    expect(() => encodeValue(value)).toThrow(expect.objectContaining({ code: 'STORE_VALUE_TOO_LARGE' }))
  })
})

describe('what is stored', () => {
  it('is what any MessagePack reader understands, for nearly all values', () => {
    const value = { cpu: 0.9, tags: ['a', 'b'], since: new Date(5), raw: Uint8Array.of(1) }
    const { contentType, bytes } = encodeValue(value)
    expect([contentType, unpack(bytes)]).toMatchObject([MSGPACK, { cpu: 0.9, since: new Date(5) }])
    expect(encodeValue(-0).contentType).toBe(TAGGED_MSGPACK)
    expect(unpack(encodeValue(new Map([[1, -0]])).bytes)).toEqual(['m', 1, ['z']])
  })

  it.each<[string, string, unknown]>([
    ['application/json; charset=utf-8', '{"a":1}', { a: 1 }],
    ['application/problem+json', '[1]', [1]],
    ['text/plain', 'ü', 'ü'],
    ['image/png', 'x', Uint8Array.of(120)],
  ])('by others is read by its type: %s', (contentType, text, value) => {
    expect(decodeValue({ contentType, bytes: Uint8Array.from(Buffer.from(text)) })).toEqual(value)
  })

  it('by others keeps a key `__proto__` as a key', () => {
    const bytes = Uint8Array.from(
      Buffer.concat([Buffer.from([0x81, 0xa9]), Buffer.from('__proto__'), Buffer.from([1])]),
    )
    const back = decodeValue({ contentType: MSGPACK, bytes }) as object
    expect([Object.keys(back), Object.getPrototypeOf(back)]).toEqual([['__proto__'], Object.prototype])
    expect(msgpackAsJson(bytes)).toBeUndefined()
  })

  it.each<[string, number[]]>([
    ['nothing', []],
    ['an array of 2^32 items', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['a map of 2^31 entries', [0xdf, 0x7f, 0xff, 0xff, 0xff]],
    ['a string longer than all there is', [0xdb, 0, 0, 0, 9, 0x61]],
    ['an item short', [0x92, 1]],
    ['two values', [1, 2]],
    ['a type that does not exist', [0xc1]],
    ['a regular expression', [0xd4, 0x78, 0, 0x92, 0xa1, 0x61, 0xa0]],
    ['a set of msgpackr', [0xd4, 0x73, 0, 0x90]],
    ['a record of msgpackr', [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1]],
    ['a reference of msgpackr', [0x92, 0xd6, 0x69, 0, 0, 0, 1, 0x90, 0xd6, 0x70, 0, 0, 0, 1]],
    ['a nesting of 66', [...new Array<number>(66).fill(0x91), 1]],
    ['a head cut off', [0xc7]],
    ['a count cut off', [0xdd, 0, 0]],
    ['a length cut off', [0xc6, 0]],
  ])('is unreadable by name, and no JSON, when it is %s', (_name, numbers) => {
    const bytes = Uint8Array.from(numbers)
    const unreadable = expect.objectContaining({ code: 'VALUE_UNREADABLE' })
    expect(() => decodeValue({ contentType: MSGPACK, bytes })).toThrow(unreadable)
    expect(() => decodeValue({ contentType: TAGGED_MSGPACK, bytes })).toThrow(unreadable)
    if (numbers.length < 60) expect(msgpackAsJson(bytes)).toBeUndefined()
  })

  it('never throws anything but VALUE_UNREADABLE, whatever the bytes', () => {
    const types = fc.constantFrom(MSGPACK, TAGGED_MSGPACK, 'application/json', 'text/plain', '')
    fc.assert(
      fc.property(types, fc.uint8Array({ maxLength: 40 }), (contentType, bytes) => {
        try {
          decodeValue({ contentType, bytes })
        } catch (error) {
          expect(errorCode(error)).toBe('VALUE_UNREADABLE')
        }
        msgpackAsJson(bytes)
      }),
      { numRuns: 5000 },
    )
  })

  it('is never truncated without notice', () => {
    fc.assert(
      fc.property(anything, fc.nat(), (value, cut) => {
        const { contentType, bytes } = encodeValue(value)
        const shorter = bytes.subarray(0, cut % bytes.length)
        expect(() => decodeValue({ contentType, bytes: shorter })).toThrow(
          expect.objectContaining({ code: 'VALUE_UNREADABLE' }),
        )
      }),
    )
  })
})
