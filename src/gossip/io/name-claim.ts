/**
 * Getting our own name back, after a restart under another address.
 *
 * Peers keep a name for who had it first. They would believe our former self to be alive, then suspect, then dead, and an
 * Alertmanager refuses our new address until it has forgotten it all, for 70 to 81 s. But a name whose owner has said
 * goodbye is free at once, and its owner is us. So when a peer's list has our name at another address we knock there, and
 * if our former self has gone, say goodbye in its name, and exchange again.
 *
 * Gone is who is shown to be: nobody listens at that address, or somebody does who answers to anybody and not to our name.
 * That we cannot reach it shows nothing, since the peer perhaps can; it counts once the peer itself suspects it. And whoever
 * has answered to our name by UDP is a namesake and there, whatever the streams say. It is left in peace: it was there
 * first, and two replicas of one name are for a person to sort out (see the conflict event).
 *
 * Numbers: a peer that goes on refusing is asked again after 2 s, then 4, 8 and every 10 s, and every 2 s while it could be
 * that it will suspect whom we cannot reach; 30 times. It hears at most 3 goodbyes in our life, 500 ms after the knock, which
 * a namesake has to answer by UDP; at most 64 peers do. Who has run for 5 minutes has no former self that anybody still
 * believes in, so two of one name that each cannot see the other do not fight on.
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
/** For the ack to the ping that went to the namesake when the list was merged. */
const NAMESAKE_ACK_MS = 500
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
  /** Whether somebody there has answered to our name by UDP of late. */
  readonly namesakeAnswers: (at: Endpoint) => boolean
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
    const { alarms, clock, events } = this.#deps
    refuser.asks++
    events.add('own_name_refused')
    // Who is thought dead can say goodbye no more: memberlist listens to the living only.
    const found = held.liveness === 'dead' ? 'there' : await this.#look(held)
    if (found === 'gone' && refuser.goodbyes < GOODBYES_MAX) {
      alarms.at(clock.monotonicMs() + NAMESAKE_ACK_MS, () => this.#sayGoodbye(peer, refuser, held))
    } else this.#askLater(peer, refuser, found === 'unknown')
  }

  async #look({ endpoint, liveness }: NodeRecord): Promise<'gone' | 'there' | 'unknown'> {
    const { name, knock } = this.#deps
    const answer = await knock.at(endpoint, name)
    if (answer === 'refused') return 'gone'
    if (answer === 'unreached') return liveness === 'suspect' ? 'gone' : 'unknown'
    // Also a namesake without room for a stream closes it, but does not answer to anybody then.
    if (answer === 'closed' && (await knock.at(endpoint)) === 'acked') return 'gone'
    return 'there'
  }

  #sayGoodbye(peer: Endpoint, refuser: Refuser, { endpoint, incarnation }: NodeRecord): void {
    const { name, namesakeAnswers, tell, isWanted } = this.#deps
    if (namesakeAnswers(endpoint)) {
      this.#askLater(peer, refuser, false)
      return
    }
    refuser.goodbyes++
    if (isWanted()) tell(peer, { kind: 'dead', incarnation, node: name, from: name })
    this.#askAgain(peer, refuser, GOODBYE_MS)
  }

  #askLater(peer: Endpoint, refuser: Refuser, isSoon: boolean): void {
    const delayMs = isSoon ? ASK_AGAIN_MS : ASK_AGAIN_MS * 2 ** (refuser.asks - 1)
    this.#askAgain(peer, refuser, Math.min(delayMs, ASK_AGAIN_MS_MAX))
  }

  #askAgain(peer: Endpoint, refuser: Refuser, delayMs: number): void {
    const { alarms, clock, exchange, isWanted } = this.#deps
    alarms.at(clock.monotonicMs() + delayMs, () => {
      refuser.isBusy = false
      if (isWanted()) void exchange(peer)
    })
  }
}
