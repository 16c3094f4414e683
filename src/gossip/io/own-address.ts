/**
 * Whether an endpoint is ourselves, so that a list of peers may name every replica, this one included.
 *
 * Ours are what we advertise, what we are bound to and, when bound to every address, our port on any address of this
 * host. A translated address (NAT, a published container port) is not known here; joining it merely exchanges state
 * with ourselves, which changes nothing.
 */
import type { NetworkInterfaceInfo } from 'node:os'
import type { Endpoint } from '../core/endpoint.ts'
import {
  addressFromText,
  addressToText,
  endpointToText,
  isLoopbackAddress,
  isUnspecifiedAddress,
} from './endpoint-text.ts'

export function ownAddressTest(
  bound: Endpoint,
  advertise: Endpoint,
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): (endpoint: Endpoint) => boolean {
  const own = new Set([endpointToText(bound), endpointToText(advertise)])
  const everywhere = isUnspecifiedAddress(bound.addr)
  const hostAddresses = new Set<string>()
  for (const { address } of Object.values(interfaces).flatMap((addresses) => addresses ?? [])) {
    const addr = addressFromText(address)
    if (addr !== undefined) hostAddresses.add(addressToText(addr))
  }
  return (endpoint) => {
    if (own.has(endpointToText(endpoint))) return true
    if (!everywhere || endpoint.port !== bound.port) return false
    return isLoopbackAddress(endpoint.addr) || hostAddresses.has(addressToText(endpoint.addr))
  }
}
