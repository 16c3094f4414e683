/**
 * A whole cluster in one process: N nodes of production cores on virtual time, a network and disks to torment, and a
 * ledger of what clients were told.
 *
 * Use it directly to play a story (`boot`, `submit`, `partition`, `runUntil`, ...), or through `simulate` (simulation.ts),
 * which plays what a seed says. `check` asks every oracle that must hold at any time; it throws nothing and returns
 * sentences.
 */
import { assert } from '../base/assert.ts'
import type { FullState } from '../store/core/delta.ts'
import { algebra } from './algebra-oracle.ts'
import { canonicalState } from './canonical-state.ts'
import { crc32 } from './crc32.ts'
import { rootsLie } from './digest-oracle.ts'
import { type Disturbance, type DisturbanceKind, Disturbances } from './disturbances.ts'
import { GhostOracle } from './ghost-oracle.ts'
import { type ClientOp, Ledger, type LedgerEntry } from './ledger.ts'
import { Marks } from './marks.ts'
import { ProcessWatches } from './process-watches.ts'
import { SimClock } from './sim-clock.ts'
import { type SimCollaborators, soundCollaborators } from './sim-collaborators.ts'
import { type DiskFaults, type SimDisk, soundDisk } from './sim-disk.ts'
import { nodeName } from './sim-gossip.ts'
import { actorOn } from './sim-identity.ts'
import { type LinkFaults, quietLink, SimNetwork } from './sim-network.ts'
import { SimNode, type SimProcess } from './sim-node.ts'
import { SimNotifications } from './sim-notifications.ts'
import type { SimOptions } from './sim-options.ts'
import { StampOracle } from './stamp-oracle.ts'
import { Trace } from './trace.ts'
import { type StateView, viewOf, WriteModel } from './write-model.ts'
import { excuseHarmed, type Lifetimes, lostWrites } from './write-oracles.ts'

/** A busy node has about 0.1 events a ms, and thousands at once after a long stall. */
const STEPS_PER_NODE_MS_MAX = 10
const STEPS_FLOOR = 20_000
const HOUR_MS = 3_600_000

export interface SimClusterDeps {
  readonly options: SimOptions
  readonly trace?: Trace
  readonly collaborators?: SimCollaborators
}

export class SimCluster {
  readonly options: SimOptions
  readonly clock: SimClock = new SimClock()
  readonly trace: Trace
  readonly network: SimNetwork
  readonly ledger: Ledger = new Ledger()
  readonly marks: Marks = new Marks()
  readonly nodes: readonly SimNode[]
  /** Undefined while the options name no groups of alerts. */
  readonly notifications: SimNotifications | undefined
  readonly #model = new WriteModel()
  readonly #stamps = new StampOracle()
  readonly #ghosts: GhostOracle
  /** When the disk of a node was last harmed. */
  readonly #harmedAtMs = new Map<number, number>()
  #latestWallMs = 0
  readonly #watches: ProcessWatches
  readonly #disturbances = new Disturbances()
  readonly #stalls = new Map<number, Disturbance>()
  /** Found between two checks, for the next one to report. */
  readonly #found: string[] = []

