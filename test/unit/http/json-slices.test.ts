import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endOfValue, memberSlices } from '../../../src/http/json-slices.ts'

const cut = (text: string, { start, end }: { start: number; end: number }): string => text.slice(start, end)

describe('slices of JSON', () => {
  it('are the values as they were written', () => {
    const text = ' {"a" : -0 , "b":1e400,"c":"x,]}\\"", "a":[ {"}":"]"} ,[]], "d":true}'
    expect([...memberSlices(text, 0)].map((slice) => [slice.name, cut(text, slice)])).toEqual([
      ['a', '-0'],
      ['b', '1e400'],
      ['c', '"x,]}\\""'],
      ['a', '[ {"}":"]"} ,[]]'],
      ['d', 'true'],
    ])
  })

  it('of nothing are none', () => {
    expect([...memberSlices(' { } ', 0)]).toEqual([])
  })

  it('hold for any JSON, however it is indented', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        for (const indent of [0, 1, '\t']) {
          const text = JSON.stringify(object, null, indent)
          expect(endOfValue(`${text} ,1`, 0)).toBe(text.length)
          const members = [...memberSlices(text, 0)].map((slice) => [
            slice.name,
            JSON.parse(cut(text, slice)),
          ])
          // Not the object itself: -0 is written as 0.
          expect(Object.fromEntries(members)).toEqual(JSON.parse(text))
        }
      }),
    )
  })

  it.each(['a', '\\"', '\\u0041', ']'])('come from strings of 6 MiB of %s', (piece) => {
    const text = piece.repeat((6 * 1_048_576) / piece.length)
    expect([...memberSlices(`{"a":["${text}"],"b":"${text}"}`, 0)]).toHaveLength(2)
  })

  it('come fast from deep values', () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"b":"${'\\"'.repeat(100_000)}"}`
    expect([...memberSlices(deep, 0)]).toHaveLength(2)
  })
})
