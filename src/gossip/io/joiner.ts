/**
 * Joining: from the addresses an operator wrote to exchanges with whoever answers there.
 *
 * All answers of a name are contacted, our own address is left out silently, and a peer named twice is asked once. A
 * peer is called as soon as its own name is looked up: one that the resolver is slow about holds up nobody else. A few
 * at a time: a name with two hundred answers must not open two hundred streams.
 */
import { HearsayError } from '../../base/errors.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { endpointToText } from './endpoint-text.ts'
import type { JoinResult } from './gossip.ts'
import { exchangeTrouble, type JoinTrouble, lookupTrouble } from './join-trouble.ts'
import type { NameLookup } from './peer-addresses.ts'
import { resolvePeerName, type ServiceLookup } from './peer-names.ts'
import { Slots } from './slots.ts'
import type { UnjoinedPeers } from './unjoined-peers.ts'

export interface JoinerDeps {
  readonly lookup: NameLookup
  readonly lookupService: ServiceLookup
  /** What we listen on: for names without a port. */
  readonly ownPort: number
  readonly resolveTimeoutMs: number
  readonly joinsAtOnceMax: number
  /** Whether we listen there ourselves. */
  readonly isOwn: (endpoint: Endpoint) => boolean
  /** Answers with undefined on success, else with the reason. */
  readonly exchange: (endpoint: Endpoint) => Promise<string | undefined>
  /** Hears what came of each call. */
  readonly unjoined: Pick<UnjoinedPeers, 'note' | 'found'>
}

export class Joiner {
  readonly #deps: JoinerDeps

  constructor(deps: JoinerDeps) {
    this.#deps = deps
  }

  /** @param skip peers that need no contact; default none */
  async join(
    addresses: readonly string[],
    skip: (endpoint: Endpoint) => boolean = () => false,
  ): Promise<JoinResult> {
    const { isOwn, exchange, joinsAtOnceMax, unjoined } = this.#deps
    const lookups = new Slots(joinsAtOnceMax)
    const exchanges = new Slots(joinsAtOnceMax)
    const asked = new Set<string>()
    const failed: JoinResult['failed'][number][] = []
    const reached: string[] = []
    const fail = (address: string, trouble: JoinTrouble): void => {
      unjoined.note(address, trouble)
      failed.push({ address, ...trouble })
    }
    const call = async (endpoint: Endpoint): Promise<void> => {
      const text = endpointToText(endpoint)
      if (asked.has(text) || isOwn(endpoint)) return
      asked.add(text)
      const isNeeded = !skip(endpoint)
      const reason = isNeeded ? await exchanges.run(() => exchange(endpoint)) : undefined
      if (reason !== undefined) fail(text, exchangeTrouble(reason))
      else {
        unjoined.note(text, undefined)
        if (isNeeded) reached.push(text)
      }
    }
    const callAll = async (address: string): Promise<void> => {
      const found = await lookups.run(() => this.#lookUp(address))
      if ('reason' in found) {
        fail(address, found)
        return
      }
      const others = found.filter((endpoint) => !isOwn(endpoint)).map(endpointToText)
      if (!others.includes(address)) unjoined.found(address, others)
      await Promise.all(found.map(call))
    }
    await Promise.all([...new Set(addresses)].map(callAll))
    return { contacted: reached.length, reached, failed }
  }

  /** @returns the endpoints of a name, or why there are none */
  async #lookUp(address: string): Promise<readonly Endpoint[] | JoinTrouble> {
    const { lookup, lookupService, ownPort, resolveTimeoutMs: timeoutMs } = this.#deps
    try {
      return await resolvePeerName(address, { lookup, lookupService, ownPort, timeoutMs })
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      return lookupTrouble(error)
    }
  }
}
