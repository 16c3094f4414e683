import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addressFromText,
  addressToText,
  endpointFromText,
  endpointToText,
  isLoopbackAddress,
  isUnspecifiedAddress,
} from '../../../../src/gossip/io/endpoint-text.ts'

const bytes = (text: string): Uint8Array => addressFromText(text) ?? new Uint8Array(0)

describe('endpoint text', () => {
  it.each([
    ['10.0.0.2', [10, 0, 0, 2]],
    ['::1', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['2001:db8::a', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10]],
    ['fe80::1%eth0', [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['64:ff9b::1.2.3.4', [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]],
  ])('%s has the bytes of its address', (text, expected) => {
    expect(bytes(text)).toEqual(Uint8Array.from(expected))
  })

  it('IPv4 is 4 bytes even when a socket reports it v4-mapped', () => {
    expect(bytes('::ffff:127.0.0.1')).toEqual(Uint8Array.of(127, 0, 0, 1))
  })

  it('both byte forms of an IPv4 address print alike, as an address to dial', () => {
    const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3)
    expect(addressToText(mapped)).toBe('10.1.2.3')
    expect(endpointToText({ addr: mapped, port: 9094 })).toBe('10.1.2.3:9094')
  })

  it('IPv6 is bracketed before its port and compressed once', () => {
    expect(endpointToText(endpointFromText('2001:db8:0:0:1:0:0:1', 7946))).toBe('[2001:db8::1:0:0:1]:7946')
    expect(addressToText(new Uint8Array(16))).toBe('::')
  })

  it('every 16-byte address survives its text', () => {
    const group = fc.oneof(fc.constant([0, 0]), fc.tuple(fc.nat(255), fc.nat(255)))
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const addr = Uint8Array.from(groups.flat())
        const mapped = addressToText(addr).includes('.')
        expect(bytes(addressToText(addr))).toEqual(mapped ? addr.slice(12) : addr)
      }),
    )
  })

  it('bytes of another length print as text that no socket accepts', () => {
    expect(addressToText(new Uint8Array(3))).toBe('invalid')
    expect(addressFromText('invalid')).toBeUndefined()
  })

  it('a name or an impossible port is GOSSIP_ADDRESS_MALFORMED', () => {
    for (const [ip, port] of [
      ['localhost', 1],
      ['1.2.3.4', 65_536],
      ['1.2.3.4', 1.5],
    ] as const) {
      expect(() => endpointFromText(ip, port)).toThrow(
        expect.objectContaining({ code: 'GOSSIP_ADDRESS_MALFORMED' }),
      )
    }
  })

  it('loopback and unspecified are known in every form', () => {
    expect(isLoopbackAddress(bytes('127.9.9.9'))).toBe(true)
    expect(isLoopbackAddress(bytes('::1'))).toBe(true)
    expect(isLoopbackAddress(bytes('10.0.0.1'))).toBe(false)
    expect(isUnspecifiedAddress(bytes('0.0.0.0'))).toBe(true)
    expect(isUnspecifiedAddress(bytes('::'))).toBe(true)
    expect(isUnspecifiedAddress(bytes('::1'))).toBe(false)
  })
})
