/**
 * Peers by name: from what an operator wrote, with or without a port, to the endpoints to dial.
 *
 * A name with a port is looked up as an address. A name without one asks DNS where the service is: SRV records name hosts and
 * ports (`_gossip._tcp.alerts.example`, what headless services of schedulers publish). Where there is none, its addresses
 * are dialled on the port that we listen on ourselves. Peers gossip with all, so priorities and weights choose nobody: every
 * answer is a peer.
 *
 * Numbers: at most 64 SRV records and 256 endpoints a name are used. A third of the time goes to the SRV question at most,
 * because a resolver that swallows it must not cost us the addresses.
 */
import { resolveSrv } from 'node:dns/promises'
import { HearsayError } from '../../base/errors.ts'
import type { HostPort } from '../../base/host-port.ts'
import { type Endpoint, endpointKey } from '../core/endpoint.ts'
import { addressFromText } from './endpoint-text.ts'
import {
  ENDPOINTS_PER_NAME_MAX,
  type NameLookup,
  parsePeerAddress,
  resolvePeerAddress,
  withinTimeout,
} from './peer-addresses.ts'

/** SRV records used of one name; a larger answer is cut. */
export const SERVICES_PER_NAME_MAX = 64
const SRV_SHARE = 1 / 3

/** Hosts and ports of a service. Injected, so that tests need no DNS. May reject when there are none. */
export type ServiceLookup = (
  name: string,
) => Promise<readonly { readonly name: string; readonly port: number }[]>

export const systemServiceLookup: ServiceLookup = (name) => resolveSrv(name)

export interface PeerLookups {
  readonly lookup: NameLookup
  readonly lookupService: ServiceLookup
  /** Of a name without port and SRV record. */
  readonly ownPort: number
  readonly timeoutMs: number
}

/** @throws HearsayError `GOSSIP_ADDRESS_MALFORMED`, quoting the text */
export function parsePeerName(text: string): { readonly host: string; readonly port: number | undefined } {
  const isAlone = /^\[[^\]]*\]$/.test(text) || (text !== '' && !text.includes(':'))
  if (!isAlone) return parsePeerAddress(text)
  try {
    return { host: parsePeerAddress(`${text}:0`).host, port: undefined }
  } catch (error) {
    if (!(error instanceof HearsayError)) throw error
    throw new HearsayError(error.code, `not a name, host:port or [ipv6]:port: ${JSON.stringify(text)}`)
  }
}

/**
 * @param text a name, `host:port`, `[v6]:port` or `:port`
 * @returns every endpoint, without doubles
 * @throws HearsayError `GOSSIP_ADDRESS_MALFORMED`, `GOSSIP_NAME_UNRESOLVED`
 */
export async function resolvePeerName(text: string, lookups: PeerLookups): Promise<readonly Endpoint[]> {
  const { lookup, ownPort, timeoutMs } = lookups
  const { host, port } = parsePeerName(text)
  if (port !== undefined) return resolvePeerAddress({ host, port }, lookup, timeoutMs)
  const services = addressFromText(host) === undefined ? await servicesOf(host, lookups) : []
  if (services.length === 0) return resolvePeerAddress({ host, port: ownPort }, lookup, timeoutMs)
  return endpointsOf(host, services, lookups)
}

async function servicesOf(
  name: string,
  { lookupService, timeoutMs }: PeerLookups,
): Promise<readonly HostPort[]> {
  try {
    const answers = await withinTimeout(lookupService(name), timeoutMs * SRV_SHARE, name)
    // A target of "." says that there is no such service here.
    const targets = answers.filter((answer) => answer.name !== '' && answer.name !== '.' && answer.port > 0)
    return targets.slice(0, SERVICES_PER_NAME_MAX).map(({ name: host, port }) => ({ host, port }))
  } catch {
    // No such record, or nobody who would know: then it is a host.
    return []
  }
}

async function endpointsOf(
  name: string,
  services: readonly HostPort[],
  { lookup, timeoutMs }: PeerLookups,
): Promise<readonly Endpoint[]> {
  const found = await Promise.allSettled(
    services.map((service) => resolvePeerAddress(service, lookup, timeoutMs * (1 - SRV_SHARE))),
  )
  const endpoints = found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  const distinct = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]))
  if (distinct.size > 0) return [...distinct.values()].slice(0, ENDPOINTS_PER_NAME_MAX)
  throw new HearsayError(
    'GOSSIP_NAME_UNRESOLVED',
    `the SRV records of ${name} name ${services.length} hosts, and none of them has an address`,
  )
}
