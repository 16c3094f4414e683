/**
 * An orderly stop: steps in their order, each with a budget, all of them under one cap.
 *
 * A step that takes longer than its budget is left behind: it is named in the log and the next one begins, because a
 * request that never ends must not keep the store from being closed. A step that fails is named and left behind as well.
 * When the cap is reached the stop is over, whatever still runs, and `hung` says which step that was: supervisors kill
 * after a while anyway, and say less.
 *
 * Which steps there are, and why in this order: shutdown-steps.ts. Who ends the process: the command line.
 */
import type { Clock } from '../base/clock.ts'
import type { Alarms } from '../gossip/io/alarms.ts'
import { errorText } from './error-text.ts'
import type { RoomLog } from './room-log.ts'

export interface ShutdownStep {
  /** Stable: it is in the log. */
  readonly name: string
  /** Infinity: as long as it takes. */
  readonly budgetMs: number
  readonly run: () => unknown
}

export interface ShutdownOptions {
  /** For all steps together; Infinity for none. */
  readonly capMs: number
  readonly clock: Clock
  readonly alarms: Pick<Alarms, 'at'>
  readonly log: Pick<RoomLog, 'info' | 'warn'>
}

export interface ShutdownEnd {
  readonly tookMs: number
  /** Steps that took longer than they may, by name. */
  readonly overran: readonly string[]
  /** What steps threw, in order. */
  readonly failures: readonly unknown[]
  /** The step that ran when the cap was reached; undefined: all have had their turn. */
  readonly hung: string | undefined
}

type StepEnd = { readonly type: 'done' | 'overran' } | { readonly type: 'failed'; readonly error: unknown }

/** Never rejects. */
export async function runShutdown(
  steps: readonly ShutdownStep[],
  options: ShutdownOptions,
): Promise<ShutdownEnd> {
  const { capMs, clock, log } = options
  const startedMs = clock.monotonicMs()
  const overran: string[] = []
  const failures: unknown[] = []
  const end = (hung?: string): ShutdownEnd => {
    const tookMs = clock.monotonicMs() - startedMs
    if (hung === undefined) log.info('shutdown_done', { ms: Math.round(tookMs) })
    return { tookMs, overran, failures, hung }
  }
  for (const step of steps) {
    const beganMs = clock.monotonicMs()
    const leftMs = startedMs + capMs - beganMs
    const stepEnd = await runStep(step, Math.min(step.budgetMs, leftMs), options)
    const tookMs = Math.round(clock.monotonicMs() - beganMs)
    if (stepEnd.type === 'done') {
      log.info('shutdown_step', { step: step.name, ms: tookMs })
    } else if (stepEnd.type === 'failed') {
      failures.push(stepEnd.error)
      log.warn('shutdown_step_failed', { step: step.name, reason: errorText(stepEnd.error) })
    } else if (step.budgetMs < leftMs) {
      overran.push(step.name)
      log.warn('shutdown_step_overran', { step: step.name, ms: tookMs })
    } else {
      log.warn('shutdown_gave_up', { step: step.name, ms: Math.round(clock.monotonicMs() - startedMs) })
      return end(step.name)
    }
  }
  return end()
}

function runStep(step: ShutdownStep, leftMs: number, { clock, alarms }: ShutdownOptions): Promise<StepEnd> {
  return new Promise((resolve) => {
    const alarm = Number.isFinite(leftMs)
      ? alarms.at(clock.monotonicMs() + leftMs, () => resolve({ type: 'overran' }))
      : undefined
    const finish = (end: StepEnd): void => {
      alarm?.cancel()
      resolve(end)
    }
    // Begun in this turn, so that readiness has said no before the caller goes on.
    new Promise((done) => done(step.run())).then(
      () => finish({ type: 'done' }),
      (error: unknown) => finish({ type: 'failed', error }),
    )
  })
}
