/**
 * Peer addresses: from what an operator wrote (`alert-1.example:9094`) to the endpoints to dial.
 *
 * A name is a question, not an address: every A and AAAA answer is a peer of its own, as headless services of
 * schedulers intend. Literal IPs never touch DNS. The answer may differ each time, so callers ask again
 * (reconnect.ts asks every 15 s).
 *
 * Numbers: at most 256 endpoints a name are used, and a lookup is given up after its timeout (getaddrinfo alone may take minutes).
 *
 * Not handled here: leaving out our own address (the caller knows it), names without a port (peer-names.ts).
 */
import { lookup } from 'node:dns/promises'
import { HearsayError } from '../../base/errors.ts'
import { type HostPort, parseHostPort } from '../../base/host-port.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { addressFromText, endpointFromText } from './endpoint-text.ts'

/** Endpoints used of one name; a larger answer is cut. */
export const ENDPOINTS_PER_NAME_MAX = 256

/** All IP literals of a name. Injected, so that tests need no DNS. */
export type NameLookup = (host: string) => Promise<readonly string[]>

/**
 * Whoever asks for a name that is being looked up gets that answer. A question that was given up goes on in the resolver, of
 * which the process has two at a time: asked anew every 15 s, eight slow names would stand in line for ever.
 */
export function sharedLookup(lookupName: NameLookup): NameLookup {
  const underWay = new Map<string, ReturnType<NameLookup>>()
  return (host) => {
    const asked = underWay.get(host) ?? lookupName(host).finally(() => underWay.delete(host))
    underWay.set(host, asked)
    return asked
  }
}

/** The host's resolver: hosts file, then DNS, in its own order. */
export const systemLookup: NameLookup = sharedLookup(async (host) =>
  (await lookup(host, { all: true, order: 'verbatim' })).map((answer) => answer.address),
)

/**
 * @param text `host:port`, `[v6]:port` or `:port`; what stands in brackets must be an IPv6 address
 * @throws HearsayError `GOSSIP_ADDRESS_MALFORMED`, quoting the text
 */
export function parsePeerAddress(text: string): HostPort {
  try {
    const address = parseHostPort(text)
    const isV6 = address.host.includes(':') && addressFromText(address.host) !== undefined
    if (isV6 || !text.startsWith('[')) return address
  } catch (error) {
    if (!(error instanceof HearsayError)) throw error
  }
  throw new HearsayError('GOSSIP_ADDRESS_MALFORMED', `not host:port or [ipv6]:port: ${JSON.stringify(text)}`)
}

/** Rejects with `GOSSIP_NAME_UNRESOLVED` after `timeoutMs`; the lookup itself cannot be cancelled and is forgotten. */
export async function withinTimeout<T>(work: Promise<T>, timeoutMs: number, host: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expiry = new Promise<never>((_, reject) => {
    const late = new HearsayError('GOSSIP_NAME_UNRESOLVED', `no answer for ${host} in ${timeoutMs} ms`)
    timer = setTimeout(() => reject(late), timeoutMs)
    timer.unref()
  })
  try {
    return await Promise.race([work, expiry])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * @param address an empty host means this machine's loopback
 * @param lookupName not called for an IP literal
 * @returns every endpoint of the name, without doubles, in the resolver's order
 * @throws HearsayError `GOSSIP_NAME_UNRESOLVED` when the lookup fails, times out or has no answer
 */
export async function resolvePeerAddress(
  address: HostPort,
  lookupName: NameLookup,
  timeoutMs: number,
): Promise<readonly Endpoint[]> {
  const host = address.host === '' ? '127.0.0.1' : address.host
  const literal = addressFromText(host)
  if (literal !== undefined) return [{ addr: literal, port: address.port }]
  let answers: readonly string[]
  try {
    answers = await withinTimeout(lookupName(host), timeoutMs, host)
  } catch (cause) {
    if (cause instanceof HearsayError) throw cause
    throw new HearsayError('GOSSIP_NAME_UNRESOLVED', `cannot look up ${host}`, { cause })
  }
  const distinct = [...new Set(answers)].filter((ip) => addressFromText(ip) !== undefined)
  if (distinct.length === 0) throw new HearsayError('GOSSIP_NAME_UNRESOLVED', `no address for ${host}`)
  return distinct.slice(0, ENDPOINTS_PER_NAME_MAX).map((ip) => endpointFromText(ip, address.port))
}
