/**
 * The store as peers may reach it: every record of theirs is judged before it is joined.
 *
 * Whoever reaches the gossip port may claim to be a hearsay replica, so records in private frames get the same verdict
 * as those of an Alertmanager (core/admission.ts). A refused one is counted and left out; the rest of its frame joins.
 * One that is held already with the very same bytes was judged when it came: in a full state that is nearly all of them,
 * and judging 10,000 silences anew would stop everything for 200 ms at each exchange.
 *
 * It is also the one door where a peer's version of a silence meets ours, and neither may end the memory of the other
 * (core/lasting-silence.ts). A version that is made for that is news of our own: nobody else may have it.
 */
import { compareBytes } from '../base/bytes.ts'
import type { CausalContext } from '../crdt/context.ts'
import type { Delta, ForeignRecord, FullState, RecordPut } from '../store/core/delta.ts'
import type { MergeWay } from '../store/core/merge-way.ts'
import { compareRecords } from '../store/core/record-tables.ts'
import type { StateItem } from '../store/core/state-item.ts'
import type { StateDigest } from '../store/core/syncable.ts'
import type { Records } from '../store/records.ts'
import type { SyncStore } from '../store/replication/sync-store.ts'
import { type Admission, NOTIFICATION_TABLE, QUARANTINE_TABLE, SILENCE_TABLE } from './core/admission.ts'
import { lastingSilence } from './core/lasting-silence.ts'
import { admitNotification } from './core/notification-admission.ts'
import { admitSilence } from './core/silence-admission.ts'

const ADMISSION_OF: ReadonlyMap<string, (bytes: Uint8Array) => Admission> = new Map([
  [SILENCE_TABLE, admitSilence],
  [QUARANTINE_TABLE, admitSilence],
  [NOTIFICATION_TABLE, admitNotification],
])

/** Records joined since the last own write that are looked at once more when one is committed. */
export const MET_RECORDS_MAX = 1024
const LASTING_TABLES: ReadonlySet<string> = new Set([SILENCE_TABLE, QUARANTINE_TABLE])

function nameOf(table: string, key: string): string {
  return `${table}\0${key}`
}

function winnerOf(a: ForeignRecord, b: ForeignRecord): ForeignRecord {
  return compareRecords(a, b) >= 0 ? a : b
}

type Merged = (news: Delta, way: MergeWay) => void

export class AdmittingStore implements SyncStore {
  readonly #store: SyncStore
  readonly #held: Records['get']
  readonly #refused: (reason: string) => void
  readonly #merged: Merged
  readonly #made = new WeakSet<ForeignRecord>()
  readonly #met = new Map<string, RecordPut>()

  /**
   * @param held what the store holds
   * @param refused hears the reason for each record left out, from a closed set
   * @param merged hears of each join, also of one without news
   */
  constructor(
    store: SyncStore,
    held: Records['get'],
    refused: (reason: string) => void,
    merged: Merged = () => undefined,
  ) {
    this.#store = store
    this.#held = held
    this.#refused = refused
    this.#merged = merged
  }

  join(delta: Delta, theirs?: CausalContext): Delta {
    const news = this.#enter({ ...delta, records: this.#admit(delta.records) }, theirs)
    // Only anti-entropy knows a context.
    this.#merged(news, theirs === undefined ? 'gossip' : 'sync')
    return news
  }

  /** Records that were judged when they were read (core/foreign-state.ts). @returns what was new here, as from `join` */
  joinJudged(records: readonly RecordPut[]): Delta {
    const news = this.#enter({ puts: [], adds: [], covered: [], records })
    this.#merged(news, 'foreign')
    return news
  }

  /**
   * An own write is decided before it is on disk: what a peer told meanwhile was not taken into account, and is lost then.
   *
   * @param own what was committed; to be called after each commit
   * @returns the lost versions that are to be remembered longer; joined again, they lend their time
   */
  overtaken(own: readonly RecordPut[]): readonly RecordPut[] {
    const overtaken = own.map(({ table, key, record }) => {
      const met = this.#met.get(nameOf(table, key))
      return met !== undefined && met.record.expiresAtMs > record.expiresAtMs ? met : undefined
    })
    this.#met.clear()
    return overtaken.filter((put) => put !== undefined)
  }

  /** Whether a record among the news came into being here, so that it is for us to tell everybody. */
  isOwn(record: ForeignRecord): boolean {
    return this.#made.has(record)
  }

  fullState(): FullState {
    return this.#store.fullState()
  }

  get context(): CausalContext {
    return this.#store.context
  }

  get digest(): StateDigest {
    return this.#store.digest
  }

  scan(): Iterator<StateItem> {
    return this.#store.scan()
  }

  read(items: Iterable<StateItem>): Delta {
    return this.#store.read(items)
  }

  retire(items: Iterable<StateItem>, theirs: CausalContext): number {
    return this.#store.retire(items, theirs)
  }

  unite(theirs: CausalContext): void {
    this.#store.unite(theirs)
  }

  durable(done: (ok: boolean) => void): void {
    this.#store.durable(done)
  }

  #enter(delta: Delta, theirs?: CausalContext): Delta {
    return this.#store.join({ ...delta, records: this.#lasting(delta.records) }, theirs)
  }

  /** Each record with what is held under its key, and with others of that key in the same delta, taken into account. */
  #lasting(records: readonly RecordPut[]): readonly RecordPut[] {
    const lasting = new Map<string, RecordPut>()
    for (const put of records) {
      const { table, key, record } = put
      const name = nameOf(table, key)
      const lasts = LASTING_TABLES.has(table)
      const before = lasting.get(name)?.record ?? (lasts ? this.#held(table, key) : undefined)
      const made = before === undefined ? record : (lasts ? lastingSilence : winnerOf)(before, record)
      if (made !== record && made !== before) this.#made.add(made)
      lasting.set(name, { table, key, record: made })
      if (lasts) this.#meet(name, { table, key, record: made })
    }
    return [...lasting.values()]
  }

  #meet(name: string, put: RecordPut): void {
    this.#met.delete(name)
    this.#met.set(name, put)
    const oldest = this.#met.size > MET_RECORDS_MAX ? this.#met.keys().next().value : undefined
    if (oldest !== undefined) this.#met.delete(oldest)
  }

  #admit(records: readonly RecordPut[]): RecordPut[] {
    const admitted: RecordPut[] = []
    for (const { table, key, record } of records) {
      const held = this.#held(table, key)
      if (held !== undefined && compareBytes(held.bytes, record.bytes) === 0) continue
      const verdict = ADMISSION_OF.get(table)?.(record.bytes)
      if (verdict === undefined) this.#refused('TABLE_UNKNOWN')
      else if (verdict.verdict === 'refused') this.#refused(verdict.reason)
      else admitted.push(verdict.put)
    }
    return admitted
  }
}
