/**
 * Endpoints as people and sockets write them: `10.0.0.2:9094`, `[fe80::1]:9094`.
 *
 * Bytes stay the identity (core/endpoint.ts); text is for sockets, logs and the command line. An IPv4 address in
 * 16-byte v4-mapped form prints as plain IPv4, because that is the same host and what a socket needs; so the text of
 * two different endpoints may be equal, and text is what compares "the same place" across the two forms.
 *
 * Not handled here: names and lookups (peer-addresses.ts), IPv6 zones.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { HearsayError } from '../../base/errors.ts'
import { type Endpoint, isMappedIPv4, MAPPED_PREFIX_BYTES } from '../core/endpoint.ts'
import { addressToText } from '../core/endpoint-format.ts'

export { addressToText, endpointToText } from '../core/endpoint-format.ts'

function ipv4Bytes(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number)
}

function ipv6Groups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(group)
    return [(a << 8) | b, (c << 8) | d]
  })
}

function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = text.split('::')
  const left = ipv6Groups(head)
  const right = tail === undefined ? [] : ipv6Groups(tail)
  const zeros = new Array<number>(8 - left.length - right.length).fill(0)
  return Uint8Array.from([...left, ...zeros, ...right].flatMap((group) => [group >> 8, group & 255]))
}

/**
 * @param text an IP literal; a zone (`%eth0`) is dropped
 * @returns 4 bytes for IPv4, also when written v4-mapped, as sockets report it; 16 for IPv6; undefined for a name
 */
export function addressFromText(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return ipv4Bytes(text)
  const withoutZone = text.replace(/%.*$/, '')
  if (!isIPv6(withoutZone)) return undefined
  const bytes = ipv6Bytes(withoutZone)
  return isMappedIPv4(bytes) ? bytes.slice(MAPPED_PREFIX_BYTES) : bytes
}

/**
 * @param ip an IP literal
 * @throws HearsayError `GOSSIP_ADDRESS_MALFORMED` when `ip` is not an IP literal or the port is not in 0..65535
 */
export function endpointFromText(ip: string, port: number): Endpoint {
  const addr = addressFromText(ip)
  if (addr === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new HearsayError(
      'GOSSIP_ADDRESS_MALFORMED',
      `not an IP address and port: ${JSON.stringify(ip)} ${port}`,
    )
  }
  return { addr, port }
}

/** 127.0.0.0/8 in either form, and ::1. */
export function isLoopbackAddress(addr: Uint8Array): boolean {
  if (addr.length === 4) return addr[0] === 127
  if (isMappedIPv4(addr)) return addr[MAPPED_PREFIX_BYTES] === 127
  return addressToText(addr) === '::1'
}

/** 0.0.0.0 or ::, which a socket may bind and nobody can dial. */
export function isUnspecifiedAddress(addr: Uint8Array): boolean {
  return addr.every((byte) => byte === 0)
}
