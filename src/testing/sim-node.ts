/**
 * One replica of a simulated cluster: a machine (disk and clocks) on which a process (store, replicator, gossip) is
 * booted, killed, stalled and booted again. Only the disk survives a kill.
 */

import { KIND_CLAIM } from '../alerting/notifier/claim-frames.ts'
import { assert } from '../base/assert.ts'
import type { Broadcaster, GossipDelegate } from '../gossip/core/delegate.ts'
import { observedDelegate } from '../gossip/core/observed-delegate.ts'
import type { ReplicaState } from '../store/core/replica-state.ts'
import { KIND_ACKNOWLEDGE } from '../store/replication/ack-frames.ts'
import { decodeSyncFrame, isSyncFrame } from '../store/replication/frames.ts'
import { Replicator } from '../store/replication/replicator.ts'
import { CostMeter } from './cost-meter.ts'
import type { Ledger, LedgerEntry } from './ledger.ts'
import type { Marks } from './marks.ts'
import { NodeClock } from './node-clock.ts'
import { ProcessGate } from './process-gate.ts'
import { randomStream } from './random-streams.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimCollaborators } from './sim-collaborators.ts'
import { SimDisk } from './sim-disk.ts'
import { nodeName, SimGossip } from './sim-gossip.ts'
import { SimIdentity } from './sim-identity.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimNotifications } from './sim-notifications.ts'
import { SimNotifier } from './sim-notifier.ts'
import type { SimOptions } from './sim-options.ts'
import { SimSettlement } from './sim-settlement.ts'
import { SimStore } from './sim-store.ts'
import type { Trace } from './trace.ts'

/** How often a leaving node looks whether its disk has everything. */
const STOP_POLL_MS = 5
/** How often a process that has booted looks whether it has heard its peers. */
const SETTLE_POLL_MS = 20
/** Until the next slice of a long loop has its turn (store/replication/slices.ts). */
const SLICE_MS_MAX = 3

export interface SimNodeDeps {
  readonly index: number
  readonly options: SimOptions
  readonly clock: SimClock
  readonly network: SimNetwork
  readonly trace: Trace
  readonly ledger: Ledger
  readonly marks: Marks
  readonly collaborators: SimCollaborators
  /** Undefined: nobody notifies. */
  readonly notifications: SimNotifications | undefined
  /** Hears that an operation has been given its effect, and later its end. */
  readonly progressed: (entry: LedgerEntry) => void
}

/** Hears a stable code of what an operator would read in the log. */
type Note = (event: string) => void
type ProcessParts = Pick<SimProcess, 'gate' | 'identity' | 'store' | 'gossip'>

/** What runs on a node between boot and kill. */
export interface SimProcess {
  readonly gate: ProcessGate
  readonly identity: SimIdentity
  readonly store: SimStore
  readonly gossip: SimGossip
  readonly replicator: Replicator
  readonly notifier: SimNotifier | undefined
}

export class SimNode {
  readonly index: number
  readonly disk: SimDisk
  readonly clock: NodeClock
  /** Of all its processes. */
  readonly cost: CostMeter
  readonly #deps: SimNodeDeps
  #process: SimProcess | undefined
  #boots = 0

  constructor(deps: SimNodeDeps) {
    this.#deps = deps
    this.index = deps.index
    const { clock, index, options } = deps
    this.cost = new CostMeter(clock)
    this.disk = new SimDisk(clock, randomStream(options.seed, 'disk', index))
    this.clock = new NodeClock(clock, randomStream(options.seed, 'clock', index), {
      offsetMaxMs: options.clockOffsetMaxMs,
      driftMax: options.clockDriftMax,
    })
  }

  /** Undefined while the node is down. */
  get process(): SimProcess | undefined {
    return this.#process
  }

  get boots(): number {
    return this.#boots
  }

