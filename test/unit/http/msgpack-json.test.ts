import { Packr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { msgpackAsJson } from '../../../src/http/msgpack-json.ts'

const packr = new Packr({ useRecords: false })
const packed = (value: unknown): Uint8Array => Uint8Array.from(packr.pack(value))

describe('MessagePack as JSON', () => {
  it.each([null, true, 'text', 0, -1.5, [], [1, [2, 'x']], {}, { cpu: 0.9, tags: ['a', null] }])(
    'gives %j as it is',
    (value) => {
      expect(JSON.parse(msgpackAsJson(packed(value)) ?? 'nothing')).toEqual(value)
    },
  )

  it.each([
    ['binary', { x: Uint8Array.of(1, 2) }],
    ['a big integer', [2n ** 60n]],
    ['NaN', Number.NaN],
    ['infinity', { deep: [Number.POSITIVE_INFINITY] }],
    ['a date', new Date(0)],
  ])('gives nothing for %s, which JSON would change', (_name, value) => {
    expect(msgpackAsJson(packed(value))).toBeUndefined()
  })

  it('gives nothing for minus zero, as other programs write it', () => {
    expect(msgpackAsJson(Uint8Array.of(0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined()
  })

  it('gives nothing for bytes that are not MessagePack, or nested beyond reason', () => {
    expect(msgpackAsJson(Uint8Array.of(0xc1))).toBeUndefined()
    expect(msgpackAsJson(new Uint8Array(0))).toBeUndefined()
    expect(msgpackAsJson(new Uint8Array(500_000).fill(0x91))).toBeUndefined()
  })
})
