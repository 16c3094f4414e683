/**
 * The store as peers may reach it: every record of theirs is judged before it is joined.
 *
 * Whoever reaches the gossip port may claim to be a hearsay replica, so records in private frames get the same verdict
 * as those of an Alertmanager (core/admission.ts). A refused one is counted and left out; the rest of its frame joins.
 */
import type { Delta, FullState, RecordPut } from '../store/core/delta.ts'
import type { Joinable } from '../store/core/joinable.ts'
import { type Admission, NOTIFICATION_TABLE, QUARANTINE_TABLE, SILENCE_TABLE } from './core/admission.ts'
import { admitNotification } from './core/notification-admission.ts'
import { admitSilence } from './core/silence-admission.ts'

const ADMISSION_OF: ReadonlyMap<string, (bytes: Uint8Array) => Admission> = new Map([
  [SILENCE_TABLE, admitSilence],
  [QUARANTINE_TABLE, admitSilence],
  [NOTIFICATION_TABLE, admitNotification],
])

export class AdmittingStore implements Joinable {
  readonly #store: Joinable
  readonly #refused: (reason: string) => void

  /** @param refused hears the reason for each record left out, from a closed set */
  constructor(store: Joinable, refused: (reason: string) => void) {
    this.#store = store
    this.#refused = refused
  }

  join(delta: Delta): Delta {
    return this.#store.join({ ...delta, records: this.#admit(delta.records) })
  }

  joinFull(state: FullState): Delta {
    return this.#store.joinFull({ ...state, records: this.#admit(state.records) })
  }

  fullState(): FullState {
    return this.#store.fullState()
  }

  #admit(records: readonly RecordPut[]): RecordPut[] {
    const admitted: RecordPut[] = []
    for (const { table, record } of records) {
      const verdict = ADMISSION_OF.get(table)?.(record.bytes)
      if (verdict === undefined) this.#refused('TABLE_UNKNOWN')
      else if (verdict.verdict === 'refused') this.#refused(verdict.reason)
      else admitted.push(verdict.put)
    }
    return admitted
  }
}
