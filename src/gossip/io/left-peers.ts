/**
 * Where members left in order: nobody answers there, as they said, so it is no trouble that they cannot be joined. The
 * machine forgets them after half a minute; a rolling restart, or a host out of service, takes longer.
 *
 * Whoever comes back there, or dies there, has not left any more. A configured name whose addresses have all left is one
 * that the resolver may know no longer.
 *
 * Numbers: 1024 addresses and 256 names, the oldest gone first. For 30 s after a goodbye it is no trouble either when
 * somebody is there still: a process that stops takes connections and closes them.
 */
import type { MemberEvent } from '../core/delegate.ts'
import { endpointToText } from './endpoint-text.ts'
import type { JoinTrouble } from './join-trouble.ts'

export const LEFT_MAX = 1024
const NAMES_MAX = 256
const STOPPING_MS = 30_000

export class LeftPeers {
  /** When each said goodbye, monotonic, by `host:port`. */
  readonly #leftAtMs = new Map<string, number>()
  readonly #addressesOf = new Map<string, readonly string[]>()

  /** @returns the address, when a member has just left it in order */
  observe(nowMs: number, { type, member }: MemberEvent): string | undefined {
    if (member.isSelf || type === 'conflict') return undefined
    const address = endpointToText(member.endpoint)
    this.#leftAtMs.delete(address)
    if (type !== 'leave' || member.liveness !== 'left') return undefined
    put(this.#leftAtMs, address, nowMs, LEFT_MAX)
    return address
  }

  /** @param addresses of others that the name stands for */
  found(name: string, addresses: readonly string[]): void {
    this.#addressesOf.delete(name)
    if (addresses.length > 0) put(this.#addressesOf, name, addresses, NAMES_MAX)
  }

  /** @param address `host:port`, or a name as configured @returns whether this is what is to be expected of who left */
  explains(nowMs: number, address: string, { isThere }: JoinTrouble): boolean {
    return (this.#addressesOf.get(address) ?? [address]).every((place) => {
      const leftAtMs = this.#leftAtMs.get(place)
      return leftAtMs !== undefined && (!isThere || nowMs - leftAtMs < STOPPING_MS)
    })
  }
}

function put<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  const [oldest] = map.keys()
  if (map.size >= max && oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}
