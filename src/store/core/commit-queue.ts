/**
 * Group commit: gathers what waits (local operations and merged remote changes) into atomic storage batches.
 *
 * Local operations are seen by readers, and may be gossiped, only once their batch is on disk. Remote changes are seen
 * at once and marked dirty; a following batch writes what the state holds under each dirty key by then, never the change
 * itself, so that a newer value that came while a batch was in flight is not overwritten on disk by an older one.
 *
 * A batch is bounded, so that no turn of the loop is long: 1,000 operations or 4 MiB of them, 1,000 dirty keys or 1 MiB
 * of them (about 4 ms, half of it in the storage). What was merged in one go may therefore be spread over several batches;
 * unsaved-state.ts says how the contexts follow. After a failed batch its keys are dirty: the next good ones make the
 * disk agree with memory again.
 *
 * Pure: begin() and finish() bracket the write, which a driver (committer.ts) or the simulator carries out between.
 */
import { assert, InvariantError } from '../../base/assert.ts'
import { HearsayError } from '../../base/errors.ts'
import type { ActorId } from '../../base/names.ts'
import type { CausalContext } from '../../crdt/context.ts'
import { type Dot, sameDot } from '../../crdt/dot.ts'
import { BatchStage, type StagedPiece } from './batch-stage.ts'
import { type Delta, isEmptyDelta } from './delta.ts'
import { clockOp, contextOp, entryOp, memberOp, recordOp } from './disk-layout.ts'
import type { Operation, Outcome } from './operation.ts'
import type { ReplicaState } from './replica-state.ts'
import type { StateItem } from './state-item.ts'
import { type StateKey, stateKeyName } from './state-key.ts'
import type { StorageOp } from './storage-op.ts'
import { type UnsavedSlice, UnsavedState } from './unsaved-state.ts'

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
  readonly dirtyKeysPerBatchMax?: number
  readonly dirtyBytesPerBatchMax?: number
  readonly waitingOperationsMax?: number
  readonly waitingBytesMax?: number
}

export const OPERATIONS_PER_BATCH_MAX = 1000
export const DIRTY_KEYS_PER_BATCH_MAX = 1000
export const BATCH_BYTES_MAX: number = 4 * 1024 * 1024
export const DIRTY_BYTES_PER_BATCH_MAX: number = 1024 * 1024
/** Mutations with a dot that one operation may make; not checked here. */
export const MUTATIONS_PER_OPERATION_MAX = 3000
/**
 * Mutations after which a batch takes no further operation. With those of one more it stays within the 5,000 dots that
 * are leased before each batch (actor-keeper.ts).
 */
const MUTATIONS_PER_BATCH_MAX = 2000
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
  readonly slice: UnsavedSlice
  /** What the contexts on disk claim, of the actors that the batch writes, once it is there. */
  readonly context: CausalContext
}

export class CommitQueue {
  readonly #state: ReplicaState
  readonly #options: CommitQueueOptions
  readonly #unsaved: UnsavedState
  #waiting: Operation[] = []
  #waitingBytes = 0
  #flight: Flight | undefined

  constructor(state: ReplicaState, options: CommitQueueOptions) {
    this.#state = state
    this.#unsaved = new UnsavedState(state.context, state.unsavedActors)
    this.#options = options
  }

  /** Whether the next `begin`, once nothing is in flight, has something to write. */
  get hasWork(): boolean {
    return this.#waiting.length > 0 || !this.#unsaved.isEmpty
  }

  /** Whether somebody waits for the next batch, or what waits fills one. */
  get isDue(): boolean {
    const { dirtyKeysPerBatchMax = DIRTY_KEYS_PER_BATCH_MAX } = this.#options
    return this.#waiting.length + this.#unsaved.waiters > 0 || this.#unsaved.keys >= dirtyKeysPerBatchMax
  }

  /** Keys that are not on disk as memory has them. */
  get dirtyKeys(): number {
    return this.#unsaved.keys
  }

