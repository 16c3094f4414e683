/**
 * A log that strangers cannot flood: at most 20 lines a second of one event (base/line-budget.ts). Whoever reaches the
 * gossip port can make us say that a name is taken or a version unfit, tens of thousands of times a second.
 */
import type { Clock } from '../../base/clock.ts'
import { LineBudget } from '../../base/line-budget.ts'
import type { GossipLog, LogFields } from './gossip-log.ts'

export const LINES_PER_EVENT_MAX = 20

export function limitedLog(log: GossipLog, clock: Clock): GossipLog {
  const budget = new LineBudget(LINES_PER_EVENT_MAX)
  const limited =
    (level: keyof GossipLog) =>
    (event: string, fields: LogFields): void => {
      const suppressed = budget.take(event, clock.monotonicMs())
      if (suppressed === undefined) return
      log[level](event, suppressed === 0 ? fields : { ...fields, suppressed })
    }
  return { debug: limited('debug'), info: limited('info'), warn: limited('warn') }
}
