/**
 * Whether an address is that of a live member, whatever the port: whom a stream may come from, as far as can be told
 * before it has said anything.
 *
 * Asked with each connection, so the addresses are looked through once a second at most.
 */
import type { Clock } from '../../base/clock.ts'
import type { Member } from '../core/delegate.ts'
import { addressToText } from './endpoint-text.ts'

const FRESH_MS = 1000

export function memberAddressTest(
  clock: Clock,
  members: () => readonly Member[],
): (addr: Uint8Array) => boolean {
  let known: ReadonlySet<string> = new Set()
  let readAtMs = Number.NEGATIVE_INFINITY
  return (addr) => {
    const nowMs = clock.monotonicMs()
    if (nowMs - readAtMs >= FRESH_MS) {
      readAtMs = nowMs
      const live = members().filter(
        ({ isSelf, liveness }) => !isSelf && (liveness === 'alive' || liveness === 'suspect'),
      )
      known = new Set(live.map(({ endpoint }) => addressToText(endpoint.addr)))
    }
    return known.has(addressToText(addr))
  }
}
