/**
 * Endpoints as people read them: `10.0.0.2:9094`, `[fe80::1]:9094`.
 *
 * An IPv4 address in 16-byte v4-mapped form prints as plain IPv4, because that is the same host; so the text of two
 * different endpoints may be equal.
 */
import { type Endpoint, isMappedIPv4, MAPPED_PREFIX_BYTES } from './endpoint.ts'

/** The longest run of two or more zero groups, which `::` stands for; the first of equals. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  return best
}

function ipv6Text(addr: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((addr[2 * i] ?? 0) << 8) | (addr[2 * i + 1] ?? 0))
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  const run = longestZeroRun(groups)
  if (run.start < 0) return hex(groups)
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`
}

/** The IP alone, RFC 5952 form. Bytes of another length than 4 or 16 give `invalid`, which no socket accepts. */
export function addressToText(addr: Uint8Array): string {
  if (addr.length === 4) return addr.join('.')
  if (isMappedIPv4(addr)) return addr.subarray(MAPPED_PREFIX_BYTES).join('.')
  return addr.length === 16 ? ipv6Text(addr) : 'invalid'
}

/** `ip:port`, the IP in brackets when it is IPv6. */
export function endpointToText(endpoint: Endpoint): string {
  const ip = addressToText(endpoint.addr)
  return ip.includes(':') ? `[${ip}]:${endpoint.port}` : `${ip}:${endpoint.port}`
}
