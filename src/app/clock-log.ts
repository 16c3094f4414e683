/** What the clock fence has to tell a person: three log lines, each at a turn and none in between. */
import type { Logger } from 'pino'
import type { ClockFenceDeps } from './clock-fence.ts'

/** @param log undefined before the replica has a name to log under */
export function clockLog(log: () => Logger | undefined): Pick<ClockFenceDeps, 'changed' | 'turnedBack'> {
  return {
    changed: (reason) => {
      if (reason === undefined) log()?.info({ component: 'app', event: 'clock_right_again' })
      else log()?.warn({ component: 'app', event: 'clock_off', reason })
    },
    turnedBack: (leadMs, error) => {
      const lead = `${Math.round(leadMs / 1000)} s`
      if (error === undefined) log()?.warn({ component: 'app', event: 'stamps_turned_back', lead })
      else log()?.warn({ component: 'app', event: 'stamp_bound_not_lowered', lead, reason: String(error) })
    },
  }
}
