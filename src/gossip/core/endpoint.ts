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

/** A string equal for equal endpoints only; for map keys, not for people. */
export function endpointKey(endpoint: Endpoint): string {
  return `${endpoint.addr.join('.')}:${endpoint.port}`
}
