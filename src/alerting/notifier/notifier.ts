/**
 * The notifier of one replica: who of several sends a notification (docs/adr/0007).
 *
 * Three tables make it up: the members and what they notify for (roster.ts), the claims (own-claims.ts, peer-claims.ts,
 * claim-answers.ts), and the contenders that want one, a queue for each work (contender.ts, queues.ts). Here is only what
 * leads to them. Between replicas nothing but the frames of claim-frames.ts; in time nothing but `tick`.
 *
 * All times are monotonic ms unless their name says otherwise. Every method may call the host in the same turn.
 */
import { unreachable } from '../../base/assert.ts'
import { HearsayError } from '../../base/errors.ts'
import type { Flush, SendOutcome } from '../core/flush.ts'
import { notificationKey, type Receiver, receiverKey } from '../core/receiver.ts'
import { Alarms } from './alarms.ts'
import { ClaimAnswers } from './claim-answers.ts'
import type { ClaimEvents } from './claim-events.ts'
import { type ClaimFrame, decodeClaimFrame, isWorkNameable, WORK_BYTES_MAX } from './claim-frames.ts'
import { ClaimRun } from './claim-run.ts'
import type { Contender, ContenderNeeds, ContenderParts } from './contender.ts'
import { FlushRun } from './flush-run.ts'
import { Notes } from './notes.ts'
import type { NotifierHost } from './notifier-host.ts'
import { OwnClaims } from './own-claims.ts'
import { PeerClaims } from './peer-claims.ts'
import { Queues } from './queues.ts'
import { Roster } from './roster.ts'
import { Settling } from './settling.ts'

/** Flushes and claims of one replica that are not over. */
export const CONTENDERS_MAX = 10_000

export interface NotifierOptions {
  /** Our member name. */
  readonly name: string
  /** What each member that sorts before us costs in waiting while a foreign Alertmanager lives. */
  readonly peerTimeoutMs: number
  /**
   * Of this process: random, in [0, 2^53). Tells others that the claims of an earlier process of our name are gone, and
   * its announcements.
   */
  readonly bootId: number
}

/** A claim by itself, for senders outside this process. */
export interface ClaimRequest {
  readonly groupKey: string
  readonly receiver: Receiver
  /** Longest wait for the turn and the grants. */
  readonly waitMs: number
  /** From when it is held, unless renewed. */
  readonly leaseMs: number
}

export class Notifier {
  readonly host: NotifierHost
  readonly options: NotifierOptions
  readonly #alarms = new Alarms()
  readonly #notes: Notes
  readonly #roster: Roster
  readonly #settling: Settling
  readonly #ownClaims: OwnClaims
  readonly #peerClaims: PeerClaims
  readonly #answers: ClaimAnswers
  readonly #queues = new Queues()
  readonly #flushes = new Map<number, FlushRun>()
  readonly #claims = new Map<number, ClaimRun>()
  #lastId = 0
  #hasSeenMembers = false

  constructor(host: NotifierHost, options: NotifierOptions) {
    this.host = host
    this.options = options
    const alarms = this.#alarms
    const notes = new Notes(host)
    const events = this.#events()
    const roster = new Roster(host, options.name, options.bootId, alarms, notes)
    const peerClaims = new PeerClaims(alarms, ({ work, holder }, nowMs) => {
      notes.note('leases_expired', { work, peer: holder })
      events.freed(work, { holder, outcome: 'expired' }, nowMs)
    })
    const ownClaims = new OwnClaims({ host, roster, alarms, notes, peerClaims, events })
    this.#notes = notes
    this.#roster = roster
    this.#settling = new Settling(() => host.settled(), alarms)
    this.#peerClaims = peerClaims
    this.#ownClaims = ownClaims
    this.#answers = new ClaimAnswers({ host, roster, notes, ownClaims, peerClaims, events })
  }

  /** When `tick` has something to do; undefined for never. */
  get dueMs(): number | undefined {
    return this.#alarms.nextMs
  }

  /** `receiverKey` of each receiver that this replica notifies for. */
  get advertised(): readonly string[] {
    return this.#roster.own
  }

  /** Counters by name (notes.ts), and gauges: `contenders`, `claims_own`, `claims_own_held`, `claims_peers`, `alarms`. */
  get stats(): Readonly<Record<string, number>> {
    return {
      ...this.#notes.toRecord(),
      contenders: this.#queues.size,
      claims_own: this.#ownClaims.size,
      claims_own_held: this.#ownClaims.heldCount,
      claims_peers: this.#peerClaims.size,
      alarms: this.#alarms.size,
    }
  }

  /** This replica notifies for a receiver from now on; told to all members. Also done by `start` and `claim`. */
  advertise(receiver: Receiver, nowMs: number): void {
    this.#seeMembers(nowMs)
    this.#roster.advertise(receiverKey(receiver), nowMs)
  }

