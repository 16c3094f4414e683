/** When something was, for a person: the wall clock of now less what has passed on the monotonic one. */
import type { Clock } from '../base/clock.ts'

/** @returns ISO 8601 */
export function wallTime(clock: Clock, monotonicMs: number): string {
  return new Date(clock.wallMs() - (clock.monotonicMs() - monotonicMs)).toISOString()
}