  /** Waits for the next batch. When too much waits already, fails at once with `STORE_OVERLOADED` through `done`. */
  submit(operation: Operation): void {
    const { waitingOperationsMax = WAITING_OPERATIONS_MAX, waitingBytesMax = WAITING_BYTES_MAX } =
      this.#options
    const bytes = operation.bytes ?? 0
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

  /** Calls back once everything that was joined before is on disk; with false when the disk or the bound refuses. */
  flush(done: (ok: boolean) => void): void {
    const { waitingOperationsMax = WAITING_OPERATIONS_MAX } = this.#options
    if (this.#unsaved.waiters >= waitingOperationsMax) done(false)
    else this.#unsaved.wait(({ ok }) => done(ok))
  }

  /** Fails all that waits, without trying: the disk is known to refuse. Remote changes stay dirty. */
  abandon(error: Error): void {
    const operations = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const operation of operations) operation.done({ ok: false, error })
    for (const waiter of this.#unsaved.abandonWaiters()) waiter({ ok: false, error })
  }

  /** Remote input: visible at once, durable with a following batch. @returns what was new here, to be relayed */
  join(delta: Delta, nowMs: number, theirs?: CausalContext): Delta {
    const { effective, changed, onlyGrew } = this.#state.join(delta, nowMs, theirs)
    if (isEmptyDelta(effective)) return effective
    if (onlyGrew) this.#unsaved.grow(changed, actorsOf(effective))
    else this.#unsaved.touch(changed, actorsOf(effective))
    this.#tell(changed)
    return effective
  }

  /** See Syncable.retire. */
  retire(items: Iterable<StateItem>, theirs: CausalContext): number {
    const gone = this.#state.retire(items, theirs)
    this.#touch(gone, [])
    return gone.length
  }

  /** See Syncable.unite. */
  unite(theirs: CausalContext): void {
    this.#touch([], this.#state.unite(theirs))
  }

  /** See ReplicaState.sweep; the disk follows with the next batches. @returns whether this minute is done */
  sweep(minuteMs: number): boolean {
    const { changed, unsaved, done } = this.#state.sweep(minuteMs)
    this.#unsaved.touch(unsaved, [])
    this.#touch(changed, [])
    return done
  }

  /** Merges the parked entries that are due. @returns whether there were any */
  releaseParked(nowMs: number): boolean {
    const { effective, changed } = this.#state.releaseParked(nowMs)
    this.#touch(changed, actorsOf(effective))
    return effective.puts.length > 0
  }

  /** @returns undefined when there is nothing to write or a batch is in flight */
  begin(nowMs: number): Batch | undefined {
    while (this.#flight === undefined && this.hasWork) {
      const stage = new BatchStage(this.#state, this.#options.nextDot, nowMs)
      const operations = this.#runWaiting(stage)
      const ops = new Map<string, StorageOp>()
      const slice = this.#dirtySlice(ops)
      for (const staged of stage.staged) ops.set(stateKeyName(staged.key), stagedOp(staged))
      const { context, actors } = this.#contexts(slice, stage.deltas)
      const flight = { stage, operations, slice, context }
      if (ops.size + actors.size > 0) {
        this.#flight = flight
        const contextOps = [...actors].map((actor) => contextOp(context, actor))
        return {
          ops: [...ops.values(), ...contextOps, clockOp(this.#state.clock)],
          operations: operations.length,
        }
      }
      // Operations that changed nothing (a removal of what is not there) have nothing to wait for.
      this.#succeed(flight)
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
      this.#undo(flight, result)
      return { committed: [] }
    }
    if (flight.stage.deltas.some((delta) => this.#overtakes(delta))) this.#unsaved.catchUp()
    this.#tell(flight.stage.deltas.flatMap((delta) => this.#state.apply(delta, nowMs)))
    this.#succeed(flight)
    return { committed: flight.stage.deltas }
  }

  #succeed({ operations, slice, context }: Flight): void {
    const waiters = this.#unsaved.written(slice, context)
    for (const { operation, deltas } of operations) {
      // One that changed nothing may have found that a peer had done it already: that is to be on disk as well.
      if (deltas.length > 0 || this.#unsaved.isEmpty) operation.done({ ok: true, deltas })
      else this.#unsaved.wait((outcome) => operation.done(outcome.ok ? { ok: true, deltas } : outcome))
    }
    for (const waiter of waiters) waiter({ ok: true })
  }

  /** The disk may hold it or not: its keys are written anew from memory. */
  #undo({ stage, operations, slice }: Flight, outcome: Outcome & { ok: false }): void {
    const waiters = this.#unsaved.failed(slice)
    for (const { key } of stage.staged) this.#unsaved.touch([key], [])
    for (const delta of stage.deltas) this.#unsaved.touch([], actorsOf(delta))
    for (const { operation } of operations) operation.done(outcome)
    for (const waiter of waiters) waiter(outcome)
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
    this.#unsaved.touch(changed, actors)
    this.#tell(changed)
  }

  #tell(changed: readonly StateKey[]): void {
    if (changed.length > 0) this.#options.onChanged?.(changed)
  }

  /** Whether a key came from a peer while our write to it was in flight, which does not cover that. */
  #overtakes({ puts, covered }: Delta): boolean {
    return puts.some(({ map, key }) => {
      const held = this.#state.entry(map, key)
      return held !== undefined && !covered.some((dot) => sameDot(dot, held.dot))
    })
  }

  /** Runs those that fit into one batch. @returns those that belong to it; one that threw has been told */
  #runWaiting(stage: BatchStage): Staged[] {
    const { operationsPerBatchMax = OPERATIONS_PER_BATCH_MAX, batchBytesMax = BATCH_BYTES_MAX } =
      this.#options
    const staged: Staged[] = []
    let bytes = 0
    let count = 0
    for (const operation of this.#waiting) {
      const next = operation.bytes ?? 0
      const full = bytes + next > batchBytesMax || stage.deltas.length >= MUTATIONS_PER_BATCH_MAX
      if (count >= operationsPerBatchMax || (count > 0 && full)) break
      bytes += next
      count++
      const done = runOne(stage, operation)
      if (done !== undefined) staged.push(done)
    }
    this.#waitingBytes -= bytes
    this.#waiting.splice(0, count)
    return staged
  }

  #dirtySlice(ops: Map<string, StorageOp>): UnsavedSlice {
    const {
      dirtyKeysPerBatchMax = DIRTY_KEYS_PER_BATCH_MAX,
      dirtyBytesPerBatchMax = DIRTY_BYTES_PER_BATCH_MAX,
    } = this.#options
    let bytes = 0
    return this.#unsaved.next((name, key) => {
      if (ops.size >= dirtyKeysPerBatchMax || bytes >= dirtyBytesPerBatchMax) return false
      const op = this.#currentOp(key)
      bytes += op.key.length + (op.type === 'put' ? op.value.length : 0)
      ops.set(name, op)
      return true
    })
  }

