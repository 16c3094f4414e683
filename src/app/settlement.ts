/**
 * When a replica may call itself ready: on evidence, not on a count of peers.
 *
 * A replica that has just started may have missed anything while it was away, so it first hears every peer it can reach,
 * once. Heard means that what the peer held is here: of a hearsay replica that a comparison found nothing, or the session
 * that fetched the rest came to its end; of an Alertmanager that a push-pull with it is complete, which carries all it has.
 * With nobody to ask it is ready at once. The timeout bounds only the waiting for peers that exist but do not answer, or
 * have more than can be fetched in it; when it strikes, the replica is ready all the same and says that it gave up, because a
 * silence that may be missing is better than an alerting service that never starts.
 *
 * Whom to ask is known from the configuration and from an earlier run (known-peers.ts); of the remembered peers the eight
 * likeliest are called here, the others by the reconnect loop within a second. Joining tells of members and exchanges with
 * some of them; the others are asked one after the other. A peer that does not answer is called again for 2 s: replicas
 * that restart together all find nobody at first, and would each call themselves ready alone. After that it is not
 * reachable, and its return is the reconnect loop's business. One that answers, and with whom no exchange is possible
 * for its key, label or version, is there: it is waited for up to the timeout, with the reason in words.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { errorCode } from '../base/errors.ts'
import type { Member } from '../gossip/core/delegate.ts'
import type { Gossip, JoinResult } from '../gossip/io/gossip.ts'

const GRACE_MS = 2000
const CALL_AGAIN_MS = 200
/** Who is there and cannot be joined, after the time of grace. */
const CALL_AGAIN_LATE_MS = 2000
const ASK_AGAIN_MS = 2000
const POLL_MS = 20
const NAMED_MAX = 3
const REMEMBERED_CALLED_MAX = 8

export interface SettlementOptions {
  /** Configured. */
  readonly peers: readonly string[]
  /** Of an earlier run, the likeliest to be there first. Default none. */
  readonly remembered?: readonly string[]
  readonly timeoutMs: number
  /** Peers that somebody else calls: settles when they have answered or failed, whatever they said. Default none. */
  readonly called?: Promise<unknown>
  /** Whether what this hearsay member held is here. */
  readonly syncedWith: (memberName: string) => boolean
  /** How long peers that do not answer are called again. Default 2 s. */
  readonly graceMs?: number
  /**
   * After which a hearsay member that gave nothing is asked again: its session may have broken, or been refused because it
   * had too many, and then only another exchange starts one. Default 2 s.
   */
  readonly askAgainMs?: number
  /** Between calls of peers that are there and cannot be joined, after the grace. Default 2 s. */
  readonly callLateMs?: number
}

type Phase = 'settling' | 'settled' | 'gave-up'

interface Asked {
  readonly atMs: number
  /** Undefined while the exchange is under way. */
  answered: boolean | undefined
}

export class Settlement {
  readonly #gossip: Gossip
  readonly #clock: Clock
  readonly #options: SettlementOptions
  #phase: Phase = 'settling'
  /** The known peers have answered, or had their chance. */
  #called = false
  /** Called peers that are there and cannot be joined. */
  #shut: JoinResult['failed'] = []
  #graceEndsAtMs = 0
  readonly #askAgainMs: number
  readonly #asked = new Map<string, Asked>()

  constructor(gossip: Gossip, clock: Clock, options: SettlementOptions) {
    this.#gossip = gossip
    this.#clock = clock
    this.#options = options
    this.#askAgainMs = options.askAgainMs ?? ASK_AGAIN_MS
  }

  get settled(): boolean {
    return this.#phase !== 'settling'
  }

  /** One sentence while settling; undefined after. */
  reason(): string | undefined {
    if (this.settled) return undefined
    const shut = this.#shutText()
    if (shut !== undefined) return `settling: ${shut}`
    const missing = this.#missing()
    if (missing.length === 0) return `settling: calling ${this.#whom()}`
    const names = missing.slice(0, NAMED_MAX).map(({ name }) => name)
    const others = missing.length - names.length
    const rest = others === 0 ? '' : ` and ${others} more`
    return `settling: the state of ${names.join(', ')}${rest} is not here yet`
  }

