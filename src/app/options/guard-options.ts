/** What `--web.…` says of what clients may cost. */
import type { GuardLimits } from '../../http/guards/guard-limits.ts'
import type { ServeOptions } from './serve-options.ts'

export function guardLimits(options: ServeOptions): Partial<GuardLimits> {
  return {
    connectionsMax: options['web.max-connections'],
    requestsMax: options['web.max-requests'],
    rateLimit: options['web.rate-limit'],
    loopDelayMaxMs: options['web.max-event-loop-delay'],
    answerTimeoutMs: options['web.timeout'],
    corsOrigins: options['web.cors.origin'],
  }
}
