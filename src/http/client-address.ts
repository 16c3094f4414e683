/**
 * Which client a connection is counted for: its IPv4 address, or the first 64 bits of its IPv6 address, since one host has
 * all that come after them.
 */
import { isIPv6 } from 'node:net'

/** @param address of the socket; undefined when it is closed already */
export function clientOf(address: string | undefined): string {
  if (address === undefined) return ''
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? []
  const parts = head.split(':').filter((part) => part !== '')
  if (tail === undefined) return `${parts.slice(0, 4).join(':')}::/64`
  const behind = tail.split(':').filter((part) => part !== '')
  const zeros = Array<string>(Math.max(0, 8 - parts.length - behind.length)).fill('0')
  return `${[...parts, ...zeros, ...behind].slice(0, 4).join(':')}::/64`
}
