/**
 * Write concern: asks the other replicas to have a write on disk, and counts those that say so.
 *
 * A registered letter rather than a postcard: gossip spreads every write anyway, but only a letter is signed for. The
 * asking side sends the write itself to every member of the roster (ack-roster.ts) that is there, by stream; whoever has joined it, and has it on disk,
 * answers. It does not wait for those whom it does not need. After a fifth of the time allowed, who has not answered is
 * asked once more; what comes after the time is counted as late and changes nothing.
 *
 * The answering side promises no more than it holds: it answers only when all of the write is held here or was and is
 * superseded, so not for what it refused or has parked, and only when its disk took it. Silence means no.
 *
 * Bounds: 10,000 requests and 64 MiB of letters wait at once, 10,000 asks of others are in work. Pure: a driver gives
 * time and calls `tick` when `dueMs` says so (app/write-acks.ts; the simulator).
 */
import { HearsayError } from '../../base/errors.ts'
import { Heap } from '../../base/heap.ts'
import type { Random } from '../../base/random.ts'
import type { Broadcaster, Member } from '../../gossip/core/delegate.ts'
import type { KnownPeer } from '../../gossip/core/reconnect.ts'
import {
  type Ack,
  type AckPlan,
  type AckResult,
  checkAck,
  neededOf,
  type WriteConcernStats,
} from '../core/acknowledgement.ts'
import type { Delta } from '../core/delta.ts'
import { ACK_FRAME_BYTES_MAX, type AckFrame, decodeAckFrame, encodeAckFrame } from './ack-frames.ts'
import { ackRoster } from './ack-roster.ts'

export const REQUESTS_MAX = 10_000
export const REQUEST_BYTES_MAX: number = 64 * 1024 * 1024
export const ASKS_MAX = 10_000
/** Part of the time allowed after which who has not answered is asked again. */
const RESEND_AFTER = 1 / 5
const REQUEST_NUMBERS = 2 ** 32

export interface WriteConcernDeps {
  /** Our member name. */
  readonly name: string
  readonly broadcaster: Pick<Broadcaster, 'sendReliable' | 'members'>
  /** Replicas that count although gossip lists them no more. Default none. */
  readonly lost?: () => readonly KnownPeer[]
  readonly random: Random
  /** Joins what another replica sends, as if it had come by gossip. */
  readonly receive: (delta: Delta) => void
  /** Whether all of it is held here, or was and is superseded. */
  readonly holds: (delta: Delta) => boolean
  /** Calls back once everything joined so far is on disk, or with false when the disk refuses. */
  readonly durable: (done: (ok: boolean) => void) => void
  /** Something to count and perhaps log; `event` is a stable code. */
  readonly note?: (event: string, fields: Readonly<Record<string, string | number>>) => void
  readonly requestsMax?: number
  readonly requestBytesMax?: number
  readonly asksMax?: number
}

interface Request {
  readonly number: number
  /** Undefined once that is done. */
  resendAtMs: number | undefined
  readonly deadlineMs: number
  readonly payload: Uint8Array
  readonly needed: number
  /** Asked and not heard of. */
  readonly silent: Set<string>
  readonly acked: string[]
  readonly done: (result: AckResult) => void
}

/** Without the request itself, so that the letter of a settled one is not kept until its time. */
interface Due {
  readonly number: number
  readonly what: 'resend' | 'give up'
}

/** Deadlines of settled requests that are never worth a rebuild. */
const LITTER_MIN = 1024

export class WriteConcern {
  readonly #deps: WriteConcernDeps
  readonly #requests = new Map<number, Request>()
  #due = new Heap<Due>()
  #requestBytes = 0
  #asks = 0
  #reached = 0
  #notReached = 0
  #late = 0

  constructor(deps: WriteConcernDeps) {
    this.#deps = deps
  }

  get stats(): WriteConcernStats {
    return {
      waiting: this.#requests.size,
      reached: this.#reached,
      notReached: this.#notReached,
      late: this.#late,
    }
  }

  /** When `tick` has something to do; may be of a request that is settled already. */
  get dueMs(): number | undefined {
    return this.#due.peekAt()
  }

  /** See Acknowledgements.plan. */
  plan(ack: Ack): AckPlan {
    const { broadcaster, lost, requestsMax = REQUESTS_MAX } = this.#deps
    checkAck(ack)
    if (ack === 'local' || ack === 1) return { needed: 1, others: [] }
    const { size, listed } = ackRoster(broadcaster.members(), lost?.() ?? [])
    const needed = neededOf(ack, size)
    const reachable = listed.filter(isReachable).length + 1
    if (needed > reachable) {
      throw new HearsayError(
        'ACK_UNREACHABLE',
        `ack=${ack} needs ${needed} of ${size} replicas; ${reachable} can be reached`,
      )
    }
    if (needed > 1 && this.#requests.size >= requestsMax) {
      throw new HearsayError('ACK_OVERLOADED', `${requestsMax} writes wait for other replicas already`)
    }
    return { needed, others: listed.map(({ name }) => name) }
  }

