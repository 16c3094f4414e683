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
import { type ClientOp, Ledger, type LedgerEntry } from './ledger.ts'
import { MonotoneOracle } from './monotone-oracle.ts'
import { SimClock } from './sim-clock.ts'
import { type SimCollaborators, soundCollaborators } from './sim-collaborators.ts'
import { type DiskFaults, soundDisk } from './sim-disk.ts'
import { nodeName } from './sim-gossip.ts'
import { type LinkFaults, quietLink, SimNetwork } from './sim-network.ts'
import { SimNode, type SimProcess } from './sim-node.ts'
import type { SimOptions } from './sim-options.ts'
import { StampOracle } from './stamp-oracle.ts'
import { Trace } from './trace.ts'
import { type StateView, viewOf, WriteModel } from './write-model.ts'
import { inventions, lostWrites, mapsDiffer, overclaims } from './write-oracles.ts'

/** A busy node has about 0.1 events a ms; after a long stall it works off a few thousand at once. */
const STEPS_PER_NODE_MS_MAX = 10
const STEPS_FLOOR = 20_000

export interface SimClusterDeps {
  readonly options: SimOptions
  readonly trace?: Trace
  readonly collaborators?: SimCollaborators
}

/** What the oracles remember of a process. */
interface Watch {
  readonly oracle: MonotoneOracle
  /** Of the store, when it was looked at last. */
  version: number
  view: StateView | undefined
}

export class SimCluster {
  readonly options: SimOptions
  readonly clock: SimClock = new SimClock()
  readonly trace: Trace
  readonly network: SimNetwork
  readonly ledger: Ledger = new Ledger()
  readonly nodes: readonly SimNode[]
  readonly #model = new WriteModel()
  readonly #stamps = new StampOracle()
  readonly #watches = new Map<SimProcess, Watch>()
  /** Found between two checks, for the next one to report. */
  readonly #found: string[] = []

  constructor(deps: SimClusterDeps) {
    const { options } = deps
    this.options = options
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
    const process = this.node(index).boot()
    const own = this.ledger.entries.filter((entry) => entry.node === index && entry.outcome === 'acked')
    const view = viewOf(process.store.fullState())
    for (const wrong of lostWrites(view, this.#model, own))
      this.#found.push(`n${index} after its restart: ${wrong}`)
  }

  kill(index: number): void {
    const { process } = this.node(index)
    if (process !== undefined) this.#watches.delete(process)
    this.node(index).kill()
  }

  stall(index: number): void {
    this.trace.event(this.clock.nowMs, index, 'stall', 0)
    this.node(index).process?.gate.stall()
  }

  resume(index: number): void {
    this.trace.event(this.clock.nowMs, index, 'resume', 0)
    this.node(index).process?.gate.resume()
  }

  /** Cuts `side` off from the rest, both ways. @returns how to heal it */
  partition(side: readonly number[]): () => void {
    const heals: (() => void)[] = []
    for (const inside of side) {
      for (const { index: outside } of this.nodes) {
        if (side.includes(outside)) continue
        heals.push(this.cut(inside, outside), this.cut(outside, inside))
      }
    }
    return () => {
      for (const heal of heals) heal()
    }
  }

  /** Cuts one direction. @returns how to heal it */
  cut(from: number, to: number): () => void {
    this.trace.event(this.clock.nowMs, -1, 'cut', `${from}>${to}`)
    this.network.cut(from, to)
    return () => {
      this.trace.event(this.clock.nowMs, -1, 'heal', `${from}>${to}`)
      this.network.heal(from, to)
    }
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
    const wrong = this.#found.splice(0)
    wrong.push(...this.#model.reusedDots.map((dot) => `${dot} was given to two writes`))
    for (const { index, process } of this.nodes) {
      if (process !== undefined)
        wrong.push(...this.#checkProcess(process).map((text) => `n${index}: ${text}`))
    }
    return [...wrong, ...this.#checkEquallyInformed()]
  }

  #checkProcess(process: SimProcess): string[] {
    const watch = this.#watches.get(process) ?? { oracle: new MonotoneOracle(), version: -1, view: undefined }
    this.#watches.set(process, watch)
    const { machine } = process.gossip
    const wrong = watch.oracle.checkMembers(machine.selfIncarnation(), machine.members())
    const queued = machine.stats().queues.native.bytes
    if (queued > this.options.queueBytesMax) wrong.push(`${queued} bytes are queued`)
    if (watch.version === process.store.version) return wrong
    const view = viewOf(process.store.fullState())
    watch.version = process.store.version
    watch.view = view
    return [
      ...wrong,
      ...inventions(view, this.#model),
      ...overclaims(view, this.#model, this.ledger.entries),
      ...watch.oracle.checkState(view),
    ]
  }

  #checkEquallyInformed(): string[] {
    const views = new Map<string, StateView>()
    const wrong: string[] = []
    for (const { view } of this.#watches.values()) {
      if (view === undefined) continue
      const seen = JSON.stringify(view.ranges)
      const other = views.get(seen)
      if (other === undefined) views.set(seen, view)
      else wrong.push(...mapsDiffer(other, view))
    }
    return wrong
  }

  /** @returns what is wrong with joins of the states that the live nodes hold just now */
  checkAlgebra(): string[] {
    return algebra(this.#states(), this.node(0).clock.wallMs())
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
    if (reasons.length > 0) return reasons
    const states = new Set(this.#states().map(canonicalState))
    if (states.size > 1) reasons.push(`${states.size} different states`)
    return reasons
  }

  #states(): FullState[] {
    return this.nodes.flatMap(({ process }) => (process === undefined ? [] : [process.store.fullState()]))
  }

  /** @returns acknowledged writes that are missing anywhere, once the cluster is at rest */
  lost(): string[] {
    const acked = this.ledger.entries.filter((entry) => entry.outcome === 'acked')
    return this.nodes.flatMap(({ index, process }) =>
      process === undefined
        ? []
        : lostWrites(viewOf(process.store.fullState()), this.#model, acked).map(
            (text) => `n${index}: ${text}`,
          ),
    )
  }

  #progressed(entry: LedgerEntry): void {
    const { effect } = entry
    if (effect === undefined) return
    const state = this.node(entry.node).process?.store.fullState()
    if (entry.outcome === 'pending') {
      this.#model.learn(entry, effect)
      this.#found.push(...this.#stamps.check(effect, state?.puts ?? []))
    } else if (entry.outcome === 'failed') this.#model.forget(entry, effect)
    else if (entry.outcome === 'acked') {
      this.#stamps.acknowledged(effect)
      if (state === undefined) return
      const wrong = lostWrites(viewOf(state), this.#model, [entry])
      this.#found.push(...wrong.map((text) => `n${entry.node} when it acknowledged: ${text}`))
    }
  }
}
