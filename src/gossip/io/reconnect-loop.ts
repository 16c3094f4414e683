/**
 * Carries out what core/reconnect.ts decides: calls on the lost, looks the configured peers up and joins those that are no
 * members. One refresh at a time: a slow resolver must not pile them up.
 *
 * A call on the lost begins with a knock, a ping by stream, which costs a few bytes: what a join sends first is all our
 * state, made anew for each. Whoever opens is joined. A knock is given up after 4 s, in which a host that comes back has
 * been sent three requests to connect, and no knock waits for another.
 *
 * When a cable is mended many open at once, and the first exchange tells of all the others. So each further one that is
 * under way has the next start 0.2 s later, and who was heard of meanwhile is not asked any more.
 */
import type { Clock } from '../../base/clock.ts'
import type { Tally } from '../../base/tally.ts'
import type { Member, MemberEvent } from '../core/delegate.ts'
import { type Endpoint, endpointKey } from '../core/endpoint.ts'
import type { Reconnect } from '../core/reconnect.ts'
import type { Alarm, Alarms } from './alarms.ts'
import { endpointToText } from './endpoint-text.ts'
import { exchangeTrouble, knockTrouble } from './join-trouble.ts'
import type { Joiner } from './joiner.ts'
import type { Knock } from './knock.ts'
import type { UnjoinedPeers } from './unjoined-peers.ts'

/** Between exchanges for signs that somebody else listens where a member was; they may be forged. */
const SURPRISE_GAP_MS = 5000
const SURPRISES_MAX = 64
const TURN_MS = 200

export interface ReconnectLoopDeps {
  readonly clock: Clock
  readonly alarms: Pick<Alarms, 'at'>
  readonly events: Tally
  readonly reconnect: Reconnect
  readonly joiner: Joiner
  /** Hears what came of calls on the lost. */
  readonly unjoined: Pick<UnjoinedPeers, 'note'>
  readonly knock: Pick<Knock, 'at'>
  /** Configured peers, host:port. */
  readonly peers: readonly string[]
  readonly members: () => readonly Member[]
  /** Whether we listen there ourselves: an address may have become ours. */
  readonly isOwn: (endpoint: Endpoint) => boolean
  /** Answers with undefined on success, else with the reason. */
  readonly exchange: (endpoint: Endpoint) => Promise<string | undefined>
  /** False once we leave: nobody is called any more. */
  readonly isWanted: () => boolean
}

export class ReconnectLoop {
  readonly #deps: ReconnectLoopDeps
  readonly #surprisedAtMs = new Map<string, number>()
  #refreshing = false
  /** Exchanges with the lost that are under way or wait for their turn. */
  #joining = 0
  #started = false
  #alarm: Alarm | undefined
  #armedAt = Number.POSITIVE_INFINITY

  constructor(deps: ReconnectLoopDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#started = true
    this.#arm()
  }

  observe(event: MemberEvent): void {
    this.#deps.reconnect.observe(this.#deps.clock.monotonicMs(), event)
    this.#arm()
  }

  /** A datagram came from there: a sign of life of whoever was lost there. */
  heardFrom(endpoint: Endpoint): void {
    if (this.#deps.reconnect.signOfLife(this.#deps.clock.monotonicMs(), endpoint)) this.#arm()
  }

  /**
   * Somebody accepts streams where we look for a member, and is not that member: a process that was started anew under
   * another name, and may know nobody. So it is asked at once who it is, long before the member is found dead.
   */
  surprisedBy(endpoint: Endpoint): void {
    const nowMs = this.#deps.clock.monotonicMs()
    const key = endpointKey(endpoint)
    if (!this.#deps.isWanted()) return
    if (nowMs - (this.#surprisedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < SURPRISE_GAP_MS) return
    this.#surprisedAtMs.delete(key)
    const [oldest] = this.#surprisedAtMs.keys()
    if (this.#surprisedAtMs.size >= SURPRISES_MAX && oldest !== undefined) this.#surprisedAtMs.delete(oldest)
    this.#surprisedAtMs.set(key, nowMs)
    this.#deps.events.add('stranger_asked')
    void this.#deps.exchange(endpoint)
  }

  #arm(): void {
    const { alarms, reconnect, isWanted } = this.#deps
    const at = reconnect.nextAt()
    if (!this.#started || at === this.#armedAt) return
    this.#alarm?.cancel()
    this.#armedAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#alarm = alarms.at(at, () => {
      this.#armedAt = Number.POSITIVE_INFINITY
      if (isWanted()) this.#round()
    })
  }

  #round(): void {
    const { lost, refresh } = this.#deps.reconnect.due(this.#deps.clock.monotonicMs())
    for (const endpoint of lost) void this.#call(endpoint)
    if (refresh) void this.#refresh()
    this.#arm()
  }

  async #call(endpoint: Endpoint): Promise<void> {
    const { knock, events, isOwn, isWanted, reconnect, unjoined } = this.#deps
    const isOurs = isOwn(endpoint)
    const trouble = isOurs ? undefined : knockTrouble(await knock.at(endpoint))
    if (trouble !== undefined && reconnect.isLost(endpoint)) unjoined.note(endpointToText(endpoint), trouble)
    if (isOurs || trouble !== undefined) events.add('reconnect_failed')
    else if (isWanted()) await this.#join(endpoint)
    reconnect.ended(endpoint)
    this.#arm()
  }

  async #join(endpoint: Endpoint): Promise<void> {
    const { alarms, clock, exchange, events, isWanted, reconnect, unjoined } = this.#deps
    const turnMs = TURN_MS * this.#joining++
    if (turnMs > 0) await new Promise<void>((begin) => alarms.at(clock.monotonicMs() + turnMs, begin))
    if (reconnect.isLost(endpoint) && isWanted()) {
      const reason = await exchange(endpoint)
      events.add(reason === undefined ? 'reconnected' : 'reconnect_failed')
      unjoined.note(endpointToText(endpoint), reason === undefined ? undefined : exchangeTrouble(reason))
    }
    this.#joining--
  }

  async #refresh(): Promise<void> {
    const { peers, joiner, events, members } = this.#deps
    if (this.#refreshing || peers.length === 0) return
    this.#refreshing = true
    const isMember = (endpoint: Endpoint): boolean => {
      const at = endpointToText(endpoint)
      return members().some(
        (member) =>
          (member.liveness === 'alive' || member.liveness === 'suspect') &&
          endpointToText(member.endpoint) === at,
      )
    }
    const { contacted, failed } = await joiner.join(peers, isMember)
    this.#refreshing = false
    events.add('refresh_joined', contacted)
    events.add('refresh_failed', failed.length)
  }
}
