/**
 * Recovery on start: reads the whole database into memory and decides who this replica is now.
 *
 * Rule: the old identity is kept only when nothing casts doubt on its past. A replica that continues as an actor whose
 * writes it has partly forgotten would issue numbers twice, or claim to have seen what it no longer holds; peers would
 * then delete good entries. A new actor costs every peer 20 bytes. So doubt is cheap to act on, and any of these is
 * enough: no actor file or a damaged one beside a database, an actor file without its database, a damaged record, a
 * batch missing from the middle, fewer batches than at the last orderly close, own writes in the database beyond
 * the lease (an older actor file restored beside a newer database), another place than it was written in, or the traces of
 * LevelDB's repair. After a repair
 * the stored contexts are not believed either, and are put right before anybody is served.
 */
import type { ActorId } from '../base/names.ts'
import type { ActorFileReading, ActorRecord } from './core/actor-record.ts'
import { contextOp } from './core/disk-layout.ts'
import { doubtOf } from './core/identity-doubt.ts'
import type { LoadReport } from './core/load-report.ts'
import type { ReplicaState, ReplicaStateOptions } from './core/replica-state.ts'
import { StateLoader } from './core/state-loader.ts'
import type { StoreLog } from './core/store-log.ts'
import type { RecordStorage } from './record-storage.ts'

/** Damaged records named in the log; the rest are only counted. */
const NAMED_MAX = 100

export interface Recovered {
  readonly state: ReplicaState
  readonly record: ActorRecord
  /** Damaged records and missing batches; a repair counts as one. */
  readonly damagedRecords: number
  /** Why the past is in doubt; undefined for a first start and for an unbroken continuation. */
  readonly doubt: string | undefined
}

export interface RecoveryOptions {
  /** Open. */
  readonly disk: RecordStorage
  /** What the actor file says; undefined for a replica without a disk. */
  readonly reading: ActorFileReading | undefined
  /** Somebody ran LevelDB's repair on it (repair-sign.ts). */
  readonly repaired: boolean
  /** It was not written where it is now (place-mark.ts). */
  readonly copied: boolean
  readonly mint: () => ActorId
  readonly state: ReplicaStateOptions
  readonly log: StoreLog
}

/** @throws HearsayError `STORE_FORMAT_NEWER`, `STORE_NOT_OURS`, `STORE_DAMAGED`, `STORE_DISK_FULL`, `STORE_WRITE_FAILED` */
export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { disk, reading, repaired, log } = options
  const loader = new StateLoader(options.state)
  const report = await disk.load((key, payload) => loader.record(key, payload))
  for (let i = 0; i < report.damagedKeys.length + report.missingBatches; i++) loader.damaged()
  if (repaired) loader.damaged()
  const { state, damagedRecords } = loader.finish()
  reportDamage(report, log)
  if (!report.marked) await disk.writeMark()
  if (repaired) await disk.write(state.unsavedActors.map((actor) => contextOp(state.context, actor)))
  const known = reading?.kind === 'intact' ? reading.record : undefined
  const doubt = repaired
    ? "LevelDB's repair was run on the database"
    : (doubtOf(reading, report, damagedRecords, state) ??
      (options.copied && known !== undefined ? 'the database was copied here from another place' : undefined))
  if (known !== undefined && doubt === undefined) {
    const { closedAtBatch: _, ...record } = known
    return { state, record, damagedRecords, doubt }
  }
  const notes = {
    ...(known?.name === undefined ? {} : { name: known.name }),
    ...(known?.incarnation === undefined ? {} : { incarnation: known.incarnation }),
    ...(known?.stampBoundMs === undefined ? {} : { stampBoundMs: known.stampBoundMs }),
  }
  const record = { actor: options.mint(), leasedTo: 0, ...notes }
  if (doubt !== undefined) log.warn('store_new_actor', { reason: doubt, actor: record.actor })
  return { state, record, damagedRecords, doubt }
}

function reportDamage(report: LoadReport, log: StoreLog): void {
  for (const key of report.damagedKeys.slice(0, NAMED_MAX)) {
    log.warn('store_record_damaged', { key: JSON.stringify(Buffer.from(key).toString('latin1')) })
  }
  if (report.missingBatches > 0) log.warn('store_batches_missing', { batches: report.missingBatches })
}
