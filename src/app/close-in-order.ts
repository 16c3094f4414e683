/** The orderly stop of a replica inside somebody's program: as long as it takes, and a failure is the caller's. */
import type { Clock } from '../base/clock.ts'
import { Alarms } from '../gossip/io/alarms.ts'
import { runShutdown } from './shutdown.ts'
import { type ShutdownPlan, shutdownSteps } from './shutdown-steps.ts'

const SILENT = { info: () => undefined, warn: () => undefined }

/** @throws what the first step to fail threw, once all have had their turn */
export async function closeInOrder(plan: ShutdownPlan, clock: Clock): Promise<void> {
  const alarms = new Alarms(clock, true)
  const { failures } = await runShutdown(shutdownSteps(plan), {
    capMs: Number.POSITIVE_INFINITY,
    clock,
    alarms,
    log: SILENT,
  })
  if (failures.length > 0) throw failures[0]
}
