/**
 * Networks in CIDR notation, as a test for addresses (memberlist's CIDRsAllowed).
 *
 * An IPv4 address in its 16-byte form counts as IPv4; a list of IPv4 networks alone refuses all IPv6, and the other way
 * round. An empty list allows everything.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { HearsayError } from '../../base/errors.ts'
import { addressToText } from './endpoint-text.ts'

/** Before the IPv4 address in its 16-byte form. */
const MAPPED_BITS = 96

/** @throws HearsayError `GOSSIP_NETWORK_MALFORMED` for what is no `address/bits` */
export function allowedNetworks(networks: readonly string[]): ((addr: Uint8Array) => boolean) | undefined {
  if (networks.length === 0) return undefined
  // Two lists: one alone would find an IPv4 address in `::/0`.
  const ipv4 = new BlockList()
  const ipv6 = new BlockList()
  for (const network of networks) add(ipv4, ipv6, network)
  return (addr) => {
    const text = addressToText(addr)
    if (isIPv4(text)) return ipv4.check(text, 'ipv4')
    return isIPv6(text) && ipv6.check(text, 'ipv6')
  }
}

function add(ipv4: BlockList, ipv6: BlockList, network: string): void {
  const [, address = '', bits = ''] = /^([^/%]+)\/(\d{1,3})$/.exec(network.trim()) ?? []
  const prefix = Number(bits)
  // Addresses in this form count as IPv4, so a network of them does.
  const [, mapped = ''] = /^::ffff:([\d.]+)$/i.exec(address) ?? []
  if (isIPv4(mapped) && prefix >= MAPPED_BITS && prefix <= 128) {
    ipv4.addSubnet(mapped, prefix - MAPPED_BITS, 'ipv4')
  } else if (isIPv4(address) && prefix <= 32) ipv4.addSubnet(address, prefix, 'ipv4')
  else if (isIPv6(address) && prefix <= 128) ipv6.addSubnet(address, prefix, 'ipv6')
  else {
    throw new HearsayError(
      'GOSSIP_NETWORK_MALFORMED',
      `not a network such as 10.0.0.0/8: ${JSON.stringify(network)}`,
    )
  }
}
