import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ItemScanner } from '../../../../src/gossip/wire/item-scanner.ts'
import { concat, fromHex } from './hex.ts'

const values = fc.anything({
  withBigInt: false,
  values: [
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
  ],
})

describe('item scanner', () => {
  it('finds the end that an independent encoder put there, whatever arrives when', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 20 }), (value, size) => {
        const item = encode(value, { ignoreUndefined: true })
        const bytes = concat([9, 9], item, [0xc1])
        const scanner = new ItemScanner()
        let end = 2
        while (scanner.advance(bytes, 2, end) === 'need-more') end = Math.min(end + size, bytes.length)
        expect(scanner.length).toBe(item.length)
        expect(end - item.length - 2).toBeLessThan(size)
      }),
    )
  })

  it('knows the length of every head', () => {
    const items = [
      'd40000',
      'd5000000',
      `d600${'00'.repeat(4)}`,
      `d700${'00'.repeat(8)}`,
      `d800${'00'.repeat(16)}`,
    ]
    items.push('c7020100 00', 'c800020100 00', 'c9000000020100 00', 'ca00000000', `cb${'00'.repeat(8)}`)
    for (const hex of items) {
      const bytes = fromHex(hex)
      const scanner = new ItemScanner()
      expect(scanner.advance(bytes, 0, bytes.length), hex).toBe('complete')
      expect(scanner.length, hex).toBe(bytes.length)
      expect(new ItemScanner().advance(bytes, 0, bytes.length - 1), hex).toBe('need-more')
    }
  })

  it('rejects the head that msgpack never uses', () => {
    expect(new ItemScanner().advance(Uint8Array.of(0x92, 0xc0, 0xc1), 0, 3)).toBe('msgpack-malformed')
  })
})
