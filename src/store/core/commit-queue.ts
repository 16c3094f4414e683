/**
 * Group commit: gathers what waits (local operations and merged remote changes) into one atomic storage batch.
 *
 * Local operations are seen by readers, and may be gossiped, only once their batch is on disk. Remote changes are seen
 * at once and marked dirty; the next batch writes what the state holds under each dirty key by then, never the change
 * itself, so that a newer value that came while a batch was in flight is not overwritten on disk by an older one.
 *
 * The record of an actor's context goes into the same batch as the entries it speaks of: a context on disk without its
 * entries would read as "seen and removed" (peers.md 3a, pitfall 7). That is why dirty keys are never split over batches.
 * After a failed batch its keys are dirty: the next good one makes the disk agree with memory again.
 *
 * Pure: begin() and finish() bracket the write, which a driver (committer.ts) or the simulator carries out between.
 */
import { assert, InvariantError } from '../../base/assert.ts'
import { HearsayError } from '../../base/errors.ts'
import type { ActorId } from '../../base/names.ts'
import { CausalContext } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'
import { BatchStage } from './batch-stage.ts'
import { type Delta, type FullState, isEmptyDelta } from './delta.ts'
import { clockOp, contextOp, entryOp, memberOp, recordOp } from './disk-layout.ts'
import type { Operation, Outcome } from './operation.ts'
import type { ReplicaState } from './replica-state.ts'
import { type StateKey, stateKeyName } from './state-key.ts'
import type { StorageOp } from './storage-op.ts'

/** What the driver writes as one synced unit. */
export interface Batch {
  readonly ops: readonly StorageOp[]
  /** Local operations in it. */
  readonly operations: number
}

export interface CommitQueueOptions {
  /** Issues the next dot of this replica's actor; its stamps carry the same actor. May throw: that operation fails. */
  readonly nextDot: () => Dot
  /** Hears what changed for readers: remote input at once, own writes when durable. */
  readonly onChanged?: (keys: readonly StateKey[]) => void
  readonly operationsPerBatchMax?: number
  readonly batchBytesMax?: number
  readonly waitingOperationsMax?: number
  readonly waitingBytesMax?: number
}

export const OPERATIONS_PER_BATCH_MAX = 1000
export const BATCH_BYTES_MAX: number = 4 * 1024 * 1024
export const WAITING_OPERATIONS_MAX = 100_000
export const WAITING_BYTES_MAX: number = 64 * 1024 * 1024

/** An operation that ran, with what it wrote. */
interface Staged {
  readonly operation: Operation
  readonly deltas: readonly Delta[]
}

interface Flight {
  readonly stage: BatchStage
  readonly operations: readonly Staged[]
  readonly dirty: ReadonlyMap<string, StateKey>
  readonly actors: ReadonlySet<ActorId>
}

export class CommitQueue {
  readonly #state: ReplicaState
  readonly #options: CommitQueueOptions
  #waiting: Operation[] = []
  #waitingBytes = 0
  #dirty = new Map<string, StateKey>()
  #dirtyActors: Set<ActorId>
  #flight: Flight | undefined

  constructor(state: ReplicaState, options: CommitQueueOptions) {
    this.#state = state
    this.#dirtyActors = new Set(state.unsavedActors)
    this.#options = options
  }

  /** Whether the next `begin`, once nothing is in flight, has something to write. */
  get hasWork(): boolean {
    return this.#waiting.length + this.#dirty.size + this.#dirtyActors.size > 0
  }

  /** Waits for the next batch. When too much waits already, fails at once with `STORE_OVERLOADED` through `done`. */
  submit(operation: Operation): void {
    const { waitingOperationsMax = WAITING_OPERATIONS_MAX, waitingBytesMax = WAITING_BYTES_MAX } =
      this.#options
    const bytes = operation.valueBytes ?? 0
    if (this.#waiting.length >= waitingOperationsMax || this.#waitingBytes + bytes > waitingBytesMax) {
      const error = new HearsayError(
        'STORE_OVERLOADED',
        `too many writes wait for the disk; the limit is ${waitingOperationsMax} or ${waitingBytesMax} bytes`,
      )
      operation.done({ ok: false, error })
      return
    }
    this.#waiting.push(operation)
    this.#waitingBytes += bytes
  }

  /** Remote input: visible at once, durable with a following batch. @returns what was new here, to be relayed */
  join(delta: Delta, nowMs: number): Delta {
    const { effective, changed } = this.#state.join(delta, nowMs)
    if (!isEmptyDelta(effective)) this.#touch(changed, actorsOf(effective))
    return effective
  }

