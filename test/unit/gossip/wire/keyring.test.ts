/** memberlist-wire.md section 12, items 9 to 14 and 36 to 38 as far as they are of the ring. */
import { describe, expect, it } from 'vitest'
import { KEYS_MAX, Keyring } from '../../../../src/gossip/wire/keyring.ts'

const [a, b, c] = [new Uint8Array(16).fill(1), new Uint8Array(24).fill(2), new Uint8Array(32).fill(3)]

describe('keyring', () => {
  it('without keys means no encryption', () => {
    const ring = new Keyring()
    expect([ring.isEmpty, ring.primary, ring.keys]).toEqual([true, undefined, []])
  })

  it('of one key has that as primary', () => {
    const ring = new Keyring([a])
    expect([ring.isEmpty, ring.primary, ring.keys]).toEqual([false, a, [a]])
  })

  it('has its primary first, and doubles once', () => {
    const ring = new Keyring([b, a, b, c])
    expect([ring.primary, ring.keys]).toEqual([b, [b, a, c]])
  })

  it('keeps its primary when a key is added', () => {
    const ring = new Keyring([a])
    ring.add(b)
    ring.add(b)
    expect(ring.keys).toEqual([a, b])
  })

  it('makes the first key that is added the primary', () => {
    const ring = new Keyring()
    ring.add(b)
    expect(ring.primary).toEqual(b)
  })

  it('makes a key of its own the primary, no unknown one', () => {
    const ring = new Keyring([a, b, c])
    ring.use(c)
    expect(ring.keys).toEqual([c, a, b])
    expect(() => new Keyring([a]).use(b)).toThrow(expect.objectContaining({ code: 'GOSSIP_KEY_UNKNOWN' }))
  })

  it('lets go of any key but the primary', () => {
    const ring = new Keyring([a, b])
    expect(() => ring.remove(a)).toThrow(expect.objectContaining({ code: 'GOSSIP_KEY_PRIMARY' }))
    ring.remove(b)
    ring.remove(c)
    expect([ring.keys, ring.has(a), ring.has(b)]).toEqual([[a], true, false])
  })

  it('takes keys of 16, 24 and 32 bytes, and says of others only how long they are', () => {
    for (const bytes of [0, 3, 15, 17, 31, 33, 38]) {
      const key = new Uint8Array(bytes).fill(0xab)
      expect(() => new Keyring([a, key])).toThrow(
        expect.objectContaining({
          code: 'GOSSIP_KEY_INVALID',
          message: `a key has 16, 24 or 32 bytes, not ${bytes}`,
        }),
      )
    }
  })

  it('holds eight keys, and stays as it was when a ninth is refused', () => {
    const keys = Array.from({ length: KEYS_MAX }, (_, i) => new Uint8Array(16).fill(i))
    const ring = new Keyring(keys)
    expect(() => ring.add(c)).toThrow(expect.objectContaining({ code: 'GOSSIP_KEYS_TOO_MANY' }))
    expect(() => ring.replace([a, new Uint8Array(3)])).toThrow('not 3')
    expect(ring.keys).toEqual(keys)
  })

  it('is not changed through the bytes that it was given', () => {
    const mine = a.slice()
    const ring = new Keyring([mine])
    mine.fill(7)
    expect(ring.primary).toEqual(a)
  })
})