  constructor(deps: SimClusterDeps) {
    const { options } = deps
    this.options = options
    this.#ghosts = new GhostOracle(this.#model, options.nodes)
    this.#watches = new ProcessWatches({
      options,
      model: this.#model,
      ghosts: this.#ghosts,
      marks: this.marks,
    })
    if (options.notifications.groups > 0)
      this.notifications = new SimNotifications(this.clock, options, this.#disturbances, this.marks)
    this.trace = deps.trace ?? new Trace()
    this.network = new SimNetwork({
      clock: this.clock,
      trace: this.trace,
      seed: options.seed,
      checksum: crc32,
    })
    this.nodes = Array.from(
      { length: options.nodes },
      (_, index) =>
        new SimNode({
          index,
          options,
          clock: this.clock,
          network: this.network,
          trace: this.trace,
          ledger: this.ledger,
          marks: this.marks,
          notifications: this.notifications,
          collaborators: deps.collaborators ?? soundCollaborators(),
          progressed: (entry) => this.#progressed(entry),
        }),
    )
  }

  node(index: number): SimNode {
    const node = this.nodes[index]
    assert(node !== undefined, 'the cluster has this node')
    return node
  }

  setFaults(link: LinkFaults, disk: DiskFaults): void {
    for (const from of this.nodes) {
      from.disk.setFaults(disk)
      for (const to of this.nodes) if (from !== to) this.network.setFaults(from.index, to.index, link)
    }
  }

  clearFaults(): void {
    this.setFaults(quietLink(), soundDisk())
  }

  /** Boots a node and holds its loaded state to everything it ever acknowledged: durability without any peer's help. */
  boot(index: number): void {
    const limits = this.#lifetimes()
    const process = this.node(index).boot()
    const harmedAtMs = this.#harmedAtMs.get(index) ?? Number.NEGATIVE_INFINITY
    const own = this.ledger.entries.filter(
      (entry) => entry.node === index && entry.outcome === 'acked' && (entry.endedAtMs ?? 0) > harmedAtMs,
    )
    const view = viewOf(process.store.fullState())
    for (const wrong of lostWrites(view, this.#model, own, limits))
      this.#found.push(`n${index} after its restart: ${wrong}`)
  }

  kill(index: number): void {
    const { process } = this.node(index)
    if (process !== undefined) this.#watches.ended(process)
    this.node(index).kill()
    this.#disturb('kill', index)
    this.notifications?.ledger.crashed(index)
    this.#ghosts.letGo(index, this.#diskView(index))
  }

  /** The node says goodbye and ends in order. `stopped` hears it, unless the node is killed before. */
  leave(index: number, stopped: () => void): void {
    const { process } = this.node(index)
    const leave = this.#disturbances.begin('leave', this.clock.nowMs, index)
    this.node(index).leave(() => {
      leave.untilMs = this.clock.nowMs
      this.notifications?.ledger.crashed(index)
      if (process !== undefined) this.#watches.ended(process)
      this.#ghosts.letGo(index, this.#diskView(index))
      stopped()
    })
  }

  /**
   * Does something to the disk of a node that is down, and excuses what no other disk holds.
   * @param doubles the disk now names an actor that has written elsewhere since, or still does
   */
  harm(index: number, harm: (disk: SimDisk) => void, doubles = false): void {
    const { disk, process } = this.node(index)
    assert(process === undefined, 'the disk of a running node is left alone')
    harm(disk)
    this.#disturb('harm', index)
    this.trace.event(this.clock.nowMs, index, 'harm', disk.batchCount)
    this.#harmedAtMs.set(index, this.clock.nowMs)
    this.#ghosts.harmed(index)
    const actor = actorOn(disk)
    if (actor !== undefined) {
      if (doubles) this.#model.doubled(actor)
      this.#stamps.forget(actor, doubles)
    }
    this.#ghosts.letGo(index, this.#diskView(index))
    const views = this.nodes.map((node) => this.#diskView(node.index))
    excuseHarmed(this.ledger.entries, views, this.#model, this.#lifetimes())
  }

  #diskView(index: number): StateView {
    const { state } = soundCollaborators().load(this.node(index).disk, {})
    return viewOf(state.fullState())
  }

  #lifetimes(): Lifetimes {
    for (const { clock } of this.nodes) this.#latestWallMs = Math.max(this.#latestWallMs, clock.wallMs())
    return { latestWallMs: this.#latestWallMs, graceMs: this.options.tombstoneGraceMs }
  }

  /** The wall clock of a node is off by this much more, until its next boot. */
  jumpClock(index: number, byMs: number): void {
    this.trace.event(this.clock.nowMs, index, 'jump', byMs)
    this.#lifetimes()
    this.#disturb('clock', index)
    this.node(index).clock.jump(byMs)
  }

  stall(index: number): void {
    this.trace.event(this.clock.nowMs, index, 'stall', 0)
    if (!this.#stalls.has(index))
      this.#stalls.set(index, this.#disturbances.begin('stall', this.clock.nowMs, index))
    this.node(index).process?.gate.stall()
  }

  resume(index: number): void {
    this.trace.event(this.clock.nowMs, index, 'resume', 0)
    const stall = this.#stalls.get(index)
    if (stall !== undefined) stall.untilMs = this.clock.nowMs
    this.#stalls.delete(index)
    this.node(index).process?.gate.resume()
  }

  /** Cuts `side` off from the rest, both ways. @returns how to heal it */
  partition(side: readonly number[]): () => void {
    const heals: (() => void)[] = []
    const disturbance = this.#disturbances.begin('cut', this.clock.nowMs)
    for (const inside of side) {
      for (const { index: outside } of this.nodes) {
        if (side.includes(outside)) continue
        heals.push(this.#cut(inside, outside), this.#cut(outside, inside))
      }
    }
    return () => {
      for (const heal of heals) heal()
      disturbance.untilMs = this.clock.nowMs
    }
  }

  /** Cuts one direction. @returns how to heal it */
  cut(from: number, to: number): () => void {
    const disturbance = this.#disturbances.begin('cut', this.clock.nowMs)
    const heal = this.#cut(from, to)
    return () => {
      heal()
      disturbance.untilMs = this.clock.nowMs
    }
  }

  #cut(from: number, to: number): () => void {
    this.trace.event(this.clock.nowMs, -1, 'cut', `${from}>${to}`)
    this.network.cut(from, to)
    return () => {
      this.trace.event(this.clock.nowMs, -1, 'heal', `${from}>${to}`)
      this.network.heal(from, to)
    }
  }

  /** Something that is over at once. */
  #disturb(kind: DisturbanceKind, node: number): void {
    this.#disturbances.begin(kind, this.clock.nowMs, node).untilMs = this.clock.nowMs
  }

  /** Plans all flushes of the run. */
  beginFlushes(): void {
    this.notifications?.begin((node, group) => {
      const process = this.node(node).process
      process?.gate.run(() => process.notifier?.due(group))
    })
  }

  /** A client asks a node; a node that is down refuses. */
  submit(index: number, op: ClientOp): LedgerEntry {
    const entry = this.ledger.invoke(index, op, this.clock.nowMs)
    this.trace.event(this.clock.nowMs, index, op.kind, entry.id)
    if (this.node(index).process === undefined) this.ledger.end(entry, 'failed', this.clock.nowMs)
    else this.node(index).submit(entry)
    return entry
  }

  /** Stops early, to be reported by the next `check`, when the nodes do nothing but keep each other busy. */
  runUntil(atMs: number): void {
    const stepsMax = STEPS_FLOOR + STEPS_PER_NODE_MS_MAX * this.nodes.length * (atMs - this.clock.nowMs)
    if (this.clock.runUntil(atMs, stepsMax)) return
    this.#found.push(`a storm: more than ${Math.round(stepsMax)} events before ${atMs} ms`)
  }

  /** @returns what is wrong just now, against promises that hold at any time */
  check(): string[] {
    const limits = this.#lifetimes()
    const wrong = this.#found.splice(0)
    wrong.push(...this.#model.reusedDots.map((dot) => `${dot} was given to two writes`))
    for (const { index, process } of this.nodes) {
      const found = process === undefined ? [] : this.#watches.check(this.node(index), process, limits)
      wrong.push(...found.map((text) => `n${index}: ${text}`))
    }
    wrong.push(...(this.notifications?.oracle.check(this.clock.nowMs) ?? []))
    return [...wrong, ...this.#watches.checkEquallyInformed(limits)]
  }

  /** @returns what is wrong with joins of the states that the live nodes hold just now */
  checkAlgebra(): string[] {
    // Two writes under one dot have no right order: all that is promised is that replicas agree in the end.
    if (this.ledger.entries.some((entry) => entry.excuse === 'doubled')) return []
    const wallMs = this.node(0).clock.wallMs()
    const collects = ({ process }: SimNode): boolean => process?.store.state.counts(wallMs).collected !== 0
    return algebra(this.#states(), wallMs, this.marks.has('collected') || this.nodes.some(collects))
  }

  /** @returns where digests tell otherwise than a comparison of everything */
  checkRoots(): string[] {
    return rootsLie(this.nodes.flatMap(({ process }) => (process === undefined ? [] : [process.store.state])))
  }

  /** @returns what still keeps the cluster from rest; empty when all is equal, known and written */
  unsettled(): string[] {
    const reasons: string[] = []
    for (const { index, process } of this.nodes) {
      if (process === undefined) {
        reasons.push(`n${index} is down`)
        continue
      }
      if (!process.store.idle) reasons.push(`n${index} is writing`)
      const { machine } = process.gossip
      if (machine.stats().queues.native.messages > 0) reasons.push(`n${index} has broadcasts to send`)
      const alive = new Set(machine.members().flatMap((m) => (m.liveness === 'alive' ? [m.name] : [])))
      for (const other of this.nodes) {
        if (!alive.has(nodeName(other.index)))
          reasons.push(`n${index} does not take n${other.index} for alive`)
      }
    }
    reasons.push(...(this.notifications?.unsettled() ?? []))
    if (reasons.length > 0) return reasons
    const limits = this.#lifetimes()
    const states = new Set(this.#states().map((state) => canonicalState(state, limits)))
    if (states.size > 1) reasons.push(`${states.size} different states`)
    return reasons
  }

  /** To be told when the cluster has come to rest: all have heard of everything now. */
  atRest(): void {
    for (const { index, process } of this.nodes)
      if (process !== undefined && this.#model.isDoubled(process.identity.actor) && isUnnoticed(process))
        this.#found.push(`n${index} has not noticed that another one writes under its actor`)
    for (const node of this.nodes) node.countMarks()
    this.marks.hit('dead-for-good', this.#ghosts.deadCount)
    for (const { excuse } of this.ledger.entries)
      if (excuse !== undefined) this.marks.hit(`excused:${excuse}`)
  }

  #states(): FullState[] {
    return this.nodes.flatMap(({ process }) => (process === undefined ? [] : [process.store.fullState()]))
  }

  /** @returns acknowledged writes that are missing anywhere, once the cluster is at rest */
  lost(): string[] {
    const limits = this.#lifetimes()
    const acked = this.ledger.entries.filter((entry) => entry.outcome === 'acked')
    return this.nodes.flatMap(({ index, process }) =>
      process === undefined
        ? []
        : lostWrites(viewOf(process.store.fullState()), this.#model, acked, limits).map(
            (text) => `n${index}: ${text}`,
          ),
    )
  }

  #progressed(entry: LedgerEntry): void {
    const { effect } = entry
    if (effect === undefined) return
    const node = this.node(entry.node)
    const state = node.process?.store.fullState()
    if (entry.outcome === 'pending') {
      this.#model.learn(entry, effect)
      this.#found.push(...this.#stamps.check(effect, state?.puts ?? [], this.#believedMs(node)))
    } else if (entry.outcome === 'failed') this.#model.forget(entry, effect)
    else if (entry.outcome === 'acked') {
      this.#stamps.acknowledged(effect)
      if (state === undefined) return
      const wrong = lostWrites(viewOf(state), this.#model, [entry], this.#lifetimes())
      this.#found.push(...wrong.map((text) => `n${entry.node} when it acknowledged: ${text}`))
    }
  }

  /** A stamp up to here surely moved the clock of this node when it was seen, for its wall clock never stood back since. */
  #believedMs(node: SimNode): number {
    const { faults, maxClockSkewMs } = this.options
    return node.clock.wallMs() + (faults.includes('wrong-clock') ? -HOUR_MS : maxClockSkewMs)
  }
}

/** At rest a replica has heard of every number of its actor; one beyond its own is another's. */
function isUnnoticed({ identity, store }: SimProcess): boolean {
  const { actor, first, issued } = identity
  return store.context.maxOf(actor) >= first + issued
}
