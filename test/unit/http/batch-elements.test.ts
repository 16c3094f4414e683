import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchElements } from '../../../src/http/batch-elements.ts'

function elements(text: string): unknown[] | 'refused' {
  try {
    return [...batchElements(text)].map((element): unknown => JSON.parse(element))
  } catch {
    return 'refused'
  }
}

describe('the operations of a batch', () => {
  it('are what JSON.parse finds, whatever stands in them', () => {
    fc.assert(
      fc.property(fc.array(fc.json()), fc.constantFrom('', ' ', '\n\t'), (texts, space) => {
        const text = `${space}{${space}"ops"${space}:${space}[${texts.join(`${space},${space}`)}${space}]${space}}${space}`
        expect(elements(text)).toEqual(JSON.parse(text).ops)
      }),
    )
  })

  it('are refused where JSON.parse refuses the body, and never without end', () => {
    const base = '{"ops":[{"op":"put","map":"m","key":"\\"k\\\\","value":[1,{"a":"]}"}]},{"op":"x"}]}'
    fc.assert(
      fc.property(
        fc.nat(base.length),
        fc.nat(3),
        fc.constantFrom('', '"', '\\', '[', ']', '{', '}', ',', ':', 'x'),
        (at, cut, put) => {
          const text = base.slice(0, at) + put + base.slice(at + cut)
          let whole: unknown
          try {
            whole = JSON.parse(text)
          } catch {
            whole = 'refused'
          }
          const found = elements(text)
          if (found !== 'refused') expect({ ops: found }).toEqual(whole)
        },
      ),
    )
  })

  it.each([
    ['', '{ is missing'],
    ['[]', 'not an object'],
    ['{}', 'ops must be a list'],
    ['{"ops":{}}', 'ops must be a list'],
    ['{"ack":1,"ops":[]}', '"ack" is not expected'],
    ['{"ops":[],"ack":1}', '"ack" is not expected'],
    ['{"ops":[],"ops":[]}', 'twice'],
    ['{"ops":[1,]}', 'a value is missing'],
    ['{"ops":[1 2]}', ', is missing'],
    ['{"ops":[1', ', is missing'],
    ['{"ops":[]}x', 'something follows'],
  ])('%s is refused: %s', (text, words) => {
    expect(() => [...batchElements(text)]).toThrow(words)
  })
})
