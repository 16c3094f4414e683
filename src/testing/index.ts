/**
 * `hearsay/testing`: the seeded simulator, for tests of hearsay and of programs that build on it.
 *
 * `simulate(seed)` plays one run and throws `SimFailure` when a promise is broken; `SimCluster` lets a test play its
 * own story with partitions, crashes and bad clocks on virtual time.
 */

export { describeFault, type PlannedFault, planFaults } from './fault-plan.ts'
export {
  deliveriesOf,
  type FlushAttempt,
  type FlushLedger,
  type FlushMoment,
  type FlushRecord,
} from './flush-ledger.ts'
export type { PlannedFlush } from './flush-plan.ts'
export { type ClientOp, describeEntry, type Ledger, type LedgerEntry } from './ledger.ts'
export { MARKS, Marks } from './marks.ts'
export { type ShrinkLimits, type Shrunk, shrink } from './shrink.ts'
export { SimCluster, type SimClusterDeps } from './sim-cluster.ts'
export { type SimCollaborators, soundCollaborators } from './sim-collaborators.ts'
export { type DiskFaults, soundDisk } from './sim-disk.ts'
export { type LinkFaults, quietLink } from './sim-network.ts'
export type { SimNotifications } from './sim-notifications.ts'
export {
  deriveOptions,
  FAULT_KINDS,
  type FaultKind,
  type NotificationOptions,
  type SimOptions,
  type SimOverrides,
} from './sim-options.ts'
export { SimFailure, type SimReport, type SimulateOptions, simulate } from './simulation.ts'
export type { SpreadOptions, SpreadRules } from './spread-cluster.ts'
export { measureSpread, type SpreadFigures, type SpreadPlan } from './spread-measure.ts'
export { Trace } from './trace.ts'
