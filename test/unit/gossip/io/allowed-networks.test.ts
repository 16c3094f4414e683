import { describe, expect, it } from 'vitest'
import { allowedNetworks, isNetwork } from '../../../../src/gossip/io/allowed-networks.ts'
import { addressFromText } from '../../../../src/gossip/io/endpoint-text.ts'

function allows(networks: readonly string[], address: string): boolean | undefined {
  const bytes = addressFromText(address)
  if (bytes === undefined) throw new Error(`no address: ${address}`)
  return allowedNetworks(networks)?.(bytes)
}

describe('allowed networks', () => {
  it('are all when none is given', () => {
    expect(allowedNetworks([])).toBeUndefined()
  })

  it.each([
    [['10.0.0.0/8'], '10.255.1.2', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['10.9.9.9/8'], '10.0.0.1', true],
    [['10.0.0.7/32'], '10.0.0.8', false],
    [['0.0.0.0/0'], '192.0.2.1', true],
    [['0.0.0.0/0'], '::1', false],
    [['::/0'], 'fe80::1', true],
    [['::/0'], '127.0.0.1', false],
    [['127.0.0.0/8', '::1/128'], '127.3.2.1', true],
    [['127.0.0.0/8', '::1/128'], '::1', true],
    [['127.0.0.0/8', '::1/128'], 'fe80::1', false],
    [['127.0.0.0/8', '::1/128'], '10.0.0.1', false],
    [['2001:db8::/32'], '2001:db8:1::1', true],
    [['2001:db8::/32'], '2001:db9::1', false],
    [['::ffff:10.0.0.0/104'], '10.255.1.2', true],
    [['::ffff:10.0.0.0/104'], '11.0.0.1', false],
  ])('%j and %s: %s', (networks, address, allowed) => {
    expect(allows(networks, address)).toBe(allowed)
  })

  it('take an IPv4 address in 16 bytes for the same, and bytes that are no address for none', () => {
    const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1)
    expect(allowedNetworks(['10.0.0.0/8'])?.(mapped)).toBe(true)
    expect(allowedNetworks(['::/0'])?.(mapped)).toBe(false)
    expect(allowedNetworks(['::/0', '0.0.0.0/0'])?.(Uint8Array.of(1, 2))).toBe(false)
  })

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    'fe80::1%eth0/64',
    'host/8',
    '10.0.0.0/x',
    '10.0.0.0/08',
    ' ::/0',
    '',
  ])('%j is refused', (network) => {
    expect(isNetwork(network)).toBe(false)
    expect(() => allowedNetworks([network])).toThrow(
      expect.objectContaining({ code: 'GOSSIP_NETWORK_MALFORMED' }),
    )
  })
})
