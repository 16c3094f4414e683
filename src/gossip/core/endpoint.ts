/**
 * Where a peer listens: raw IP bytes as they stood on the wire, and a port.
 *
 * Bytes, not text, because memberlist compares addresses byte by byte: the same IPv4 in 4-byte and in 16-byte form is
 * an address conflict there (memberlist-wire.md section 1). We keep and re-emit what we received.
 */
export interface Endpoint {
  /** 4 or 16 bytes. */
  readonly addr: Uint8Array
  readonly port: number
}

/** Bytes before the IPv4 address in its 16-byte form. */
export const MAPPED_PREFIX_BYTES = 12
const MAPPED_PREFIX: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** An IPv4 address in 16 bytes, as some peers announce themselves. */
export function isMappedIPv4(addr: Uint8Array): boolean {
  return addr.length === 16 && MAPPED_PREFIX.every((byte, i) => addr[i] === byte)
}

/** A string equal for endpoints that a datagram reaches alike: IPv4 has two forms, and sockets report the short one. */
export function placeKey(endpoint: Endpoint): string {
  const { addr, port } = endpoint
  return endpointKey(isMappedIPv4(addr) ? { addr: addr.subarray(MAPPED_PREFIX_BYTES), port } : endpoint)
}

/** A string equal for equal endpoints only; for map keys, not for people. */
export function endpointKey(endpoint: Endpoint): string {
  return `${endpoint.addr.join('.')}:${endpoint.port}`
}
