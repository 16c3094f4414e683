/**
 * Instants in nanoseconds since 1970, as Alertmanager's records keep them.
 *
 * A silence's version is its `updated_at`, and two edits may fall into one millisecond: 1_700_000_000_000 ms is
 * 1_700_000_000_000_000_000 ns, beyond what a number holds exactly. So instants are bigints here, on the way in and on
 * the way out. Text forms are in date-time.ts.
 *
 * The wire allows the years 1 to 9999. A version must also fit the store's signed 64 bits with room to stamp the next
 * edit above it, which ends in 2262.
 */
import { create } from '@bufbuild/protobuf'
import { type Instant, InstantSchema } from './alertmanager_pb.ts'

const NANOS_PER_MS = 1_000_000n
export const NANOS_PER_SECOND = 1_000_000_000n

/** Midnight of 0001-01-01: Go's zero time, which everywhere here means "not set". */
export const ZERO_TIME_NS: bigint = -62_135_596_800n * NANOS_PER_SECOND
/** First instant of the year 10000. */
export const INSTANT_END_NS: bigint = 253_402_300_800n * NANOS_PER_SECOND
/** 2262-01-01: no version at or above it is taken, */
export const VERSION_END_NS: bigint = 9_214_646_400n * NANOS_PER_SECOND
/** but for a silence of no duration, up to a day later. */
export const ENDED_VERSION_END_NS: bigint = VERSION_END_NS + 86_400n * NANOS_PER_SECOND

export function nanosFromMs(ms: number): bigint {
  const wholeMs = Math.floor(ms)
  return BigInt(wholeMs) * NANOS_PER_MS + BigInt(Math.floor((ms - wholeMs) * 1e6))
}

/** Rounded up, so that nothing expires before its instant. */
export function nanosToMsCeil(ns: bigint): number {
  const floor = ns / NANOS_PER_MS
  return Number(ns > floor * NANOS_PER_MS ? floor + 1n : floor)
}

/** Absent means 1970, as newer Alertmanagers read it. */
export function nanosFromInstant(instant: Instant | undefined): bigint {
  return instant === undefined ? 0n : instant.seconds * NANOS_PER_SECOND + BigInt(instant.nanos)
}

export function instantFromNanos(ns: bigint): Instant {
  const nanos = ((ns % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND
  return create(InstantSchema, { seconds: (ns - nanos) / NANOS_PER_SECOND, nanos: Number(nanos) })
}

/** Whether the wire's other readers accept it: years 1 to 9999, nanoseconds below one second. */
export function isValidInstant(instant: Instant | undefined): boolean {
  if (instant === undefined) return true
  if (instant.nanos < 0 || instant.nanos >= 1e9) return false
  const ns = nanosFromInstant(instant)
  return ns >= ZERO_TIME_NS && ns < INSTANT_END_NS
}

/** Whether something is over that ends then. Programs in Go write the zero time for an alert that has no end. */
export function hasEnded(endsAtNs: bigint, nowMs: number): boolean {
  return endsAtNs !== ZERO_TIME_NS && endsAtNs <= nanosFromMs(nowMs)
}

export function maxNanos(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