  #shutText(): string | undefined {
    const [first, ...others] = this.#shut
    if (first === undefined) return undefined
    const rest = others.length === 0 ? '' : `, nor can ${others.length} more`
    return `the peer at ${first.address} cannot be joined${rest}: ${first.reason}`
  }

  #whom(): string {
    const { peers, remembered = [], called } = this.#options
    if (called !== undefined) return 'peers'
    const known = `${remembered.length} remembered peers`
    if (remembered.length === 0) return `${peers.length} configured peers`
    return peers.length === 0 ? known : `${peers.length} configured and ${known}`
  }

  /** Ends `run`, whatever is missing. */
  stop(): void {
    if (this.#phase === 'settling') this.#phase = 'gave-up'
  }

  /** Joins the known peers and hears every member once. Resolves when done, given up or stopped. */
  async run(): Promise<Phase> {
    const startedMs = this.#clock.monotonicMs()
    this.#graceEndsAtMs = startedMs + (this.#options.graceMs ?? GRACE_MS)
    void this.#call()
    for (;;) {
      const missing = this.#missing()
      if (this.settled) return this.#phase
      if (this.#called && missing.length === 0) this.#phase = 'settled'
      else if (this.#clock.monotonicMs() - startedMs >= this.#options.timeoutMs) this.#phase = 'gave-up'
      if (this.settled) return this.#phase
      this.#askNext(missing)
      await pause(POLL_MS, undefined, { ref: false })
    }
  }

  /** Never rejects. */
  async #call(): Promise<void> {
    const { peers, remembered = [] } = this.#options
    let addresses: readonly string[] = [...peers, ...remembered.slice(0, REMEMBERED_CALLED_MAX)]
    try {
      await this.#options.called?.catch(() => undefined)
      while (addresses.length > 0) {
        const { failed } = await this.#gossip.join(addresses)
        this.#shut = failed.filter(({ isThere }) => isThere)
        const isOver = this.#clock.monotonicMs() >= this.#graceEndsAtMs
        addresses = (isOver ? this.#shut : failed).map(({ address }) => address)
        if (this.settled) break
        const gapMs = isOver ? (this.#options.callLateMs ?? CALL_AGAIN_LATE_MS) : CALL_AGAIN_MS
        if (addresses.length > 0) await pause(gapMs, undefined, { ref: false })
      }
    } catch (error) {
      if (errorCode(error) !== 'GOSSIP_NOT_RUNNING') throw error
    } finally {
      this.#called = true
    }
  }

  /** One after the other: what the first peer gives, the next one need not. */
  #askNext(missing: readonly Member[]): void {
    const nowMs = this.#clock.monotonicMs()
    const isBusy = missing.some(({ name }) => {
      const asked = this.#asked.get(name)
      if (asked?.answered === undefined) return asked !== undefined
      return asked.answered && nowMs - asked.atMs < this.#askAgainMs
    })
    if (!this.#called || isBusy) return
    const next = missing.find(
      ({ name }) => nowMs - (this.#asked.get(name)?.atMs ?? -Infinity) >= this.#askAgainMs,
    )
    if (next === undefined) return
    const asked: Asked = { atMs: nowMs, answered: undefined }
    this.#asked.set(next.name, asked)
    void this.#gossip.pushPullNow(next.name).then((answered) => {
      asked.answered = answered
    })
  }

  /** Members that are there and not heard, but for those that do not answer after the time of grace. */
  #missing(): Member[] {
    const isOver = this.#clock.monotonicMs() >= this.#graceEndsAtMs
    return this.#gossip.members().filter((member) => {
      if (member.isSelf || member.liveness !== 'alive' || this.#isHeard(member)) return false
      return !(isOver && this.#asked.get(member.name)?.answered === false)
    })
  }

  #isHeard({ name, peerClass }: Member): boolean {
    return peerClass === 'native' ? this.#options.syncedWith(name) : this.#gossip.exchangedWith(name)
  }
}
