/**
 * May a replica go on as the actor that it was? The rule of recovery (recovery.ts says why), without a disk, so that the
 * simulator lives by it as well.
 */
import type { ActorFileReading } from './actor-record.ts'
import type { LoadReport } from './load-report.ts'
import type { ReplicaState } from './replica-state.ts'

/** @returns why the past is in doubt; undefined for a first start or an unbroken continuation */
export function doubtOf(
  reading: ActorFileReading | undefined,
  report: LoadReport,
  damagedRecords: number,
  state: ReplicaState,
): string | undefined {
  if (reading === undefined) return undefined
  const isNew = report.lastBatch === 0 && report.records === 0 && report.damagedKeys.length === 0
  if (isNew) return reading.kind === 'absent' ? undefined : 'the actor file is there but its database is not'
  if (reading.kind === 'absent') return 'the database is there but its actor file is not'
  if (reading.kind === 'damaged') return `the actor file is damaged: ${reading.reason}`
  if (damagedRecords > 0) return `${damagedRecords} records of the database are damaged or missing`
  const { actor, leasedTo, closedAtBatch } = reading.record
  if (closedAtBatch !== undefined && report.lastBatch < closedAtBatch) {
    return `the database ends at batch ${report.lastBatch}, but was closed at batch ${closedAtBatch}`
  }
  if (state.context.maxOf(actor) > leasedTo) return 'the actor file is older than its database'
  return undefined
}
