/**
 * Hybrid logical clock: stamps that order writes as wall clocks would, but never run backwards on one replica and
 * always come after what that replica has seen.
 *
 * Intuition: it is a wall clock that refuses to go back. While the wall stands behind the newest stamp seen, the
 * logical part counts instead: at wall 1000 the stamps run 1000.0, 1000.1, 1000.2; when the wall reaches 1001 they
 * go on at 1001.0. After 65,536 stamps within one ms the physical part moves ahead by one.
 *
 * Pure: a clock is a value, `nowMs` comes in, the next clock goes out. Not done here: deciding which stamps are too far
 * ahead to be believed (see store/core/replica-state.ts) and keeping the clock on disk.
 */
import { HearsayError } from '../base/errors.ts'
import { type ActorId, actorId } from '../base/names.ts'

export const LOGICAL_MAX = 65_535
/** End of the year 9999. No stamp lies above it: a number beyond 2^53 would be written to disk and not read again. */
export const STAMP_MS_MAX = 253_402_300_799_999

export interface Stamp {
  /** Raised by operators to outrank a poisoned time; ordinary writes keep the entry's. */
  readonly epoch: number
  /** Physical part: wall ms since 1970. */
  readonly ms: number
  /** Breaks ties within one ms; below 65,536. */
  readonly logical: number
  readonly actor: ActorId
}

/** The newest instant given out or seen. */
export interface ClockState {
  readonly ms: number
  readonly logical: number
}

export const CLOCK_START: ClockState = { ms: 0, logical: 0 }

function compareInstants(a: ClockState, b: ClockState): number {
  return a.ms - b.ms || a.logical - b.logical
}

function after(instant: ClockState): ClockState {
  return instant.logical < LOGICAL_MAX
    ? { ms: instant.ms, logical: instant.logical + 1 }
    : { ms: instant.ms + 1, logical: 0 }
}

/** The clock after one local write at wall time `nowMs`: strictly above `clock`, and not behind the wall. */
export function tickLocal(clock: ClockState, nowMs: number): ClockState {
  const wallMs = Math.floor(nowMs)
  return wallMs > clock.ms ? { ms: wallMs, logical: 0 } : after(clock)
}

/** The clock after a foreign stamp was seen: not behind it, so that the next local one comes after it. */
export function observe(clock: ClockState, seen: ClockState): ClockState {
  return compareInstants(seen, clock) > 0 ? { ms: seen.ms, logical: seen.logical } : clock
}

/**
 * The stamp of a write: the clock's instant, unless the write replaces an entry whose stamp is not below it; then just
 * above that one, so that "newer by the user's intent" is never lost to a skewed clock (peers.md 3c).
 *
 * @param clock a clock fresh from `tickLocal`
 * @param overwritten stamp of the entry being replaced; its epoch is kept
 * @throws HearsayError `STAMP_EXHAUSTED` when there is none above it, which only a hostile peer brings about
 */
export function stampWrite(clock: ClockState, actor: ActorId, overwritten: Stamp | undefined): Stamp {
  if (overwritten === undefined) return { epoch: 0, ms: clock.ms, logical: clock.logical, actor }
  const instant = compareInstants(clock, overwritten) > 0 ? clock : after(overwritten)
  if (instant.ms > STAMP_MS_MAX) {
    throw new HearsayError('STAMP_EXHAUSTED', 'the entry has the last possible version; use another key')
  }
  return { epoch: overwritten.epoch, ms: instant.ms, logical: instant.logical, actor }
}

/** Total order: epoch, physical, logical, actor. */
export function compareStamps(a: Stamp, b: Stamp): number {
  const difference = a.epoch - b.epoch || compareInstants(a, b)
  if (difference !== 0) return difference
  return a.actor === b.actor ? 0 : a.actor < b.actor ? -1 : 1
}

/** `epoch.ms.logical.actor`: the version that clients see. */
export function formatStamp(stamp: Stamp): string {
  return `${stamp.epoch}.${stamp.ms}.${stamp.logical}.${stamp.actor}`
}

const STAMP_PATTERN = /^(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,4})\.([0-9a-f]{32})$/

/** @throws HearsayError `STAMP_MALFORMED` unless `text` is exactly what `formatStamp` gives for some stamp */
export function parseStamp(text: string): Stamp {
  const parts = STAMP_PATTERN.exec(text)
  const epoch = Number(parts?.[1])
  const ms = Number(parts?.[2])
  const logical = Number(parts?.[3])
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(ms) || !(logical <= LOGICAL_MAX)) {
    throw new HearsayError('STAMP_MALFORMED', `not a version: ${JSON.stringify(text)}`)
  }
  return { epoch, ms, logical, actor: actorId(parts?.[4] ?? '') }
}
