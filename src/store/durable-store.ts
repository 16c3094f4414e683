/**
 * The open store: state in memory, commit queue, committer and facades as one StateStore.
 *
 * What peers send passes the shadow watch first (shadow-watch.ts), which guards our identity.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { HearsayError } from '../base/errors.ts'
import type { ActorId } from '../base/names.ts'
import type { CausalContext } from '../crdt/context.ts'
import type { ActorKeeper } from './actor-keeper.ts'
import type { Batches } from './batch.ts'
import { BatchStore } from './batch-store.ts'
import { tracedBatch } from './batch-trace.ts'
import { Committer } from './committer.ts'
import { CommitQueue } from './core/commit-queue.ts'
import type { Delta, FullState } from './core/delta.ts'
import type { ReplicaState } from './core/replica-state.ts'
import { ShadowWatch } from './core/shadow-watch.ts'
import type { StateItem } from './core/state-item.ts'
import type { StateKey } from './core/state-key.ts'
import type { StorageOp } from './core/storage-op.ts'
import type { StoreLog } from './core/store-log.ts'
import type { StateDigest } from './core/syncable.ts'
import { Housekeeping } from './housekeeping.ts'
import type { KeyValue } from './key-value.ts'
import { KeyValueStore } from './key-value-store.ts'
import { isMergeTraced, tracedMerge } from './merge-trace.ts'
import type { PeerWait } from './peer-wait.ts'
import { RecentRemovals } from './recent-removals.ts'
import type { RecordStorage } from './record-storage.ts'
import { RecordTableStore } from './record-table-store.ts'
import type { Records } from './records.ts'
import { saveSnapshot } from './snapshot-save.ts'
import type { PeerIdentity, StateStore, StoreStatus } from './state-store.ts'
import type { StoreLimits } from './store-limits.ts'
import type { StoreParts } from './store-parts.ts'
import { StringSetStore } from './string-set-store.ts'
import type { StringSets } from './string-sets.ts'
import { Watches } from './watches.ts'

export interface DurableStoreOptions {
  readonly disk: RecordStorage
  readonly state: ReplicaState
  readonly keeper: ActorKeeper
  readonly damagedRecords: number
  readonly damagedCopies: number
  readonly wait: PeerWait
  readonly limits: StoreLimits
  readonly clock: Clock
  readonly mint: () => ActorId
  /** Names this start in the cursors of watches: 16 hex digits. */
  readonly boot: string
  /** Consulted by every local write, not by joins. */
  readonly refusal?: () => HearsayError | undefined
  readonly log: StoreLog
}

const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }

export class DurableStore implements StateStore {
  readonly kv: KeyValue
  readonly sets: StringSets
  readonly batches: Batches
  readonly records: Records
  readonly watches: Watches
  readonly identity: PeerIdentity
  readonly #options: DurableStoreOptions
  readonly #queue: CommitQueue
  readonly #committer: Committer
  readonly #shadow: ShadowWatch
  readonly #listeners = new Set<(keys: readonly StateKey[]) => void>()
  #committed: (deltas: readonly Delta[]) => void = () => undefined
  readonly #housekeeping: Housekeeping
  #closed: Promise<void> | undefined