  joinFull(full: FullState, nowMs: number): Delta {
    const before = this.#state.context.clone()
    const { effective, changed } = this.#state.joinFull(full, nowMs)
    const grown = this.#state.context
      .actors()
      .filter((actor) => !sameActor(before, this.#state.context, actor))
    this.#touch(changed, grown)
    return effective
  }

  /** Drops foreign records that have expired, here and with the next batch on disk. */
  sweepRecords(nowMs: number): void {
    this.#touch(this.#state.sweepRecords(nowMs), [])
  }

  /** @returns undefined when there is nothing to write or a batch is in flight */
  begin(nowMs: number): Batch | undefined {
    while (this.#flight === undefined && this.hasWork) {
      const flight = this.#prepare(nowMs)
      const ops = this.#storageOps(flight)
      if (ops.length > 0) {
        this.#flight = flight
        return { ops, operations: flight.operations.length }
      }
      // Operations that changed nothing (a removal of what is not there) have nothing to wait for.
      succeed(flight.operations)
    }
    return undefined
  }

  /** @returns the own writes that are durable now, one delta a mutation: what gossip may spread */
  finish(outcome: Outcome, nowMs: number): { readonly committed: readonly Delta[] } {
    const flight = this.#flight
    assert(flight !== undefined, 'a batch is finished once, after it was begun')
    this.#flight = undefined
    const result = outcome.ok && this.#isShadowed(flight) ? SHADOWED : outcome
    if (!result.ok) {
      this.#undo(flight)
      for (const { operation } of flight.operations) operation.done(result)
      return { committed: [] }
    }
    const changed = flight.stage.deltas.flatMap((delta) => this.#state.apply(delta, nowMs))
    if (changed.length > 0) this.#options.onChanged?.(changed)
    succeed(flight.operations)
    return { committed: flight.stage.deltas }
  }

  /** The disk may hold it or not: its keys are written anew from memory. */
  #undo({ stage, dirty, actors }: Flight): void {
    for (const [name, key] of dirty) this.#dirty.set(name, key)
    for (const { key } of stage.staged) this.#dirty.set(stateKeyName(key), key)
    for (const actor of actors) this.#dirtyActors.add(actor)
    for (const delta of stage.deltas) for (const actor of actorsOf(delta)) this.#dirtyActors.add(actor)
  }

  /** Whether a dot of the batch came in from a peer meanwhile: a clone's write, which ours would be taken for. */
  #isShadowed({ stage }: Flight): boolean {
    const { context } = this.#state
    return stage.deltas.some(
      ({ puts, adds }) =>
        puts.some(({ entry }) => context.has(entry.dot)) || adds.some(({ dot }) => context.has(dot)),
    )
  }

  #touch(changed: readonly StateKey[], actors: Iterable<ActorId>): void {
    for (const key of changed) this.#dirty.set(stateKeyName(key), key)
    for (const actor of actors) this.#dirtyActors.add(actor)
    if (changed.length > 0) this.#options.onChanged?.(changed)
  }

  #prepare(nowMs: number): Flight {
    const stage = new BatchStage(this.#state, this.#options.nextDot, nowMs)
    const operations = this.#takeWaiting().flatMap((operation) => runOne(stage, operation) ?? [])
    const flight = { stage, operations, dirty: this.#dirty, actors: this.#dirtyActors }
    this.#dirty = new Map()
    this.#dirtyActors = new Set()
    return flight
  }

  #takeWaiting(): Operation[] {
    const { operationsPerBatchMax = OPERATIONS_PER_BATCH_MAX, batchBytesMax = BATCH_BYTES_MAX } =
      this.#options
    let bytes = 0
    let count = 0
    for (const { valueBytes = 0 } of this.#waiting) {
      if (count >= operationsPerBatchMax || (count > 0 && bytes + valueBytes > batchBytesMax)) break
      bytes += valueBytes
      count++
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }

  #storageOps({ stage, dirty, actors }: Flight): StorageOp[] {
    const ops = new Map<string, StorageOp>()
    for (const [name, key] of dirty) ops.set(name, this.#currentOp(key))
    for (const staged of stage.staged) {
      const name = stateKeyName(staged.key)
      if ('entry' in staged) ops.set(name, entryOp(staged.key.map, staged.key.key, staged.entry))
      else if ('dots' in staged) ops.set(name, memberOp(staged.key.set, staged.key.member, staged.dots))
      else ops.set(name, recordOp(staged.key.table, staged.key.key, staged.record))
    }
    const touched = new Set(actors)
    for (const delta of stage.deltas) for (const actor of actorsOf(delta)) touched.add(actor)
    if (ops.size + touched.size === 0) return []
    return [...ops.values(), ...this.#contextOps(touched, stage.deltas), clockOp(this.#state.clock)]
  }

  #currentOp(key: StateKey): StorageOp {
    if (key.kind === 'entry') return entryOp(key.map, key.key, this.#state.entry(key.map, key.key))
    if (key.kind === 'member') return memberOp(key.set, key.member, this.#state.dotsOf(key.set, key.member))
    return recordOp(key.table, key.key, this.#state.heldRecord(key.table, key.key))
  }

  /** The contexts as they will be when the batch is durable. */
  #contextOps(actors: ReadonlySet<ActorId>, deltas: readonly Delta[]): StorageOp[] {
    const context = new CausalContext()
    for (const actor of actors) context.addActor(this.#state.context, actor)
    for (const delta of deltas) for (const dot of dotsOf(delta)) context.add(dot)
    return [...actors].map((actor) => contextOp(context, actor))
  }
}

const SHADOWED: Outcome = {
  ok: false,
  error: new HearsayError(
    'STORE_WRITE_FAILED',
    'another replica wrote under the identity of this one; try again',
  ),
}

function succeed(operations: readonly Staged[]): void {
  for (const { operation, deltas } of operations) operation.done({ ok: true, deltas })
}

/** @returns undefined when it threw, of which it has been told */
function runOne(stage: BatchStage, operation: Operation): Staged | undefined {
  try {
    return { operation, deltas: stage.run((view) => operation.run(view)) }
  } catch (error) {
    if (error instanceof InvariantError) throw error
    operation.done({ ok: false, error: error instanceof Error ? error : new Error(String(error)) })
    return undefined
  }
}

function* dotsOf(delta: Delta): Iterable<Dot> {
  for (const { entry } of delta.puts) yield entry.dot
  for (const { dot } of delta.adds) yield dot
  yield* delta.covered
}

function actorsOf(delta: Delta): Set<ActorId> {
  const actors = new Set<ActorId>()
  for (const { actor } of dotsOf(delta)) actors.add(actor)
  return actors
}

function sameActor(a: CausalContext, b: CausalContext, actor: ActorId): boolean {
  const [left, right] = [a.intervals(actor), b.intervals(actor)]
  return (
    left.length === right.length &&
    left.every(({ first, last }, index) => right[index]?.first === first && right[index]?.last === last)
  )
}
