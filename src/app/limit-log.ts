/** Says that a limit of alerting refuses what is asked for: one line a minute for each code, since clients try again. */
import type { Logger } from 'pino'
import type { Clock } from '../base/clock.ts'
import { LineRation } from '../base/line-ration.ts'

const PERIOD_MS = 60_000

export type LimitLog = (code: string, reason: string) => void

export function limitLog(log: Logger, clock: Clock): LimitLog {
  const ration = new LineRation(PERIOD_MS)
  return (code, reason) => {
    const suppressed = ration.take(code, clock.monotonicMs())
    if (suppressed === undefined) return
    const others = suppressed === 0 ? {} : { suppressed }
    log.warn({ component: 'alerting', event: 'limit_reached', code, reason, ...others })
  }
}