  /**
   * @param timeoutMs above 0
   * @param done called once, at the latest by the `tick` at `nowMs + timeoutMs`
   */
  confirm(
    plan: AckPlan,
    deltas: readonly Delta[],
    nowMs: number,
    timeoutMs: number,
    done: (result: AckResult) => void,
  ): void {
    const { name, note, requestsMax = REQUESTS_MAX, requestBytesMax = REQUEST_BYTES_MAX } = this.#deps
    const acked = [name]
    // A write that found nothing to change has nothing that others could have.
    if (plan.needed <= 1 || deltas.length === 0) {
      done({ reached: true, acked })
      return
    }
    const number = this.#freeNumber()
    const payload = encodeAckFrame({ kind: 'ask', sender: name, request: number, deltas })
    const bytes = this.#requestBytes + payload.length
    if (
      this.#requests.size >= requestsMax ||
      bytes > requestBytesMax ||
      payload.length > ACK_FRAME_BYTES_MAX
    ) {
      note?.('acknowledgement.not_asked', { bytes: payload.length, waiting: this.#requests.size })
      this.#notReached++
      done({ reached: false, acked })
      return
    }
    const request: Request = {
      number,
      resendAtMs: nowMs + timeoutMs * RESEND_AFTER,
      deadlineMs: nowMs + timeoutMs,
      payload,
      needed: plan.needed,
      silent: new Set(plan.others),
      acked,
      done,
    }
    this.#requests.set(number, request)
    this.#requestBytes = bytes
    this.#schedule(request)
    if (this.#due.size > LITTER_MIN && this.#due.size > 4 * this.#requests.size) this.#reschedule()
    this.#ask(request)
  }

  /** A frame of kind `KIND_ACKNOWLEDGE`. Never throws: it comes from the network. */
  heard(bytes: Uint8Array): void {
    const frame = this.#decode(bytes)
    if (frame?.kind === 'ask') this.#askedBy(frame.sender, frame.request, frame.deltas)
    else if (frame !== undefined) this.#ackedBy(frame.sender, frame.request)
  }

  tick(nowMs: number): void {
    for (let at = this.#due.peekAt(); at !== undefined && at <= nowMs; at = this.#due.peekAt()) {
      const due = this.#due.pop()?.value
      const request = due === undefined ? undefined : this.#requests.get(due.number)
      if (due === undefined || request === undefined) continue
      // Its number may have been of another request before, whose time is not its own.
      if (due.what === 'resend' && at === request.resendAtMs) {
        request.resendAtMs = undefined
        this.#ask(request)
      } else if (due.what === 'give up' && at === request.deadlineMs) this.#settle(request, false)
    }
  }

  /** Gives up all that waits, because this replica stops. */
  close(): void {
    for (const request of [...this.#requests.values()]) this.#settle(request, false)
  }

  #schedule({ number, resendAtMs, deadlineMs }: Request): void {
    if (resendAtMs !== undefined) this.#due.push(resendAtMs, { number, what: 'resend' })
    this.#due.push(deadlineMs, { number, what: 'give up' })
  }

  #reschedule(): void {
    this.#due = new Heap<Due>()
    for (const request of this.#requests.values()) this.#schedule(request)
  }

  #ask({ payload, silent }: Request): void {
    for (const other of silent) this.#deps.broadcaster.sendReliable(other, payload)
  }

  #askedBy(sender: string, request: number, deltas: readonly Delta[]): void {
    const { asksMax = ASKS_MAX, name, broadcaster, receive, holds, durable, note } = this.#deps
    if (this.#asks >= asksMax) {
      note?.('acknowledgement.ask_overloaded', { limit: asksMax })
      return
    }
    for (const delta of deltas) receive(delta)
    if (!deltas.every(holds)) {
      note?.('acknowledgement.ask_refused', { peer: sender })
      return
    }
    this.#asks++
    durable((ok) => {
      this.#asks--
      if (ok) broadcaster.sendReliable(sender, encodeAckFrame({ kind: 'acked', sender: name, request }))
      else note?.('acknowledgement.ask_not_durable', { peer: sender })
    })
  }

  #ackedBy(sender: string, number: number): void {
    const request = this.#requests.get(number)
    if (request === undefined) {
      this.#late++
      return
    }
    // Twice from one, or from one that was not asked: neither counts.
    if (!request.silent.delete(sender)) return
    request.acked.push(sender)
    if (request.acked.length >= request.needed) this.#settle(request, true)
  }

  #settle(request: Request, reached: boolean): void {
    this.#requests.delete(request.number)
    this.#requestBytes -= request.payload.length
    if (reached) this.#reached++
    else this.#notReached++
    request.done({ reached, acked: request.acked })
  }

  #freeNumber(): number {
    for (;;) {
      const number = 1 + Math.floor(this.#deps.random.next() * REQUEST_NUMBERS)
      if (!this.#requests.has(number)) return number
    }
  }

  #decode(bytes: Uint8Array): AckFrame | undefined {
    try {
      return decodeAckFrame(bytes)
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      this.#deps.note?.('acknowledgement.frame_malformed', { code: error.code })
      return undefined
    }
  }
}

function isReachable({ liveness }: Member): boolean {
  return liveness === 'alive' || liveness === 'suspect'
}