  constructor(options: DurableStoreOptions) {
    this.#options = options
    const { state, keeper, clock, disk, log, limits } = options
    const wallMs = (): number => clock.wallMs()
    const monotonicMs = (): number => clock.monotonicMs()
    this.#queue = new CommitQueue(state, {
      nextDot: () => keeper.nextDot(),
      onChanged: (keys) => {
        for (const listener of [...this.#listeners]) listener(keys)
      },
    })
    this.#committer = new Committer({
      source: this.#queue,
      disk: {
        open: () => disk.open(),
        close: () => disk.close(),
        write: (ops) => tracedBatch(ops, () => this.#writeBatch(ops)),
        writeMark: () => disk.writeMark(),
      },
      leaseReady: () => keeper.ready(),
      wallMs,
      monotonicMs,
      pause: async (durationMs, signal) => {
        await pause(durationMs, undefined, { signal, ref: false }).catch(() => undefined)
      },
      onCommitted: (deltas) => this.#committed(deltas),
      ...(options.refusal === undefined ? {} : { refusal: options.refusal }),
      log,
    })
    this.#shadow = new ShadowWatch({ keeper, context: state.context, monotonicMs, mint: options.mint, log })
    const entries = (): number => {
      const { tombstones, husks } = state.counts(wallMs())
      return state.digest.count - tombstones - husks
    }
    const removals = new RecentRemovals()
    const parts: StoreParts = { state, committer: this.#committer, limits, removals, wallMs, entries }
    const records = new RecordTableStore(parts)
    this.kv = new KeyValueStore(parts)
    this.sets = new StringSetStore(parts)
    this.batches = new BatchStore(parts)
    this.records = records
    this.watches = new Watches({ state, wallMs, boot: options.boot })
    this.#listeners.add((keys) => records.changed(keys))
    this.#listeners.add((keys) => this.watches.changed(keys))
    this.identity = {
      get name() {
        return keeper.notes.name
      },
      get incarnation() {
        return keeper.notes.incarnation
      },
      remember: (notes) => keeper.remember(notes),
    }
    this.#housekeeping = new Housekeeping({
      work: this.#queue,
      wallMs,
      paused: () => options.refusal?.() !== undefined,
      worked: () => this.#committer.kick(),
    })
    // A state that came back damaged has contexts to put right on disk.
    this.#committer.kick()
  }

  get limits(): StoreLimits {
    return this.#options.limits
  }

  changeLimits(changes: Partial<StoreLimits>): void {
    Object.assign(this.#options.limits, changes)
  }

  get actor(): ActorId {
    return this.#options.keeper.actor
  }

  onCommitted(listener: (deltas: readonly Delta[]) => void): void {
    this.#committed = listener
  }

  onChanged(listener: (keys: readonly StateKey[]) => void): () => void {
    // A function of its own for each call, so that one listener given twice is heard and stopped twice.
    const own = (keys: readonly StateKey[]): void => listener(keys)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  join(delta: Delta, theirs?: CausalContext): Delta {
    return isMergeTraced() ? tracedMerge(() => this.#join(delta, theirs)) : this.#join(delta, theirs)
  }

  #join(delta: Delta, theirs?: CausalContext): Delta {
    if (!this.#shadow.admits(delta)) return NOTHING
    const effective = this.#queue.join(delta, this.#options.clock.wallMs(), theirs)
    this.#committer.kick()
    return effective
  }

  heardPeers(): void {
    const { wait } = this.#options
    if (wait.reason === undefined) return
    this.durable((ok) => {
      if (ok) void wait.over()
    })
  }

  get context(): CausalContext {
    return this.#options.state.context
  }

  get digest(): StateDigest {
    return this.#options.state.digest
  }

  scan(): Iterator<StateItem> {
    return this.#options.state.scan()
  }

  read(items: Iterable<StateItem>): Delta {
    return this.#options.state.read(items)
  }

  retire(items: Iterable<StateItem>, theirs: CausalContext): number {
    if (!this.#shadow.admitsContext(theirs)) return 0
    const gone = this.#queue.retire(items, theirs)
    this.#committer.kick()
    return gone
  }

  unite(theirs: CausalContext): void {
    if (!this.#shadow.admitsContext(theirs)) return
    this.#queue.unite(theirs)
    this.#committer.kick()
  }

  durable(done: (ok: boolean) => void): void {
    this.#committer.flush(done)
  }

  fullState(): FullState {
    return this.#options.state.fullState()
  }

  clockLeadMs(): number {
    const { state, clock } = this.#options
    return state.clock.ms - clock.wallMs()
  }

  async turnBackClock(): Promise<void> {
    // The actor file may be another process's by then.
    if (this.#closed !== undefined) return
    const { state, keeper, clock } = this.#options
    const nowMs = clock.wallMs()
    state.turnBackClock(nowMs)
    await keeper.turnBackStamps(nowMs)
  }

  status(): StoreStatus {
    const { state, disk, clock, damagedRecords, damagedCopies, wait } = this.#options
    const counts = state.counts(clock.wallMs())
    return {
      engine: disk.manifest.engine,
      actor: this.actor,
      entries: counts.values,
      tombstones: counts.tombstones,
      husks: counts.husks,
      oldestTombstoneMs: counts.oldestTombstoneMs,
      collected: counts.collected,
      collectedEarly: counts.earlyCollected,
      parked: counts.parked,
      parkedRefused: counts.parkedRefused,
      parkedActors: state.parkedActors(clock.wallMs()),
      setMembers: counts.setMembers,
      records: counts.records,
      contextActors: counts.contextActors,
      contextHoles: counts.contextHoles,
      ...this.#committer.stats,
      damagedRecords,
      damagedCopies,
      awaitingPeers: wait.reason,
      refusing: this.#committer.refusal?.message,
    }
  }

  snapshot(): AsyncIterable<Uint8Array> {
    const { state, clock } = this.#options
    return saveSnapshot({ state, wallMs: () => clock.wallMs(), monotonicMs: () => clock.monotonicMs() })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { disk, keeper, state, log } = this.#options
    this.#housekeeping.close()
    this.watches.close()
    await this.#committer.close()
    await disk.close()
    try {
      await keeper.closed(disk.lastBatch, state.clock.ms)
    } catch (error) {
      // The next start treats this as a crash: nothing is lost but the rest of the lease.
      log.warn('store_close_unmarked', { error: error instanceof Error ? error.message : String(error) })
    }
  }

  /** A batch is durable when a life that begins without it would still begin above its stamps. */
  async #writeBatch(ops: readonly StorageOp[]): Promise<void> {
    const { disk, keeper, state, clock } = this.#options
    const covered = keeper.coverStamps(state.clock.ms, clock.wallMs())
    // Awaited below; if the batch fails first, that is what is told.
    covered?.catch(() => undefined)
    await disk.write(ops)
    await covered
  }
}