  /** Loads the disk and joins the others; acts at once, as far as a simulated process can. */
  boot(): SimProcess {
    assert(this.#process === undefined, 'a node runs once at a time')
    const { index, options, clock, network, trace, collaborators, marks } = this.#deps
    const boot = this.#boots++
    this.clock.reset()
    trace.event(clock.nowMs, index, 'boot', boot)
    const gate = new ProcessGate()
    const note: Note = (event) => {
      marks.hit(`note:${event}`)
      trace.event(clock.nowMs, index, 'note', event)
    }
    const me = this.#identify(boot, note)
    const store = new SimStore({
      clock,
      disk: this.disk,
      identity: me.identity,
      state: me.state,
      sweepIntervalMs: options.sweepIntervalMs,
      upkeepIntervalMs: options.upkeepIntervalMs,
      dirtyKeysPerBatchMax: options.dirtyKeysPerBatchMax,
      gate,
      collaborators,
      wallMs: () => this.clock.wallMs(),
      monotonicMs: () => this.clock.monotonicMs(),
      note,
      committed: (deltas) => {
        process.replicator.committed(deltas)
        for (const delta of deltas) process.notifier?.changed(delta)
      },
      joined: (news) => process.notifier?.changed(news),
    })
    const gossip = new SimGossip({
      index,
      options,
      clock,
      nodeClock: this.clock,
      network,
      trace,
      random: randomStream(options.seed, 'gossip', index, boot),
      sequenceRandom: randomStream(options.seed, 'sequence', index, boot),
      gate,
      collaborators,
      incarnation: me.identity.incarnation,
      announced: (incarnation) => me.identity.raiseIncarnation(incarnation),
    })
    const parts = { gate, identity: me.identity, store, gossip }
    const process: SimProcess = this.#replicate(parts, boot, note)
    this.#process = process
    gossip.start(this.#delegate(process))
    process.notifier?.start()
    return process
  }

  /** Who this process is, and the state it finds. */
  #identify(boot: number, note: Note): { readonly identity: SimIdentity; readonly state: ReplicaState } {
    const { index, options, collaborators, marks } = this.#deps
    const { maxClockSkewMs, tombstoneGraceMs, seed } = options
    const loaded = collaborators.load(this.disk, { maxClockSkewMs, tombstoneGraceMs })
    if (loaded.damagedRecords > 0) marks.hit('damaged-record', loaded.damagedRecords)
    const identity = new SimIdentity(this.disk, randomStream(seed, 'actor', index, boot), loaded)
    if (identity.doubt !== undefined) note('store_new_actor')
    const stampBoundMs = collaborators.stampBoundMs(identity)
    if (stampBoundMs > 0) loaded.state.tick(stampBoundMs + 1)
    return { identity, state: loaded.state }
  }

  /** `parts` with what makes them speak to others. */
  #replicate(parts: ProcessParts, boot: number, note: Note): SimProcess {
    const { index, options, clock, collaborators, marks } = this.#deps
    const { gate, store, gossip } = parts
    const slices = randomStream(options.seed, 'slices', index, boot)
    const replicator = new Replicator({
      name: nodeName(index),
      store: this.cost.metered(collaborators.store(store, store.state)),
      broadcaster: markSessions(gossip, marks),
      random: randomStream(options.seed, 'sync', index, boot),
      // Time passes between two slices, in which others act.
      schedule: (task) => clock.after(slices.next() * SLICE_MS_MAX, () => gate.run(task)),
      wallMs: () => this.clock.wallMs(),
      requestExchange: (peer) => clock.after(0, () => gate.run(() => gossip.exchange(peer))),
      frames: new Map([
        [KIND_ACKNOWLEDGE, (frame: Uint8Array) => notifier?.heardAck(frame)],
        [KIND_CLAIM, (frame: Uint8Array) => notifier?.heardClaim(frame)],
      ]),
      note,
    })
    const settlement = new SimSettlement({
      others: options.nodes - 1,
      members: () => gossip.members(),
      syncedWith: (name) => replicator.syncedWith(name),
      monotonicMs: () => this.clock.monotonicMs(),
      exchange: (name, ended) => gossip.exchange(name, ended),
    })
    const notifier = this.#notify(parts, replicator, settlement, boot, note)
    const tick = (): void => {
      replicator.tick(this.clock.monotonicMs())
      clock.after(options.upkeepIntervalMs, () => gate.run(tick))
    }
    tick()
    if (notifier !== undefined) this.#settle(settlement, gate, notifier)
    return { ...parts, replicator, notifier }
  }

