/**
 * The driver of one simulated notifier: the production machine, with members and frames of simulated gossip, the
 * notification log in the simulated store, the write concern of production, and a receiver that takes its time.
 *
 * A node has one flush of a group at a time, as a caller that awaits `once()` has; when it ends, the newest that is due
 * by then comes next, and what was due between is never undertaken. Changes of the log are told in a later turn.
 */

import { NOTIFICATION_TABLE } from '../alerting/core/admission.ts'
import type { Flush, FlushResult, SendOrder, SendOutcome } from '../alerting/core/flush.ts'
import { nanosFromMs } from '../alerting/core/nanos.ts'
import type { Notification } from '../alerting/core/notification.ts'
import { admitNotification } from '../alerting/core/notification-admission.ts'
import { notificationFromRecord } from '../alerting/core/notification-codec.ts'
import { planNotification, sentFlush } from '../alerting/core/notification-rules.ts'
import { notificationKey } from '../alerting/core/receiver.ts'
import type { Notifier } from '../alerting/notifier/notifier.ts'
import type { NotifierHost, NotifierPeer } from '../alerting/notifier/notifier-host.ts'
import { assert } from '../base/assert.ts'
import type { Random } from '../base/random.ts'
import type { Broadcaster, Member } from '../gossip/core/delegate.ts'
import type { Delta, RecordPut } from '../store/core/delta.ts'
import { compareRecords } from '../store/core/record-tables.ts'
import { WriteConcern } from '../store/replication/write-concern.ts'
import type { FlushAttempt, FlushRecord } from './flush-ledger.ts'
import { groupKeyOf, SIM_RECEIVER } from './flush-plan.ts'
import type { ClientOp } from './ledger.ts'
import type { NodeClock } from './node-clock.ts'
import type { ProcessGate } from './process-gate.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimCollaborators } from './sim-collaborators.ts'
import { nodeName } from './sim-gossip.ts'
import type { SimNotifications } from './sim-notifications.ts'
import type { SimOptions } from './sim-options.ts'
import type { SimStore } from './sim-store.ts'
import type { Trace } from './trace.ts'
import { WakeUp } from './wake-up.ts'

/** How long the log entry may take to reach the others before the claim is released all the same. */
const LOG_ACK_TIMEOUT_MS = 1000
/** Beyond the end of every run: the oracles of writes take records for lasting. */
const KEPT_NS = nanosFromMs(120 * 3_600_000)

export interface SimNotifierDeps {
  readonly index: number
  readonly options: SimOptions
  readonly clock: SimClock
  readonly nodeClock: NodeClock
  readonly gate: ProcessGate
  readonly trace: Trace
  readonly random: Random
  readonly store: SimStore
  readonly gossip: Pick<Broadcaster, 'members' | 'sendReliable'>
  readonly collaborators: SimCollaborators
  readonly world: SimNotifications
  readonly settled: () => boolean
  /** Joins what a peer sent, as if it had come by gossip. */
  readonly receive: (delta: Delta) => void
  /** Writes as a client does, so that the ledger knows of it; may answer in the same turn. */
  readonly write: (op: ClientOp, done: (durable: boolean) => void) => void
  readonly note: (event: string) => void
}

export class SimNotifier implements NotifierHost {
  readonly #deps: SimNotifierDeps
  readonly #notifier: Notifier
  readonly #concern: WriteConcern
  readonly #attempts = new Map<number, FlushAttempt>()
  readonly #aborts = new Map<number, () => void>()
  /** By group, the last flush undertaken. */
  readonly #last = new Map<number, FlushAttempt>()
  /** Whose number is not known yet: the machine may speak of it before `start` returns. */
  #starting: FlushAttempt | undefined
  readonly #wakeUp: WakeUp

