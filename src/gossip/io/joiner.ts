/**
 * Joining: from the addresses an operator wrote to exchanges with whoever answers there.
 *
 * All answers of a name are contacted, our own address is left out silently, and a peer named twice is asked once. A
 * few at a time: a name with two hundred answers must not open two hundred streams.
 */
import { HearsayError } from '../../base/errors.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { endpointToText } from './endpoint-text.ts'
import type { JoinResult } from './gossip.ts'
import { type NameLookup, parsePeerAddress, resolvePeerAddress } from './peer-addresses.ts'

export interface JoinerDeps {
  readonly lookup: NameLookup
  readonly resolveTimeoutMs: number
  readonly joinsAtOnceMax: number
  /** Whether we listen there ourselves. */
  readonly isOwn: (endpoint: Endpoint) => boolean
  /** Answers with undefined on success, else with the reason. */
  readonly exchange: (endpoint: Endpoint) => Promise<string | undefined>
}

interface Found {
  readonly endpoints: readonly Endpoint[]
  readonly failed: JoinResult['failed']
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
    const { endpoints, failed } = await this.#resolve(addresses)
    const calls = endpoints.filter((endpoint) => !skip(endpoint))
    const problems = [...failed]
    let contacted = 0
    const worker = async (): Promise<void> => {
      for (let to = calls.shift(); to !== undefined; to = calls.shift()) {
        const reason = await this.#deps.exchange(to)
        if (reason === undefined) contacted++
        else problems.push({ address: endpointToText(to), reason })
      }
    }
    await Promise.all(Array.from({ length: Math.min(calls.length, this.#deps.joinsAtOnceMax) }, worker))
    return { contacted, failed: problems }
  }

  async #resolve(addresses: readonly string[]): Promise<Found> {
    const { lookup, resolveTimeoutMs, isOwn } = this.#deps
    const distinct = new Map<string, Endpoint>()
    const failed: { address: string; reason: string }[] = []
    const lookUp = async (address: string): Promise<void> => {
      try {
        for (const endpoint of await resolvePeerAddress(
          parsePeerAddress(address),
          lookup,
          resolveTimeoutMs,
        )) {
          if (!isOwn(endpoint)) distinct.set(endpointToText(endpoint), endpoint)
        }
      } catch (error) {
        if (!(error instanceof HearsayError)) throw error
        failed.push({ address, reason: error.message })
      }
    }
    const queue = [...new Set(addresses)]
    const worker = async (): Promise<void> => {
      for (let address = queue.shift(); address !== undefined; address = queue.shift()) await lookUp(address)
    }
    await Promise.all(Array.from({ length: Math.min(queue.length, this.#deps.joinsAtOnceMax) }, worker))
    return { endpoints: [...distinct.values()], failed }
  }
}
