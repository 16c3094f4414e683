/**
 * The store of a simulated replica: the production state and commit queue over a simulated disk.
 *
 * It drives the queue as the real committer does: a turn passes before a batch leaves, one is on its way at a time,
 * and after a failed write everything that waits fails and writes are refused until the database was reopened. Besides
 * it writes down for the ledger what each operation turned into: which dots it was given and which ones it saw and so
 * removes. That second list is worked out here, from what a reader could see, and not taken from the store, because
 * it is what the store is judged by.
 */
import type { CausalContext } from '../crdt/context.ts'
import type { Dot } from '../crdt/dot.ts'
import { type Batch, CommitQueue } from '../store/core/commit-queue.ts'
import type { Delta, FullState, MapEntry, MapPut, SetAdd } from '../store/core/delta.ts'
import type { Outcome, Stage } from '../store/core/operation.ts'
import type { ReplicaState } from '../store/core/replica-state.ts'
import { ShadowWatch } from '../store/core/shadow-watch.ts'
import type { StateItem } from '../store/core/state-item.ts'
import type { StateDigest } from '../store/core/syncable.ts'
import type { SyncStore } from '../store/replication/sync-store.ts'
import type { ClientOp } from './ledger.ts'
import type { ProcessGate } from './process-gate.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimCollaborators } from './sim-collaborators.ts'
import type { SimDisk } from './sim-disk.ts'
import type { SimIdentity } from './sim-identity.ts'
import { cellName, dotName } from './write-model.ts'

/** Closing and opening the database after a failed write. */
const REOPEN_MS = 50
const OK: Outcome = { ok: true }
const FAILED = { ok: false, error: new Error('simulated write error') } as const
const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }

interface Cell {
  readonly map: string
  readonly key: string
}

export interface SimStoreDeps {
  readonly clock: SimClock
  readonly disk: SimDisk
  readonly identity: SimIdentity
  /** As loaded from the disk. */
  readonly state: ReplicaState
  readonly sweepIntervalMs: number
  /** How often parked entries are looked at. */
  readonly upkeepIntervalMs: number
  readonly dirtyKeysPerBatchMax: number
  readonly gate: ProcessGate
  readonly collaborators: SimCollaborators
  /** This node's wall clock, a whole number. */
  readonly wallMs: () => number
  readonly monotonicMs: () => number
  /** Hears what an operator would read in the log; a stable code. */
  readonly note: (event: string) => void
  /** Hears own writes once durable: what gossip may spread. */
  readonly committed: (deltas: readonly Delta[]) => void
  /** Hears what a peer's delta has changed here. */
  readonly joined: (news: Delta) => void
}

/** Who asked for an operation. */
export interface SimClient {
  /** What the operation does if its batch survives. */
  effect(effect: Delta): void
  /** `unknown`: its batch was handed to the disk, and failed there. */
  done(outcome: 'acked' | 'failed' | 'unknown'): void
}

export class SimStore implements SyncStore {
  readonly state: ReplicaState
  readonly #deps: SimStoreDeps
  readonly #queue: CommitQueue
  readonly #shadow: ShadowWatch
  readonly #issued: Dot[] = []
  /** What the batch being put together has written so far, which the state does not show yet. */
  #stagedPuts = new Map<string, MapPut>()
  #stagedAdds: SetAdd[] = []
  #stagedCovered = new Set<string>()
  #scheduled = false
  #writing = false
  #refusing = false
  #version = 0

