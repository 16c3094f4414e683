/**
 * The store as peers may reach it: every record of theirs is judged before it is joined.
 *
 * Whoever reaches the gossip port may claim to be a hearsay replica, so records in private frames get the same verdict
 * as those of an Alertmanager (core/admission.ts). A refused one is counted and left out; the rest of its frame joins.
 * One that is held already with the very same bytes was judged when it came: in a full state that is nearly all of them,
 * and judging 10,000 silences anew would stop everything for 200 ms at each exchange.
 */
import { compareBytes } from '../base/bytes.ts'
import type { CausalContext } from '../crdt/context.ts'
import type { Delta, FullState, RecordPut } from '../store/core/delta.ts'
import type { StateItem } from '../store/core/state-item.ts'
import type { StateDigest } from '../store/core/syncable.ts'
import type { Records } from '../store/records.ts'
import type { SyncStore } from '../store/replication/sync-store.ts'
import { type Admission, NOTIFICATION_TABLE, QUARANTINE_TABLE, SILENCE_TABLE } from './core/admission.ts'
import { admitNotification } from './core/notification-admission.ts'
import { admitSilence } from './core/silence-admission.ts'

const ADMISSION_OF: ReadonlyMap<string, (bytes: Uint8Array) => Admission> = new Map([
  [SILENCE_TABLE, admitSilence],
  [QUARANTINE_TABLE, admitSilence],
  [NOTIFICATION_TABLE, admitNotification],
])

export class AdmittingStore implements SyncStore {
  readonly #store: SyncStore
  readonly #held: Records['get']
  readonly #refused: (reason: string) => void

  /**
   * @param held what the store holds
   * @param refused hears the reason for each record left out, from a closed set
   */
  constructor(store: SyncStore, held: Records['get'], refused: (reason: string) => void) {
    this.#store = store
    this.#held = held
    this.#refused = refused
  }

  join(delta: Delta, theirs?: CausalContext): Delta {
    return this.#store.join({ ...delta, records: this.#admit(delta.records) }, theirs)
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
