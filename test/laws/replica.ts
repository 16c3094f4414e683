/** What a schedule needs of a replica, so that production code, a plain model and broken models can all be tried. */
import type { ActorId } from '../../src/base/names.ts'
import type { CausalContext } from '../../src/crdt/context.ts'
import { CommitQueue } from '../../src/store/core/commit-queue.ts'
import type { Delta, FullState } from '../../src/store/core/delta.ts'
import { ItemHasher } from '../../src/store/core/item-hasher.ts'
import type { Stage } from '../../src/store/core/operation.ts'
import { ReplicaState, type ReplicaStateOptions } from '../../src/store/core/replica-state.ts'
import type { StateItem } from '../../src/store/core/state-item.ts'
import { StateLoader } from '../../src/store/core/state-loader.ts'
import { decodeStorageKey } from '../../src/store/core/storage-key.ts'
import { TestDisk } from '../unit/store/core/disk.ts'

export const FAR_MS = 1_000_000_000
export const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }

/** Which keys one direction of a sync is about, and which of these arrive. Keys are told apart by `cellName`. */
export interface Part {
  covers(cell: string): boolean
  arrives(cell: string): boolean
}

export const ALL: Part = { covers: () => true, arrives: () => true }

export function cellName(kind: 'entry' | 'member' | 'record', container: string, key: string): string {
  return `${kind} ${container}/${key}`
}

export interface Replica {
  put(map: string, key: string, text: string, nowMs: number, expiresAtMs?: number): Delta
  /** An empty delta when there is nothing to delete. */
  delete(map: string, key: string, nowMs: number): Delta
  add(set: string, member: string, nowMs: number): Delta
  remove(set: string, member: string, nowMs: number): Delta
  record(table: string, key: string, versionNs: bigint, text: string, nowMs: number): Delta
  join(delta: Delta, nowMs: number): Delta
  /** What it holds. */
  fullState(): FullState
  /** What it tells a peer: what it holds and what is parked, with its context. */
  listing(): FullState
  /** One direction of a sync, without the end: what the peer has seen and lacks goes, what it has and we lack comes. */
  take(theirs: FullState, part: Part, nowMs: number): void
  /** The end of a sync, when both hold the same. */
  unite(theirs: CausalContext): void
  /** Equal for equal listings. */
  root(): string
  /** Time passes: what is parked and due is merged, what is due at this minute is swept. */
  pass(minuteMs: number, nowMs: number): void
  /** A crash and a start from the disk. @param lost cells of which the disk has lost the record; then the actor is new */
  restart(lost: (cell: string) => boolean, actor: ActorId): void
}

/** The production state, written through the production commit queue, with a disk that never fails. */
export class RealReplica implements Replica {
  readonly #options: ReplicaStateOptions
  readonly #disk = new TestDisk()
  #actor: ActorId
  #n = 0
  #state: ReplicaState
  #queue: CommitQueue

  constructor(actor: ActorId, options: ReplicaStateOptions = {}) {
    this.#actor = actor
    this.#options = options
    this.#state = new ReplicaState(options)
    this.#queue = this.#newQueue()
  }

  put(map: string, key: string, text: string, nowMs: number, expiresAtMs?: number): Delta {
    const value = { contentType: 'text/plain', bytes: new TextEncoder().encode(text) }
    return this.#write(nowMs, (stage) => stage.put(map, key, value, expiresAtMs))
  }

  delete(map: string, key: string, nowMs: number): Delta {
    return this.#write(nowMs, (stage) => stage.delete(map, key))
  }

  add(set: string, member: string, nowMs: number): Delta {
    return this.#write(nowMs, (stage) => stage.addMember(set, member))
  }

  remove(set: string, member: string, nowMs: number): Delta {
    return this.#write(nowMs, (stage) => stage.removeMember(set, member))
  }

  record(table: string, key: string, versionNs: bigint, text: string, nowMs: number): Delta {
    const record = { versionNs, bytes: new TextEncoder().encode(text), expiresAtMs: FAR_MS }
    return this.#write(nowMs, (stage) => stage.putRecord(table, key, record))
  }

  join(delta: Delta, nowMs: number): Delta {
    return this.#saved(nowMs, this.#queue.join(delta, nowMs))
  }

  fullState(): FullState {
    return this.#state.fullState()
  }

