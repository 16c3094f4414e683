import { describe, expect, it } from 'vitest'
import { ByteReader, ByteWriter, utf8Encode } from '../../../../src/base/bytes.ts'
import { SharedTexts } from '../../../../src/store/core/shared-texts.ts'
import { A, B } from './fixtures.ts'

function readName(texts: SharedTexts, name: string): string {
  const bytes = utf8Encode(name)
  const reader = new ByteReader(Uint8Array.of(...bytes, 7))
  const read = texts.name(reader, bytes.length)
  expect(reader.remaining).toBe(1)
  return read
}

describe('shared texts', () => {
  it('read every name right, however many there are and in whatever order they come', () => {
    const texts = new SharedTexts()
    const names = Array.from({ length: 40 }, (_, i) => 'n'.repeat(i % 20) + String.fromCharCode(0x3b1 + i))
    for (let round = 0; round < 3; round++) {
      for (const name of round === 1 ? [...names].reverse() : names) expect(readName(texts, name)).toBe(name)
    }
  })

  it('are not misled by a name that begins like a known one, or is longer than they remember', () => {
    const texts = new SharedTexts()
    for (const name of ['cpu', 'cp', 'cpu2', '', 'x'.repeat(1000), `${'x'.repeat(999)}y`]) {
      expect(readName(texts, name)).toBe(name)
    }
  })

  it('do not hold on to the bytes that they were read from', () => {
    const texts = new SharedTexts()
    const bytes = utf8Encode('cpu')
    texts.name(new ByteReader(bytes), 3)
    bytes.fill(0x61)
    expect(readName(texts, 'cpu')).toBe('cpu')
    expect(readName(texts, 'aaa')).toBe('aaa')
  })

  it('read actors, and refuse half of one', () => {
    const texts = new SharedTexts()
    const bytes = new ByteWriter()
      .raw(new Uint8Array(16).fill(0xaa))
      .raw(new Uint8Array(16).fill(0xbb))
      .finish()
    for (let round = 0; round < 2; round++) {
      const reader = new ByteReader(bytes)
      expect([texts.actor(reader), texts.actor(reader)]).toEqual([A, B])
      expect(() => texts.actor(reader)).toThrow(expect.objectContaining({ code: 'BYTES_TRUNCATED' }))
    }
    expect(() => texts.actor(new ByteReader(bytes.subarray(0, 15)))).toThrow(
      expect.objectContaining({ code: 'BYTES_TRUNCATED' }),
    )
  })
})