  constructor(deps: SimStoreDeps) {
    this.#deps = deps
    this.state = deps.state
    const nextDot = deps.collaborators.dots(deps.identity, this.state)
    this.#queue = new CommitQueue(this.state, {
      nextDot: () => {
        const dot = nextDot()
        this.#issued.push(dot)
        return dot
      },
      dirtyKeysPerBatchMax: deps.dirtyKeysPerBatchMax,
    })
    const { identity, monotonicMs, note } = deps
    this.#shadow = new ShadowWatch({
      keeper: identity,
      context: this.state.context,
      monotonicMs,
      mint: () => deps.collaborators.mint(identity),
      log: { info: note, warn: note },
    })
    this.#sweepLater()
    this.#releaseLater()
    // A state that came back damaged has contexts to put right on disk.
    this.#kick()
  }

  /** Neither a batch on its way nor anything waiting for one. */
  get idle(): boolean {
    return !this.#writing && !this.#refusing && !this.#queue.hasWork
  }

  /** Rises with everything that may have changed the state; saves oracles from looking twice. */
  get version(): number {
    return this.#version
  }

  submit(op: ClientOp, client: SimClient): void {
    if (this.#refusing) {
      client.done('failed')
      return
    }
    this.#queue.submit({
      run: (stage) => client.effect(this.#run(stage, op)),
      done: (outcome) => client.done(outcome.ok ? 'acked' : this.#writing ? 'unknown' : 'failed'),
    })
    this.#kick()
  }

  join(delta: Delta, theirs?: CausalContext): Delta {
    if (!this.#shadow.admits(delta)) return NOTHING
    this.#version++
    const news = this.#queue.join(delta, this.#deps.wallMs(), theirs)
    this.#kick()
    this.#deps.joined(news)
    return news
  }

  fullState(): FullState {
    return this.state.fullState()
  }

  get context(): CausalContext {
    return this.state.context
  }

  get digest(): StateDigest {
    return this.state.digest
  }

  scan(): Iterator<StateItem> {
    return this.state.scan()
  }

  read(items: Iterable<StateItem>): Delta {
    return this.state.read(items)
  }

  retire(items: Iterable<StateItem>, theirs: CausalContext): number {
    if (!this.#shadow.admitsContext(theirs)) return 0
    this.#version++
    const gone = this.#queue.retire(items, theirs)
    this.#kick()
    return gone
  }

  unite(theirs: CausalContext): void {
    if (!this.#shadow.admitsContext(theirs)) return
    this.#version++
    this.#queue.unite(theirs)
    this.#kick()
  }

  durable(done: (ok: boolean) => void): void {
    if (this.#refusing) {
      done(false)
      return
    }
    this.#queue.flush(done)
    this.#kick()
  }

  #kick(): void {
    if (this.#scheduled || this.#writing || this.#refusing) return
    this.#scheduled = true
    this.#deps.clock.after(0, () =>
      this.#deps.gate.run(() => {
        this.#scheduled = false
        this.#commitOne()
      }),
    )
  }

  /** On whole multiples of the interval by the wall clock, so that all replicas sweep about together. */
  #sweepLater(): void {
    const { clock, gate, sweepIntervalMs, wallMs } = this.#deps
    const waitMs = sweepIntervalMs - (wallMs() % sweepIntervalMs)
    clock.after(waitMs, () =>
      gate.run(() => {
        this.#version++
        const minuteMs = Math.floor(wallMs() / sweepIntervalMs) * sweepIntervalMs
        while (!this.#queue.sweep(minuteMs));
        this.#kick()
        this.#sweepLater()
      }),
    )
  }

  #releaseLater(): void {
    const { clock, gate, wallMs, upkeepIntervalMs } = this.#deps
    clock.after(upkeepIntervalMs, () =>
      gate.run(() => {
        if (this.#queue.releaseParked(wallMs())) this.#version++
        this.#kick()
        this.#releaseLater()
      }),
    )
  }

  #begin(): Batch | undefined {
    this.#stagedPuts = new Map()
    this.#stagedAdds = []
    this.#stagedCovered = new Set()
    return this.#queue.begin(this.#deps.wallMs())
  }

  #commitOne(): void {
    const { disk, collaborators, gate, identity, wallMs } = this.#deps
    const batch = this.#begin()
    if (batch === undefined) return
    this.#writing = true
    identity.coverStamps(this.state.clock.ms, wallMs())
    collaborators.write(disk, batch.ops, (ok) =>
      gate.run(() => {
        if (!ok) this.#refusing = true
        this.#version++
        const { committed } = this.#queue.finish(ok ? OK : FAILED, this.#deps.wallMs())
        this.#writing = false
        if (!ok) this.#reopen()
        else if (committed.length > 0) this.#deps.committed(committed)
        this.#kick()
      }),
    )
  }

  #reopen(): void {
    this.#queue.abandon(FAILED.error)
    this.#deps.clock.after(REOPEN_MS, () =>
      this.#deps.gate.run(() => {
        this.#refusing = false
        this.#kick()
      }),
    )
  }

  #run(stage: Stage, op: ClientOp): Delta {
    this.#issued.length = 0
    switch (op.kind) {
      case 'put': {
        const expiresAtMs = op.ttlMs === undefined ? undefined : stage.nowMs + op.ttlMs
        const covered = this.#heldDot(op.map, op.key)
        return this.#stagedPut(op, stage.put(op.map, op.key, op.value, expiresAtMs), covered)
      }
      case 'delete': {
        const covered = this.#heldDot(op.map, op.key)
        const entry = stage.delete(op.map, op.key)
        return entry === undefined ? NOTHING : this.#stagedPut(op, entry, covered)
      }
      case 'add': {
        const covered = this.#observed(op.set, op.member)
        stage.addMember(op.set, op.member)
        const adds = this.#issued.map((dot) => ({ set: op.set, member: op.member, dot }))
        return this.#stagedInBatch({ ...NOTHING, adds, covered })
      }
      case 'remove': {
        const covered = this.#observed(op.set, op.member)
        stage.removeMember(op.set, op.member)
        return this.#stagedInBatch({ ...NOTHING, covered })
      }
      case 'record':
        stage.putRecord(op.table, op.key, op.record)
        return { ...NOTHING, records: [{ table: op.table, key: op.key, record: op.record }] }
    }
  }

  #stagedInBatch(effect: Delta): Delta {
    this.#stagedAdds.push(...effect.adds)
    for (const dot of effect.covered) this.#stagedCovered.add(dotName(dot))
    return effect
  }

  #stagedPut({ map, key }: Cell, entry: MapEntry, covered: readonly Dot[]): Delta {
    this.#stagedPuts.set(cellName(map, key), { map, key, entry })
    return { ...NOTHING, puts: [{ map, key, entry }], covered }
  }

  /** The dot of what an operation on this key replaces, earlier operations of the batch included. */
  #heldDot(map: string, key: string): readonly Dot[] {
    const held = this.#stagedPuts.get(cellName(map, key))?.entry ?? this.state.entry(map, key)
    return held === undefined ? [] : [held.dot]
  }

  /** The dots by which a reader would see this element now, earlier operations of the batch included. */
  #observed(set: string, member: string): Dot[] {
    const staged = this.#stagedAdds.filter((add) => add.set === set && add.member === member)
    return [...this.state.dotsOf(set, member), ...staged.map((add) => add.dot)].filter(
      (dot) => !this.#stagedCovered.has(dotName(dot)),
    )
  }
}