  listing(): FullState {
    return { ...this.#state.read(this.#items()), context: this.#state.context.clone() }
  }

  take(theirs: FullState, part: Part, nowMs: number): void {
    const { context } = theirs
    const listed = hashesOf(theirs)
    const mine = this.#items()
    const held = new Set(mine.map(({ hi, lo }) => `${hi}.${lo}`))
    const missing = mine.filter((item) => part.covers(cellOf(item)) && !listed.names.has(item.hi))
    const wanted = listed.lines.filter(({ hash, cell }) => part.arrives(cell) && !held.has(hash))
    // As a session does (incoming-chunks.ts): what wins by its stamp, or is parked, comes before the old one goes.
    const isNewer = ({ puts }: Delta): boolean =>
      puts.some(({ map, key, entry }) => entry.stamp.ms > (this.#state.entry(map, key)?.stamp.ms ?? 0))
    const newer = wanted.filter(({ delta }) => isNewer(delta))
    for (const { delta } of newer) this.#queue.join(delta, nowMs, context)
    this.#queue.retire(missing, context)
    for (const { delta } of wanted) this.#queue.join(delta, nowMs, context)
    this.#saved(nowMs, undefined)
  }

  unite(theirs: CausalContext): void {
    this.#queue.unite(theirs)
    this.#saved(0, undefined)
  }

  root(): string {
    return this.#state.digest.root().join('.')
  }

  pass(minuteMs: number, nowMs: number): void {
    this.#queue.releaseParked(nowMs)
    while (!this.#queue.sweep(minuteMs));
    this.#saved(nowMs, undefined)
  }

  restart(lost: (cell: string) => boolean, actor: ActorId): void {
    const loader = new StateLoader(this.#options)
    for (const [key, value] of this.#disk.pairs) {
      const name = decodeStorageKey(key)
      if (name.kind !== 'clock' && name.kind !== 'context' && lost(cellOf({ key: name }))) {
        this.#disk.write([{ type: 'delete', key }])
        loader.damaged()
      } else loader.record(key, value)
    }
    const { state, damagedRecords } = loader.finish()
    if (damagedRecords > 0) {
      this.#actor = actor
      this.#n = 0
    }
    this.#state = state
    this.#queue = this.#newQueue()
    this.#saved(0, undefined)
  }

  #items(): StateItem[] {
    const items: StateItem[] = []
    const scan = this.#state.scan()
    for (let next = scan.next(); next.done !== true; next = scan.next()) items.push(next.value)
    return items
  }

  #newQueue(): CommitQueue {
    return new CommitQueue(this.#state, { nextDot: () => ({ actor: this.#actor, n: ++this.#n }) })
  }

  #saved<T>(nowMs: number, result: T): T {
    for (let batch = this.#queue.begin(nowMs); batch !== undefined; batch = this.#queue.begin(nowMs)) {
      this.#disk.write(batch.ops)
      this.#queue.finish({ ok: true }, nowMs)
    }
    return result
  }

  #write(nowMs: number, run: (stage: Stage) => unknown): Delta {
    let failure: Error | undefined
    let written: readonly Delta[] = []
    this.#queue.submit({
      run: (stage) => void run(stage),
      done: (outcome) => {
        if (outcome.ok) written = outcome.deltas
        else failure = outcome.error
      },
    })
    this.#saved(nowMs, undefined)
    if (failure !== undefined) throw failure
    return written[0] ?? NOTHING
  }
}

function cellOf({ key }: Pick<StateItem, 'key'>): string {
  if (key.kind === 'entry') return cellName('entry', key.map, key.key)
  if (key.kind === 'member') return cellName('member', key.set, key.member)
  return cellName('record', key.table, key.key)
}

interface Line {
  readonly hash: string
  readonly cell: string
  readonly delta: Delta
}

/** A listing as a session sees it: the names of its items, and each as a delta of its own. */
function hashesOf({ puts, adds, records }: FullState): { names: Set<number>; lines: Line[] } {
  const names = new Set<number>()
  const lines: Line[] = []
  const hasher = new ItemHasher()
  const take = (cell: string, delta: Partial<Delta>): void => {
    names.add(hasher.hi)
    lines.push({ hash: `${hasher.hi}.${hasher.lo}`, cell, delta: { ...NOTHING, ...delta } })
  }
  for (const put of puts) {
    hasher.entry(put.map, put.key, put.entry)
    take(cellName('entry', put.map, put.key), { puts: [put] })
  }
  for (const add of adds) {
    hasher.member(add.set, add.member, add.dot)
    take(cellName('member', add.set, add.member), { adds: [add] })
  }
  for (const put of records) {
    hasher.record(put.table, put.key, put.record)
    take(cellName('record', put.table, put.key), { records: [put] })
  }
  return { names, lines }
}