  /**
   * @returns the flush, which ends with `host.finished` (never in the same turn)
   * @throws HearsayError `NOTIFIER_OVERLOADED` while `CONTENDERS_MAX` are not over, `NOTIFIER_WORK_TOO_LONG` when group key
   *   and receiver are longer than frames carry
   */
  start(flush: Flush, nowMs: number): number {
    const needs = this.#needs(flush.groupKey, flush.receiver, flush.timeoutMs, nowMs)
    this.advertise(flush.receiver, nowMs)
    const run = new FlushRun(this.#parts(), needs, flush)
    this.#flushes.set(run.id, run)
    this.#queues.add(run, nowMs)
    return run.id
  }

  /** @returns how long until it is tried again here, at the earliest; undefined when it will not be */
  sent(flushId: number, outcome: SendOutcome, nowMs: number): number | undefined {
    return this.#flushes.get(flushId)?.sent(outcome, nowMs)
  }

  /** @param ok whether the entry is on disk here */
  logged(flushId: number, ok: boolean, nowMs: number): void {
    this.#flushes.get(flushId)?.logged(ok, nowMs)
  }

  /** Its caller has lost interest: finished as `closed`, unless it has been sent and is being logged. */
  cancel(flushId: number, nowMs: number): void {
    this.#flushes.get(flushId)?.cancel(nowMs)
  }

  /**
   * @returns the claim, which is answered by `host.claimed` (never in the same turn)
   * @throws HearsayError as `start` does
   */
  claim({ groupKey, receiver, waitMs, leaseMs }: ClaimRequest, nowMs: number): number {
    const needs = this.#needs(groupKey, receiver, waitMs, nowMs)
    this.advertise(receiver, nowMs)
    const run = new ClaimRun(this.#parts(), needs, leaseMs)
    this.#claims.set(run.id, run)
    this.#queues.add(run, nowMs)
    return run.id
  }

  /** @returns whether it is held, and so prolonged to `leaseMs` from now */
  renew(claimId: number, leaseMs: number, nowMs: number): boolean {
    return this.#claims.get(claimId)?.renew(leaseMs, nowMs) ?? false
  }

  /** @param failed whether the next in order shall try */
  release(claimId: number, failed: boolean, nowMs: number): void {
    this.#claims.get(claimId)?.release(failed, nowMs)
  }

  /** A frame of kind `KIND_CLAIM` from whoever could reach our port. Never throws. */
  heard(bytes: Uint8Array, nowMs: number): void {
    const frame = decodeClaimFrame(bytes)
    if (frame === undefined) {
      this.#notes.note('frames_malformed', { bytes: bytes.length })
      return
    }
    // The news that a member has joined may come after its first frame.
    if (this.#roster.isNewcomer(frame.sender)) this.membersChanged(nowMs)
    const met = this.#roster.meet(frame, nowMs)
    if (met === undefined) {
      this.#notes.note('frames_from_strangers', { bytes: bytes.length })
      return
    }
    if (met === 'restarted') this.#answers.gone(frame.sender, frame.boot, nowMs)
    this.#take(frame, nowMs)
  }

  /** A log entry has changed here. */
  changed(key: string, nowMs: number): void {
    this.#queues.head(key)?.step(nowMs)
  }

  /** A member has come, gone, or changed its liveness; or this replica has settled. */
  membersChanged(nowMs: number): void {
    this.#hasSeenMembers = true
    const { gone, come } = this.#roster.refresh(nowMs)
    for (const name of gone) this.#answers.gone(name, undefined, nowMs)
    this.#ownClaims.membersChanged(gone, come, nowMs)
    this.#settling.ring(nowMs)
    for (const head of [...this.#queues.heads()]) head.step(nowMs)
  }

  tick(nowMs: number): void {
    this.#alarms.ring(nowMs)
  }

  /** Ends all flushes as `closed` and releases what is held. */
  close(nowMs: number): void {
    for (const run of [...this.#flushes.values()]) run.close(nowMs)
    for (const run of [...this.#claims.values()]) run.close(nowMs)
    this.#roster.retire(nowMs)
  }

  #take(frame: ClaimFrame, nowMs: number): void {
    switch (frame.kind) {
      case 'announce':
        this.#roster.heardAnnouncement(frame)
        break
      case 'ask':
        this.#answers.heardAsk(frame, nowMs)
        break
      case 'grant':
        this.#ownClaims.heardGrant(frame, nowMs)
        break
      case 'deny':
        this.#ownClaims.heardDenial(frame, nowMs)
        break
      case 'release':
        this.#answers.heardRelease(frame, nowMs)
        break
      default:
        unreachable(frame)
    }
  }

  #seeMembers(nowMs: number): void {
    if (!this.#hasSeenMembers) this.membersChanged(nowMs)
  }

  #events(): ClaimEvents {
    return {
      held: (work, nowMs) => this.#queues.head(work)?.step(nowMs),
      lost: (work, newer, nowMs) => this.#queues.head(work)?.lost(newer, nowMs),
      freed: (work, freed, nowMs) => this.#queues.head(work)?.freed(freed, nowMs),
    }
  }

  #parts(): ContenderParts {
    return {
      host: this.host,
      alarms: this.#alarms,
      notes: this.#notes,
      roster: this.#roster,
      settling: this.#settling,
      ownClaims: this.#ownClaims,
      peerClaims: this.#peerClaims,
      peerTimeoutMs: this.options.peerTimeoutMs,
      over: (contender, nowMs) => this.#over(contender, nowMs),
    }
  }

  #needs(groupKey: string, receiver: Receiver, timeoutMs: number, nowMs: number): ContenderNeeds {
    if (this.#queues.size >= CONTENDERS_MAX) {
      throw new HearsayError('NOTIFIER_OVERLOADED', `${CONTENDERS_MAX} flushes and claims are not over yet`)
    }
    const work = notificationKey(groupKey, receiver)
    if (!isWorkNameable(work)) {
      const message = `group key and receiver take more than ${WORK_BYTES_MAX} bytes`
      throw new HearsayError('NOTIFIER_WORK_TOO_LONG', message)
    }
    return { id: ++this.#lastId, work, receiver: receiverKey(receiver), startedAtMs: nowMs, timeoutMs }
  }

  #over(contender: Contender, nowMs: number): void {
    this.#flushes.delete(contender.id)
    this.#claims.delete(contender.id)
    this.#queues.remove(contender, nowMs)
  }
}
