/**
 * The store of a simulated replica: the production state and commit queue over a simulated disk.
 *
 * It drives the queue as the real committer does: a turn passes before a batch leaves, one is on its way at a time,
 * and after a failed write everything that waits fails and writes are refused until the database was reopened. Besides
 * it writes down for the ledger what each operation turned into: which dots it was given and which ones it saw and so
 * removes. That second list is worked out here, from what a reader could see, and not taken from the store, because
 * it is what the store is judged by.
 */
import type { Dot } from '../crdt/dot.ts'
import { type Batch, CommitQueue } from '../store/core/commit-queue.ts'
import type { Delta, FullState, SetAdd } from '../store/core/delta.ts'
import type { Joinable } from '../store/core/joinable.ts'
import type { Outcome, Stage } from '../store/core/operation.ts'
import type { ReplicaState } from '../store/core/replica-state.ts'
import { loadState } from '../store/core/state-loader.ts'
import type { ClientOp } from './ledger.ts'
import type { ProcessGate } from './process-gate.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimCollaborators } from './sim-collaborators.ts'
import type { SimDisk } from './sim-disk.ts'
import type { SimIdentity } from './sim-identity.ts'
import { dotName } from './write-model.ts'

/** Closing and opening the database after a failed write. */
const REOPEN_MS = 50
const OK: Outcome = { ok: true }
const FAILED: Outcome = { ok: false, error: new Error('simulated write error') }
const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }

export interface SimStoreDeps {
  readonly clock: SimClock
  readonly disk: SimDisk
  readonly identity: SimIdentity
  readonly gate: ProcessGate
  readonly collaborators: SimCollaborators
  /** This node's wall clock, a whole number. */
  readonly wallMs: () => number
  /** Hears own writes once durable: what gossip may spread. */
  readonly committed: (deltas: readonly Delta[]) => void
}

/** Who asked for an operation. */
export interface SimClient {
  /** What the operation does if its batch survives. */
  effect(effect: Delta): void
  /** `unknown`: its batch was handed to the disk, and failed there. */
  done(outcome: 'acked' | 'failed' | 'unknown'): void
}

export class SimStore implements Joinable {
  readonly state: ReplicaState
  readonly #deps: SimStoreDeps
  readonly #queue: CommitQueue
  readonly #issued: Dot[] = []
  /** Adds and removals of the batch being put together, which the state does not show yet. */
  #stagedAdds: SetAdd[] = []
  #stagedCovered = new Set<string>()
  #scheduled = false
  #writing = false
  #refusing = false
  #version = 0

  /** Boots from what is durable on the disk. */
  constructor(deps: SimStoreDeps) {
    this.#deps = deps
    this.state = loadState(deps.disk.pairs()).state
    const nextDot = deps.collaborators.dots(deps.identity, this.state)
    this.#queue = new CommitQueue(this.state, {
      nextDot: () => {
        const dot = nextDot()
        this.#issued.push(dot)
        return dot
      },
    })
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

  join(delta: Delta): Delta {
    this.#version++
    const news = this.#queue.join(delta, this.#deps.wallMs())
    this.#kick()
    return news
  }

  joinFull(full: FullState): Delta {
    this.#version++
    const news = this.#queue.joinFull(full, this.#deps.wallMs())
    this.#kick()
    return news
  }

  fullState(): FullState {
    return this.state.fullState()
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

  #begin(): Batch | undefined {
    this.#stagedAdds = []
    this.#stagedCovered = new Set()
    return this.#queue.begin(this.#deps.wallMs())
  }

  #commitOne(): void {
    const { disk, collaborators, gate } = this.#deps
    const batch = this.#begin()
    if (batch === undefined) return
    this.#writing = true
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
    for (let batch = this.#begin(); batch !== undefined; batch = this.#begin()) {
      this.#queue.finish(FAILED, this.#deps.wallMs())
      if (batch.operations === 0) break
    }
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
        const entry = stage.put(op.map, op.key, op.value, undefined)
        return { ...NOTHING, puts: [{ map: op.map, key: op.key, entry }] }
      }
      case 'delete': {
        const entry = stage.delete(op.map, op.key)
        return entry === undefined ? NOTHING : { ...NOTHING, puts: [{ map: op.map, key: op.key, entry }] }
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

  /** The dots by which a reader would see this element now, earlier operations of the batch included. */
  #observed(set: string, member: string): Dot[] {
    return [...this.state.fullState().adds, ...this.#stagedAdds]
      .filter((add) => add.set === set && add.member === member && !this.#stagedCovered.has(dotName(add.dot)))
      .map((add) => add.dot)
  }
}
