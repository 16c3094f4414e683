/**
 * Carries out what core/reconnect.ts decides: dials the dead, looks the configured peers up and joins those that are no
 * members. One refresh at a time: a slow resolver must not pile them up.
 */
import type { Clock } from '../../base/clock.ts'
import type { Tally } from '../../base/tally.ts'
import type { Member } from '../core/delegate.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { Reconnect } from '../core/reconnect.ts'
import type { Alarms } from './alarms.ts'
import { endpointToText } from './endpoint-text.ts'
import type { Joiner } from './joiner.ts'

export interface ReconnectLoopDeps {
  readonly clock: Clock
  readonly alarms: Alarms
  readonly events: Tally
  readonly reconnect: Reconnect
  readonly joiner: Joiner
  /** Configured peers, host:port. */
  readonly peers: readonly string[]
  readonly members: () => readonly Member[]
  /** Answers with undefined on success, else with the reason. */
  readonly exchange: (endpoint: Endpoint) => Promise<string | undefined>
  /** False once we leave: nobody is called any more. */
  readonly isWanted: () => boolean
}

export class ReconnectLoop {
  readonly #deps: ReconnectLoopDeps
  #refreshing = false

  constructor(deps: ReconnectLoopDeps) {
    this.#deps = deps
  }

  start(): void {
    const { alarms, clock, reconnect } = this.#deps
    const at = reconnect.nextAt()
    if (at === Number.POSITIVE_INFINITY) return
    alarms.at(at, () => {
      if (!this.#deps.isWanted()) return
      const { dead, refresh } = reconnect.due(clock.monotonicMs())
      for (const endpoint of dead) void this.#call(endpoint)
      if (refresh) void this.#refresh()
      this.start()
    })
  }

  async #call(endpoint: Endpoint): Promise<void> {
    const reason = await this.#deps.exchange(endpoint)
    this.#deps.events.add(reason === undefined ? 'reconnected' : 'reconnect-failed')
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
    events.add('refresh-joined', contacted)
    events.add('refresh-failed', failed.length)
  }
}
