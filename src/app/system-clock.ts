/** The host's clocks. The only place in the application that reads them. */
import type { Clock } from '../base/clock.ts'

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
}
