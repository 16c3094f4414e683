/** memberlist-wire.md section 12: 15 and 16 (rings), 92 (padding), 93 and 94 (both versions, exact lengths). */
import { describe, expect, it } from 'vitest'
import { aesGcm } from '../../../../src/gossip/io/aes-gcm.ts'
import {
  type BlockVersion,
  blockLength,
  openBlock,
  sealBlock,
} from '../../../../src/gossip/wire/encrypted-block.ts'
import { pad, padBytes, unpad } from '../../../../src/gossip/wire/pkcs7.ts'
import { KEY, OTHER_KEY } from './fixed-nonce.ts'
import { ascii } from './hex.ts'

const VERSIONS: readonly BlockVersion[] = [0, 1]
const LABEL = ascii('lbl')

function seal(plain: Uint8Array, version: BlockVersion, key = KEY, associated = LABEL): Uint8Array {
  const block = new Uint8Array(blockLength(version, plain.length))
  sealBlock(block, 0, plain, { aead: aesGcm, key, associated, version })
  return block
}

function open(
  block: Uint8Array,
  keys: readonly Uint8Array[] = [KEY],
  associated = LABEL,
): Uint8Array | string {
  return openBlock(block, keys, aesGcm, associated)
}

function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i)
}

describe('padding', () => {
  it('comes off again for every length, and is 1 to 16 bytes up to a multiple of 16', () => {
    for (let length = 0; length <= 255; length++) {
      const padded = pad(counting(length))
      expect([padded.length % 16, padded.length]).toEqual([0, length + padBytes(length)])
      expect(unpad(padded)).toEqual(counting(length))
    }
  })

  it('is refused unless it is exactly that', () => {
    const bad = [
      new Uint8Array(0),
      new Uint8Array(16),
      new Uint8Array(16).fill(17),
      new Uint8Array(16).fill(255),
      new Uint8Array(15).fill(1),
      Uint8Array.from({ length: 16 }, (_, i) => (i === 13 ? 2 : 3)),
    ]
    expect(bad.map(unpad)).toEqual(bad.map(() => undefined))
  })
})

describe('an encrypted block', () => {
  it.each(VERSIONS)('of version %d gives back every length, in exactly the bytes foretold', (version) => {
    for (let length = 1; length <= 300; length++) {
      const block = seal(counting(length), version)
      const padding = version === 0 ? 16 - (length % 16) : 0
      expect([block[0], block.length]).toEqual([version, 29 + length + padding])
      expect(open(block)).toEqual(counting(length))
    }
  })

  it.each([16, 24, 32])('takes keys of %d bytes', (bytes) => {
    const key = new Uint8Array(bytes).fill(5)
    expect(open(seal(ascii('hi'), 1, key), [key])).toEqual(ascii('hi'))
  })

  it.each(VERSIONS)('of version %d is refused when any bit of it but one is changed', (version) => {
    const block = seal(counting(40), version)
    for (let bit = 1; bit < 8 * block.length; bit++) {
      const changed = block.slice()
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(open(changed)).toBe('undecryptable')
    }
  })

  it('carries its version unprotected, so that one bit on the way makes padding of content and back', () => {
    const flipped = (plain: Uint8Array, version: BlockVersion): Uint8Array | string => {
      const block = seal(plain, version)
      block[0] = 1 - version
      return open(block)
    }
    expect(flipped(counting(40), 0)).toEqual(pad(counting(40)))
    expect(flipped(counting(40), 1)).toBe('padding-malformed')
    expect(flipped(counting(48), 1)).toBe('padding-malformed')
    expect(flipped(pad(counting(40)), 1)).toEqual(counting(40))
  })

  it.each(VERSIONS)('of version %d is refused when cut or lengthened', (version) => {
    const block = seal(counting(40), version)
    for (let length = 0; length < block.length; length++) {
      expect(open(block.subarray(0, length))).toBe('undecryptable')
    }
    expect(open(Uint8Array.of(...block, 0))).toBe('undecryptable')
  })

  it('is refused under another label', () => {
    const block = seal(ascii('hi'), 1)
    expect(open(block, [KEY], ascii('lbm'))).toBe('undecryptable')
    expect(open(block, [KEY], new Uint8Array(0))).toBe('undecryptable')
    expect(open(seal(ascii('hi'), 1, KEY, new Uint8Array(0)), [KEY])).toBe('undecryptable')
  })

  it('opens under any key of the ring, and no longer once that is removed', () => {
    const block = seal(ascii('hi'), 1, OTHER_KEY)
    expect(open(block, [KEY, OTHER_KEY])).toEqual(ascii('hi'))
    expect(open(block, [KEY])).toBe('undecryptable')
    expect(open(block, [])).toBe('undecryptable')
  })

  it('is read in versions 0 and 1 only, whatever follows', () => {
    const block = seal(counting(60), 1)
    for (let version = 2; version < 256; version++) {
      block[0] = version
      expect(open(block)).toBe('undecryptable')
    }
  })

  it('never holds nothing', () => {
    expect(() => seal(new Uint8Array(0), 1)).toThrow('nothing empty')
    const context = { key: KEY, nonce: new Uint8Array(12), associated: LABEL }
    const forged = (version: BlockVersion, plain: Uint8Array): Uint8Array => {
      const { ciphertext, tag } = aesGcm.seal(context, plain)
      return Uint8Array.of(version, ...context.nonce, ...ciphertext, ...tag)
    }
    expect(open(forged(1, new Uint8Array(0)))).toBe('empty')
    expect(open(forged(0, new Uint8Array(16).fill(16)))).toBe('empty')
    expect(open(forged(0, new Uint8Array(16)))).toBe('padding-malformed')
    expect(open(forged(0, new Uint8Array(17).fill(1)))).toBe('padding-malformed')
  })

  it('draws another nonce each time', () => {
    const nonces = new Set(
      Array.from({ length: 1000 }, () => Buffer.from(seal(ascii('hi'), 1).subarray(1, 13)).toString('hex')),
    )
    expect(nonces.size).toBe(1000)
  })

  it('gives its content memory of its own', () => {
    const block = seal(counting(40), 0)
    const plain = open(block)
    block.fill(0)
    expect(plain).toEqual(counting(40))
    expect(plain.constructor).toBe(Uint8Array)
  })
})
