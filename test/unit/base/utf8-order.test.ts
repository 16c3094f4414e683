import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, utf8Encode } from '../../../src/base/bytes.ts'
import { compareUtf8 } from '../../../src/base/utf8-order.ts'

const texts = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', 'b', '\u{1f642}', '\uffff', '\ue000', '\ud7ff'),
    fc.string({ unit: 'binary' }),
  ),
  maxLength: 6,
})

describe('the order of texts', () => {
  it('is that of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(compareBytes(utf8Encode(a), utf8Encode(b))))
      }),
      { numRuns: 2000 },
    )
  })

  it('puts what JavaScript puts last before a character above U+FFFF', () => {
    expect('\uffff' < '\u{1f642}').toBe(false)
    expect(compareUtf8('\uffff', '\u{1f642}')).toBeLessThan(0)
    expect(compareUtf8('a', 'ab')).toBeLessThan(0)
    expect(compareUtf8('a', 'a')).toBe(0)
  })
})
