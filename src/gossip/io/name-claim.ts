/**
 * Getting our own name back, after a restart under another address.
 *
 * Peers keep a name for who had it first. They would believe our former self to be alive, then suspect, then dead, and an
 * Alertmanager refuses our new address until it has forgotten it all, for 70 to 81 s. But a name whose owner has said
 * goodbye is free at once, and its owner is us. So when a peer's list has our name at another address we knock there,
 * and if nobody answers to the name, say goodbye in the name of our former self, and exchange again.
 *
 * Numbers: a peer that goes on refusing is asked again after 2 s, then 4, 8 and every 10 s, 30 times (5 minutes); it hears
 * at most 3 goodbyes in our life, from at most 64 peers.
 *
 * A namesake that answers is left in peace: it was there first, and two replicas of one name are for a person to
 * sort out (see the conflict event). One that lives and that we cannot reach may lose its name to us; it will not take it
 * back, since who has run for 5 minutes has no former self that anybody still believes in. So the two never fight on.
 */
import type { Clock } from '../../base/clock.ts'
import type { Tally } from '../../base/tally.ts'
import { type Endpoint, endpointKey } from '../core/endpoint.ts'
import type { DeadMessage, NodeRecord } from '../core/messages.ts'
import type { Alarms } from './alarms.ts'
import type { Knock } from './knock.ts'

const ASK_AGAIN_MS = 2000
const ASK_AGAIN_MS_MAX = 10_000
const ASKS_MAX = 30
const GOODBYES_MAX = 3
/** For the goodbye, a datagram, to be read before the stream comes. */
const GOODBYE_MS = 100
const REFUSERS_MAX = 64
/** Of our life: later, whoever has our name is no former self. */
const CONTEST_MS = 300_000

export interface NameClaimDeps {
  readonly name: string
  readonly advertise: Endpoint
  readonly clock: Clock
  readonly alarms: Pick<Alarms, 'at'>
  readonly events: Tally
  readonly knock: Pick<Knock, 'at'>
  /** One datagram to a peer. */
  readonly tell: (to: Endpoint, message: DeadMessage) => void
  readonly exchange: (endpoint: Endpoint) => Promise<string | undefined>
  /** False once we leave: then the name is nobody's. */
  readonly isWanted: () => boolean
}

interface Refuser {
  asks: number
  goodbyes: number
  /** While something is on its way. */
  isBusy: boolean
}

export class NameClaim {
  readonly #deps: NameClaimDeps
  /** Kept when they have given in: the next refusal is not the first. */
  readonly #refusers = new Map<string, Refuser>()
  readonly #endsAtMs: number

  constructor(deps: NameClaimDeps) {
    this.#deps = deps
    this.#endsAtMs = deps.clock.monotonicMs() + CONTEST_MS
  }

  /** What a peer knew when it answered our push-pull, before it merged what we sent. */
  answered(peer: Endpoint, nodes: readonly NodeRecord[]): void {
    const { name, advertise, clock } = this.#deps
    const held = nodes.find((node) => node.name === name)
    if (held === undefined || held.liveness === 'left') return
    if (endpointKey(held.endpoint) === endpointKey(advertise) || clock.monotonicMs() > this.#endsAtMs) return
    const key = endpointKey(peer)
    const known = this.#refusers.get(key)
    if (known === undefined && this.#refusers.size >= REFUSERS_MAX) return
    const refuser = known ?? { asks: 0, goodbyes: 0, isBusy: false }
    if (refuser.isBusy || refuser.asks >= ASKS_MAX) return
    this.#refusers.set(key, refuser)
    refuser.isBusy = true
    void this.#contest(peer, refuser, held)
  }

  async #contest(peer: Endpoint, refuser: Refuser, held: NodeRecord): Promise<void> {
    const { name, knock, tell, events } = this.#deps
    refuser.asks++
    events.add('own-name-refused')
    const isGone = held.liveness === 'dead' || (await knock.at(held.endpoint, name)) !== 'answered'
    // Who is thought dead can say goodbye no more: memberlist listens to the living only.
    if (isGone && held.liveness !== 'dead' && refuser.goodbyes < GOODBYES_MAX && this.#deps.isWanted()) {
      refuser.goodbyes++
      tell(peer, { kind: 'dead', incarnation: held.incarnation, node: name, from: name })
      this.#askAgain(peer, refuser, GOODBYE_MS)
      return
    }
    this.#askAgain(peer, refuser, Math.min(ASK_AGAIN_MS * 2 ** (refuser.asks - 1), ASK_AGAIN_MS_MAX))
  }

  #askAgain(peer: Endpoint, refuser: Refuser, delayMs: number): void {
    const { alarms, clock, exchange, isWanted } = this.#deps
    alarms.at(clock.monotonicMs() + delayMs, () => {
      refuser.isBusy = false
      if (isWanted()) void exchange(peer)
    })
  }
}