  constructor(deps: SimNotifierDeps) {
    this.#deps = deps
    this.#wakeUp = new WakeUp(deps, (nowMs) => {
      this.#concern.tick(nowMs)
      this.#call((laterMs) => this.#notifier.tick(laterMs))
    })
    const { index, collaborators, gossip, random, note, receive, store } = deps
    this.#concern = new WriteConcern({
      name: nodeName(index),
      broadcaster: gossip,
      random,
      receive,
      holds: ({ records }) => records.every((put) => this.#holds(put)),
      durable: (done) => store.durable(done),
      note,
    })
    this.#notifier = collaborators.notifier(this, {
      name: nodeName(index),
      peerTimeoutMs: 15_000,
      bootId: Math.floor(random.next() * 2 ** 53),
    })
  }

  get stats(): Readonly<Record<string, number>> {
    return this.#notifier.stats
  }

  start(): void {
    this.#call((nowMs) => this.#notifier.advertise(SIM_RECEIVER, nowMs))
  }

  /** A flush of this group may be due. */
  due(group: number): void {
    const record = this.#deps.world.due(this.#deps.index, group)
    const last = this.#last.get(group)
    if (record === undefined || (last !== undefined && last.endedAtMs === undefined)) return
    if (last === undefined || last.record.plan.number < record.plan.number) this.#begin(record)
  }

  heardClaim(frame: Uint8Array): void {
    this.#call((nowMs) => this.#deps.collaborators.heardClaim(this.#notifier, frame, nowMs))
  }

  heardAck(frame: Uint8Array): void {
    this.#concern.heard(frame)
  }

  membersChanged(): void {
    this.#later(() => this.#call((nowMs) => this.#notifier.membersChanged(nowMs)))
  }

  /** Something is in the state that was not. */
  changed({ records }: Delta): void {
    for (const { table, key } of records)
      if (table === NOTIFICATION_TABLE)
        this.#later(() => this.#call((nowMs) => this.#notifier.changed(key, nowMs)))
  }

  peers(): readonly NotifierPeer[] {
    return this.#deps.gossip.members().map(peerOf)
  }

  send(peer: string, frame: Uint8Array): void {
    this.#deps.gossip.sendReliable(peer, frame)
  }

  wallMs(): number {
    return this.#deps.nodeClock.wallMs()
  }

  settled(): boolean {
    return this.#deps.settled()
  }

  entry(key: string): Notification | undefined {
    const record = this.#deps.store.state.heldRecord(NOTIFICATION_TABLE, key)
    return record === undefined ? undefined : notificationFromRecord(record)
  }

  record(key: string): Uint8Array | undefined {
    return this.#deps.store.state.heldRecord(NOTIFICATION_TABLE, key)?.bytes
  }

  join(record: Uint8Array): void {
    const admission = admitNotification(record)
    if (admission.verdict === 'accepted') this.#deps.receive(deltaOf(admission.put))
  }

  order(flushId: number, order: SendOrder): void {
    const { world, gate, clock } = this.#deps
    const attempt = this.#attempt(flushId)
    this.#trace('order', attempt)
    const send = world.ledger.order(attempt, order, clock.nowMs)
    const abort = world.receiver.send(gate, {
      left: () => world.ledger.left(send, clock.nowMs),
      arrived: (ok) => {
        this.#trace(ok ? 'delivered' : 'refused', attempt)
        if (ok) world.ledger.delivered(send, clock.nowMs)
      },
      answered: (outcome) => {
        this.#aborts.delete(flushId)
        world.ledger.answered(send, outcome.ok, clock.nowMs)
        this.#call((nowMs) => this.#notifier.sent(flushId, outcome, nowMs))
      },
    })
    this.#aborts.set(flushId, abort)
  }

  abort(flushId: number): void {
    this.#trace('abort', this.#attempt(flushId))
    this.#aborts.get(flushId)?.()
  }

  log(flushId: number, flush: Flush, outcome: SendOutcome & { readonly ok: true }): void {
    const put = this.#logRecord(flush, outcome)
    this.#deps.write({ kind: 'record', ...put }, (durable) => {
      if (durable) this.#confirm(flushId, put)
      else this.#logged(flushId, false)
    })
  }

  finished(flushId: number, result: FlushResult): void {
    const { world, clock } = this.#deps
    const attempt = this.#attempt(flushId)
    this.#attempts.delete(flushId)
    this.#trace(`finished-${result.outcome}`, attempt)
    world.ledger.finish(attempt, result, clock.nowMs)
    this.#later(() => this.due(attempt.record.plan.group))
  }

  claimed(): void {
    assert(false, 'nobody claims by himself here')
  }

  claimLost(): void {
    assert(false, 'nobody claims by himself here')
  }

  note(event: string): void {
    this.#deps.note(event)
  }

  #begin(record: FlushRecord): void {
    const { world, index, gate, clock, nodeClock, options } = this.#deps
    const { firing, resolved, group } = record.plan
    const attempt = world.ledger.start(record, index, gate, clock.nowMs)
    this.#last.set(group, attempt)
    this.#trace('flush', attempt)
    const flush: Flush = {
      groupKey: groupKeyOf(group),
      receiver: SIM_RECEIVER,
      firing,
      resolved,
      repeatIntervalMs: options.notifications.repeatMs,
      sendResolved: true,
      flushedAtNs: nanosFromMs(nodeClock.wallMs()),
      timeoutMs: options.notifications.timeoutMs,
    }
    this.#starting = attempt
    this.#call((nowMs) => this.#attempts.set(this.#notifier.start(flush, nowMs), attempt))
    this.#starting = undefined
  }

  #logRecord(flush: Flush, outcome: SendOutcome & { readonly ok: true }): RecordPut {
    const key = notificationKey(flush.groupKey, flush.receiver)
    const existing = this.entry(key)
    const nowNs = nanosFromMs(this.#deps.nodeClock.wallMs())
    const request = { ...sentFlush(flush, outcome), expiryMs: 0 }
    const plan = planNotification(request, { existing, nowNs, retentionNs: KEPT_NS })
    assert(plan !== undefined, 'no clock of a run is that far ahead')
    return { table: NOTIFICATION_TABLE, key, record: plan.record }
  }

  /** Durable here; now with as many of the others as live. */
  #confirm(flushId: number, put: RecordPut): void {
    const { gossip, nodeClock } = this.#deps
    const others = gossip.members().filter((member) => !member.isSelf && member.liveness === 'alive')
    const plan = { needed: 1 + others.length, others: others.map(({ name }) => name) }
    const nowMs = nodeClock.monotonicMs()
    this.#concern.confirm(plan, [deltaOf(put)], nowMs, LOG_ACK_TIMEOUT_MS, () => this.#logged(flushId, true))
    this.#arm()
  }

  #logged(flushId: number, ok: boolean): void {
    this.#later(() => {
      const attempt = this.#attempts.get(flushId)
      if (attempt !== undefined) this.#deps.world.ledger.logged(attempt, ok, this.#deps.clock.nowMs)
      this.#call((nowMs) => this.#notifier.logged(flushId, ok, nowMs))
    })
  }

  #holds({ table, key, record }: RecordPut): boolean {
    const held = this.#deps.store.state.heldRecord(table, key)
    return held !== undefined && compareRecords(held, record) >= 0
  }

  #attempt(flushId: number): FlushAttempt {
    const attempt = this.#attempts.get(flushId) ?? this.#starting
    assert(attempt !== undefined, 'the notifier speaks of flushes that it was given')
    return attempt
  }

  #later(action: () => void): void {
    this.#deps.clock.after(0, () => this.#deps.gate.run(action))
  }

  #call(action: (nowMs: number) => void): void {
    action(this.#deps.nodeClock.monotonicMs())
    this.#arm()
  }

  #arm(): void {
    const dueMs = Math.min(this.#notifier.dueMs ?? Infinity, this.#concern.dueMs ?? Infinity)
    this.#wakeUp.set(dueMs === Infinity ? undefined : dueMs)
  }

  #trace(kind: string, { record }: FlushAttempt): void {
    const { trace, clock, index } = this.#deps
    trace.event(clock.nowMs, index, kind, `${record.plan.group}.${record.plan.number}`)
  }
}

function peerOf({ name, isSelf, peerClass, liveness }: Member): NotifierPeer {
  return { name, isSelf, isNative: peerClass === 'native', liveness }
}

function deltaOf(put: RecordPut): Delta {
  return { puts: [], adds: [], covered: [], records: [put] }
}
