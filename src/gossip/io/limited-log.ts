/**
 * A log that strangers cannot flood: at most 20 lines a second of one event, then silence until the second is over.
 *
 * Whoever reaches the gossip port can make us say that a name is taken or a version unfit, tens of thousands of times a
 * second. The first lines tell a person all there is to know; how many more there were stands in the next line, and in
 * the metrics, which count everything.
 *
 * Events come from a closed set in this program, so what is remembered stays small.
 */
import type { Clock } from '../../base/clock.ts'
import type { GossipLog, LogFields } from './gossip-log.ts'

export const LINES_PER_EVENT_MAX = 20
const WINDOW_MS = 1000

interface Window {
  startedAtMs: number
  lines: number
}

export function limitedLog(log: GossipLog, clock: Clock): GossipLog {
  const windows = new Map<string, Window>()
  const limited =
    (level: keyof GossipLog) =>
    (event: string, fields: LogFields): void => {
      const nowMs = clock.monotonicMs()
      const window = windows.get(event) ?? { startedAtMs: nowMs, lines: 0 }
      windows.set(event, window)
      let suppressed = 0
      if (nowMs - window.startedAtMs >= WINDOW_MS) {
        suppressed = Math.max(0, window.lines - LINES_PER_EVENT_MAX)
        window.startedAtMs = nowMs
        window.lines = 0
      }
      if (++window.lines > LINES_PER_EVENT_MAX) return
      log[level](event, suppressed === 0 ? fields : { ...fields, suppressed })
    }
  return { debug: limited('debug'), info: limited('info'), warn: limited('warn') }
}