  #currentOp(key: StateKey): StorageOp {
    if (key.kind === 'entry') return entryOp(key.map, key.key, this.#state.entry(key.map, key.key))
    if (key.kind === 'member') return memberOp(key.set, key.member, this.#state.dotsOf(key.set, key.member))
    return recordOp(key.table, key.key, this.#state.heldRecord(key.table, key.key))
  }

  /** The contexts as they will be on disk with the batch, and the actors whose records change. */
  #contexts(
    { context, actors }: UnsavedSlice,
    deltas: readonly Delta[],
  ): { readonly context: CausalContext; readonly actors: ReadonlySet<ActorId> } {
    const touched = new Set(actors)
    for (const delta of deltas) {
      for (const dot of dotsOf(delta)) {
        if (!touched.has(dot.actor)) this.#unsaved.addSaved(context, dot.actor)
        touched.add(dot.actor)
        context.add(dot)
      }
    }
    return { context, actors: touched }
  }
}

const SHADOWED = {
  ok: false as const,
  error: new HearsayError(
    'STORE_WRITE_FAILED',
    'another replica wrote under the identity of this one; try again',
  ),
}

function stagedOp(staged: StagedPiece): StorageOp {
  if ('entry' in staged) return entryOp(staged.key.map, staged.key.key, staged.entry)
  if ('dots' in staged) return memberOp(staged.key.set, staged.key.member, staged.dots)
  return recordOp(staged.key.table, staged.key.key, staged.record)
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
