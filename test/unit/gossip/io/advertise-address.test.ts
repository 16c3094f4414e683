import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { advertiseEndpoint } from '../../../../src/gossip/io/advertise-address.ts'
import { endpointFromText, endpointToText } from '../../../../src/gossip/io/endpoint-text.ts'

function card(address: string, internal = false): NetworkInterfaceInfo {
  const common = { address, netmask: '', mac: '', internal, cidr: null }
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' }
}

const any = endpointFromText('0.0.0.0', 9094)
const chosen = (...cards: NetworkInterfaceInfo[]): string =>
  endpointToText(advertiseEndpoint(any, undefined, { lo: [card('127.0.0.1', true)], eth0: cards }))

describe('advertise address', () => {
  it('an explicit address wins, with its own port or ours', () => {
    const bound = endpointFromText('127.0.0.1', 9094)
    expect(endpointToText(advertiseEndpoint(bound, '10.0.0.9', {}))).toBe('10.0.0.9:9094')
    expect(endpointToText(advertiseEndpoint(bound, '10.0.0.9:7', {}))).toBe('10.0.0.9:7')
    expect(endpointToText(advertiseEndpoint(bound, '[2001:db8::1]:7', {}))).toBe('[2001:db8::1]:7')
    expect(endpointToText(advertiseEndpoint(bound, '2001:db8::1', {}))).toBe('[2001:db8::1]:9094')
  })

  it.each(['0.0.0.0', '0.0.0.0:9094', '::', '[::]:9094'])('%s is refused: nobody can dial it', (text) => {
    expect(() => advertiseEndpoint(any, text, {})).toThrow(
      expect.objectContaining({ code: 'GOSSIP_NO_ADVERTISE_ADDRESS' }),
    )
  })

  it('a name is refused: peers need an address', () => {
    expect(() => advertiseEndpoint(any, 'host:1', {})).toThrow(
      expect.objectContaining({ code: 'GOSSIP_ADDRESS_MALFORMED' }),
    )
  })

  it('a bound address is advertised as it is, loopback included', () => {
    expect(endpointToText(advertiseEndpoint(endpointFromText('127.0.0.1', 1), undefined, {}))).toBe(
      '127.0.0.1:1',
    )
  })

  it('bound to any, the first private IPv4 is taken, in 4-byte form', () => {
    expect(chosen(card('fd00::1'), card('8.8.8.8'), card('172.16.5.4'), card('10.0.0.1'))).toBe(
      '172.16.5.4:9094',
    )
    expect(chosen(card('172.32.0.1'), card('192.168.1.1'))).toBe('192.168.1.1:9094')
    expect(chosen(card('100.63.0.1'), card('100.64.0.1'))).toBe('100.64.0.1:9094')
    expect(advertiseEndpoint(any, undefined, { eth0: [card('10.0.0.1')] }).addr.length).toBe(4)
  })

  it('bound to any without a private IPv4 is GOSSIP_NO_ADVERTISE_ADDRESS', () => {
    expect(() => chosen(card('8.8.8.8'))).toThrow(
      expect.objectContaining({ code: 'GOSSIP_NO_ADVERTISE_ADDRESS' }),
    )
  })
})
