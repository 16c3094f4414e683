/** Points in time as callers of the library give them. */
import { parseDateTime } from '../alerting/core/date-time.ts'
import { nanosFromMs } from '../alerting/core/nanos.ts'
import { HearsayError } from '../base/errors.ts'

/** A point in time: a Date, or RFC 3339 text such as `2026-11-21T09:00:00Z`. */
export type Instant = Date | string

/** @throws HearsayError `DATE_MALFORMED` */
export function nanosOfInstant(instant: Instant): bigint {
  if (instant instanceof Date && !Number.isNaN(instant.getTime())) return nanosFromMs(instant.getTime())
  const ns = typeof instant === 'string' && instant !== '' ? parseDateTime(instant) : undefined
  if (ns === undefined) throw new HearsayError('DATE_MALFORMED', `not a point in time: ${String(instant)}`)
  return ns
}
