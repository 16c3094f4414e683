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
/** No zone, and no bits with a zero before them. */
const FORM = /^([0-9A-Fa-f:.]+)\/(0|[1-9]\d{0,2})$/

/** @throws HearsayError `GOSSIP_NETWORK_MALFORMED` for what is no `address/bits` */
export function allowedNetworks(networks: readonly string[]): ((addr: Uint8Array) => boolean) | undefined {
  if (networks.length === 0) return undefined
  // Two lists: one alone would find an IPv4 address in `::/0`.
  const ipv4 = new BlockList()
  const ipv6 = new BlockList()
  for (const text of networks) {
    const network = networkOf(text)
    if (network === undefined) {
      throw new HearsayError(
        'GOSSIP_NETWORK_MALFORMED',
        `not a network such as 10.0.0.0/8: ${JSON.stringify(text)}`,
      )
    }
    const { address, prefix, family } = network
    const list = family === 'ipv4' ? ipv4 : ipv6
    list.addSubnet(address, prefix, family)
  }
  return (addr) => {
    const text = addressToText(addr)
    if (isIPv4(text)) return ipv4.check(text, 'ipv4')
    return isIPv6(text) && ipv6.check(text, 'ipv6')
  }
}

/** Whether a text is a network in CIDR notation (RFC 4632 section 3.1). */
export function isNetwork(text: string): boolean {
  return networkOf(text) !== undefined
}

interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

function networkOf(text: string): Network | undefined {
  const [, address = '', bits = ''] = FORM.exec(text) ?? []
  const prefix = Number(bits)
  // Addresses in this form count as IPv4, so a network of them does.
  const [, mapped = ''] = /^::ffff:([\d.]+)$/i.exec(address) ?? []
  if (isIPv4(mapped) && prefix >= MAPPED_BITS && prefix <= 128) {
    return { address: mapped, prefix: prefix - MAPPED_BITS, family: 'ipv4' }
  }
  if (isIPv4(address) && prefix <= 32) return { address, prefix, family: 'ipv4' }
  if (isIPv6(address) && prefix <= 128) return { address, prefix, family: 'ipv6' }
  return undefined
}
