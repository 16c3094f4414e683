/**
 * Whom we cannot read: addresses whose traffic was dropped in the last minute for its key, or its label.
 *
 * A member that was started with a wrong key, and a stranger at the port, look alike here: counted as all that is dropped,
 * and told to a person, with the address. Addresses of datagrams may be forged, so all of it is bounded: 16 addresses, and
 * one line of the log a minute for each reason, which says how many more packets and streams there were.
 */
import type { Clock } from '../../base/clock.ts'
import { LineRation } from '../../base/line-ration.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { DropReason } from '../wire/drop-reason.ts'
import { addressToText } from './endpoint-text.ts'
import type { GossipLog } from './gossip-log.ts'

export const TURNED_AWAY_MAX = 16
const SHOWN_MS = 60_000
const LINE_GAP_MS = 60_000

const WORDS: Readonly<Partial<Record<DropReason, string>>> = {
  undecryptable: 'encrypted with a gossip key that is not ours, or not at all',
  'plaintext-refused': 'not encrypted, and this replica takes encrypted traffic only',
  'encrypted-without-key': 'encrypted, and this replica has no gossip key',
  'label-mismatch': 'of another cluster label',
}
const WORDS_BY_REASON: ReadonlyMap<string, string> = new Map(Object.entries(WORDS))

export interface TurnedAway {
  /** Without a port: that of a stream says nothing. */
  readonly address: string
  /** What is wrong with what comes from there. */
  readonly reason: string
}

export class TurnedAwayList {
  readonly #clock: Clock
  readonly #log: Pick<GossipLog, 'warn'>
  readonly #lines = new LineRation(LINE_GAP_MS)
  /** By address, the last heard at the end. */
  readonly #heard = new Map<string, { readonly reason: string; readonly atMs: number }>()

  constructor(clock: Clock, log: Pick<GossipLog, 'warn'>) {
    this.#clock = clock
    this.#log = log
  }

  /** @param dropReason any; most are not told */
  note(dropReason: string, from: Endpoint): void {
    const reason = WORDS_BY_REASON.get(dropReason)
    if (reason === undefined) return
    const nowMs = this.#clock.monotonicMs()
    const address = addressToText(from.addr)
    this.#heard.delete(address)
    const [oldest] = this.#heard.keys()
    if (this.#heard.size >= TURNED_AWAY_MAX && oldest !== undefined) this.#heard.delete(oldest)
    this.#heard.set(address, { reason, atMs: nowMs })
    const leftOut = this.#lines.take(dropReason, nowMs)
    if (leftOut === undefined) return
    const since = leftOut === 0 ? {} : { suppressed: leftOut }
    this.#log.warn('traffic_not_readable', { from: address, reason, ...since })
  }

  /** Of the last minute, the last heard first. */
  list(): readonly TurnedAway[] {
    const nowMs = this.#clock.monotonicMs()
    return [...this.#heard]
      .filter(([, { atMs }]) => nowMs - atMs <= SHOWN_MS)
      .map(([address, { reason }]) => ({ address, reason }))
      .reverse()
  }
}
