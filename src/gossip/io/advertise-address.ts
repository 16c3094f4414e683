/**
 * Which address to tell others to dial.
 *
 * An explicit address wins. A socket bound to one address advertises that one. A socket bound to "any" must choose: the
 * first private IPv4 of the host, as memberlist peers do, since gossip across the open internet is never what was meant
 * by default. Without one there is no safe guess and the start fails by name.
 *
 * IPv4 is always given in 4-byte form: peers compare bytes, and the 16-byte form of the same address would be a
 * conflict to them (memberlist-wire.md section 1).
 */
import type { NetworkInterfaceInfo } from 'node:os'
import { HearsayError } from '../../base/errors.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { addressFromText, endpointFromText, endpointToText, isUnspecifiedAddress } from './endpoint-text.ts'
import { parsePeerAddress } from './peer-addresses.ts'

/** RFC 1918, and the shared space of RFC 6598 that clouds hand to containers. */
function isPrivateIPv4(addr: Uint8Array): boolean {
  const [a = 0, b = 0] = addr
  if (addr.length !== 4) return false
  return (
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b < 128)
  )
}

/** `ip`, `ip:port` or `[v6]:port`. */
function explicitEndpoint(text: string, boundPort: number): Endpoint {
  if (addressFromText(text) !== undefined) return endpointFromText(text, boundPort)
  const { host, port } = parsePeerAddress(text)
  return endpointFromText(host, port === 0 ? boundPort : port)
}

function dialable(endpoint: Endpoint): Endpoint {
  if (!isUnspecifiedAddress(endpoint.addr)) return endpoint
  throw new HearsayError(
    'GOSSIP_NO_ADVERTISE_ADDRESS',
    `nobody can dial ${endpointToText(endpoint)}: advertise an address of this host`,
  )
}

/**
 * @param bound where the transport listens
 * @param explicit an IP, with or without port, or undefined to choose; names are refused
 * @param interfaces as `os.networkInterfaces()` gives them
 * @throws HearsayError `GOSSIP_ADDRESS_MALFORMED` for a bad explicit address, `GOSSIP_NO_ADVERTISE_ADDRESS` for
 * 0.0.0.0 and ::, and when bound to "any" on a host without a private IPv4
 */
export function advertiseEndpoint(
  bound: Endpoint,
  explicit: string | undefined,
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): Endpoint {
  if (explicit !== undefined) return dialable(explicitEndpoint(explicit, bound.port))
  if (!isUnspecifiedAddress(bound.addr)) return bound
  for (const addresses of Object.values(interfaces)) {
    for (const { address, internal } of addresses ?? []) {
      const addr = addressFromText(address)
      if (!internal && addr !== undefined && isPrivateIPv4(addr)) return { addr, port: bound.port }
    }
  }
  throw new HearsayError(
    'GOSSIP_NO_ADVERTISE_ADDRESS',
    'listening on every address, and no interface has a private IPv4: name the address that peers should dial',
  )
}