  #settle(settlement: SimSettlement, gate: ProcessGate, notifier: SimNotifier): void {
    settlement.tick()
    if (settlement.settled) notifier.membersChanged()
    else
      this.#deps.clock.after(SETTLE_POLL_MS, () => gate.run(() => this.#settle(settlement, gate, notifier)))
  }

  #notify(
    { gate, store, gossip }: ProcessParts,
    replicator: Replicator,
    settlement: SimSettlement,
    boot: number,
    note: Note,
  ): SimNotifier | undefined {
    const { index, options, clock, trace, collaborators, ledger, notifications } = this.#deps
    if (notifications === undefined) return undefined
    return new SimNotifier({
      index,
      options,
      clock,
      nodeClock: this.clock,
      gate,
      trace,
      random: randomStream(options.seed, 'notifier', index, boot),
      store,
      gossip,
      collaborators,
      world: notifications,
      settled: () => settlement.settled,
      receive: (delta) => replicator.receive(delta),
      write: (op, done) => this.submit(ledger.invoke(index, op, clock.nowMs), done),
      note,
    })
  }

  #delegate({ replicator, notifier }: SimProcess): GossipDelegate {
    const delegate = this.#deps.collaborators.delegate(replicator)
    if (notifier === undefined) return delegate
    return observedDelegate(delegate, () => notifier.membersChanged())
  }

  /** Adds what the running process has counted to the marks; once a process. */
  countMarks(): void {
    const { marks } = this.#deps
    if (this.#process === undefined) return
    const { store, replicator, notifier } = this.#process
    marks.addAll(replicator.syncStats(), 'sync:')
    const { collected, earlyCollected, parkedRefused, refusedDeltas, dotCollisions } = store.state.counts(
      this.clock.wallMs(),
    )
    marks.addAll(notifier?.stats ?? {}, 'claims:')
    marks.addAll({ collected, earlyCollected, parkedRefused, refusedDeltas, dotCollisions })
  }

  /** The process dies without a word; the disk keeps what was durable. */
  kill(): void {
    const process = this.#process
    assert(process !== undefined, 'only a running node is killed')
    const { index, clock, network, trace, ledger } = this.#deps
    this.countMarks()
    trace.event(clock.nowMs, index, 'kill', this.#boots)
    process.gate.kill()
    network.attach(index, undefined)
    this.disk.crash()
    this.#process = undefined
    ledger.crashed(index, clock.nowMs)
  }

  /**
   * Says goodbye, writes what waits, and ends in order. `stopped` hears it, unless the process is killed before.
   * Clients are served until the end, as by `hearsay cluster leave` followed by a stop.
   */
  leave(stopped: () => void): void {
    const process = this.#process
    assert(process !== undefined, 'only a running node leaves')
    const { index, clock, trace } = this.#deps
    trace.event(clock.nowMs, index, 'leave', this.#boots)
    const stopWhenIdle = (): void => {
      if (!process.store.idle) clock.after(STOP_POLL_MS, () => process.gate.run(stopWhenIdle))
      else {
        process.identity.closed(process.store.state.clock.ms)
        this.kill()
        stopped()
      }
    }
    process.gate.run(() => process.gossip.leave(stopWhenIdle))
  }

  /** Hands an operation of a client to the process, which must be running. */
  submit(entry: LedgerEntry, ended: (durable: boolean) => void = () => {}): void {
    const { ledger, clock, trace, progressed, index } = this.#deps
    const process = this.#process
    assert(process !== undefined, 'a client reaches only a running node')
    process.gate.run(() =>
      process.store.submit(entry.op, {
        effect: (effect) => {
          entry.effect = effect
          progressed(entry)
        },
        done: (outcome) => {
          ledger.end(entry, outcome, clock.nowMs)
          trace.event(clock.nowMs, index, outcome, entry.id)
          progressed(entry)
          ended(outcome === 'acked')
        },
      }),
    )
  }
}

/** `gossip`, with the steps of anti-entropy counted by kind. */
function markSessions(gossip: SimGossip, marks: Marks): Broadcaster {
  return {
    broadcast: (broadcast) => gossip.broadcast(broadcast),
    sendReliable: (memberName, payload) => {
      if (isSyncFrame(payload)) marks.hit(`session:${decodeSyncFrame(payload).body.kind}`)
      gossip.sendReliable(memberName, payload)
    },
    members: () => gossip.members(),
  }
}
