import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { endpointFromText } from '../../../../src/gossip/io/endpoint-text.ts'
import { ownAddressTest } from '../../../../src/gossip/io/own-address.ts'

const card: NetworkInterfaceInfo = {
  address: '10.0.0.5',
  netmask: '',
  mac: '',
  internal: false,
  cidr: null,
  family: 'IPv4',
}
const advertised = endpointFromText('192.168.0.9', 7000)

describe('own address', () => {
  it('bound to one address, only that and the advertised one are ours', () => {
    const isOwn = ownAddressTest(endpointFromText('127.0.0.1', 9094), advertised, { eth0: [card] })
    expect(isOwn(endpointFromText('127.0.0.1', 9094))).toBe(true)
    expect(isOwn(advertised)).toBe(true)
    expect(isOwn(endpointFromText('127.0.0.1', 9095))).toBe(false)
    expect(isOwn(endpointFromText('127.0.0.2', 9094))).toBe(false)
    expect(isOwn(endpointFromText('10.0.0.5', 9094))).toBe(false)
  })

  it('bound to every address, our port on any address of this host is ours', () => {
    const isOwn = ownAddressTest(endpointFromText('0.0.0.0', 9094), advertised, { eth0: [card] })
    expect(isOwn(endpointFromText('10.0.0.5', 9094))).toBe(true)
    expect(isOwn(endpointFromText('127.0.0.1', 9094))).toBe(true)
    expect(isOwn(endpointFromText('10.0.0.5', 9095))).toBe(false)
    expect(isOwn(endpointFromText('10.0.0.6', 9094))).toBe(false)
  })
})
