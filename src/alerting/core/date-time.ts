/**
 * Date-times as text, in the forms that Alertmanager's HTTP interface takes and gives.
 *
 * Out: always UTC, exactly three decimals, cut and not rounded. Rounding up could move a start into the next second,
 * and a client that posts it back would then ask for another silence instead of an edit.
 * In: RFC 3339 with any offset, and the looser forms that its parser was seen to take (alertmanager-state.md 5.1):
 * no zone (UTC), no seconds, a blank for the T, an offset without colon after 3 or 6 decimals, a plain date, and the
 * empty string for 1970. Decimals beyond nine are cut.
 */
import { NANOS_PER_SECOND } from './nanos.ts'

const FORM = /^(\d{4})-(\d\d)-(\d\d)(?:([T ])(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(Z|[+-]\d\d:?\d\d)?)?$/
const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Days from 1970-01-01 to the first of January of `year`. */
function daysBeforeYear(year: number): number {
  const before = year - 1
  const leaps = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400)
  return before * 365 + leaps - 719_162
}

function daysBefore(year: number, month: number, day: number): number {
  const leapDay = month > 2 && isLeapYear(year) ? 1 : 0
  return daysBeforeYear(year) + (DAYS_BEFORE_MONTH[month - 1] ?? 0) + leapDay + day - 1
}

/** Seconds east of UTC, or undefined when out of range. */
function offsetSeconds(zone: string): number | undefined {
  if (zone === '' || zone === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(-2))
  if (hours > 24 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60)
}

function isKnownForm(separator: string, second: string, fraction: string, zone: string): boolean {
  if (separator === ' ') return second !== '' && zone === ''
  if (second === '') return zone === '' || zone === 'Z'
  const zoneWithoutColon = zone.length === 5
  return !zoneWithoutColon || fraction.length === 3 || fraction.length === 6
}

/** @returns nanoseconds since 1970, or undefined when `text` has none of the forms or names no real instant */
export function parseDateTime(text: string): bigint | undefined {
  if (text === '') return 0n
  const match = FORM.exec(text)
  if (match === null) return undefined
  const [, years = '', months = '', days = '', separator = 'T', hours = '0', minutes = '0'] = match
  const [seconds = '', fraction = '', zone = ''] = match.slice(7)
  if (!isKnownForm(separator, seconds, fraction, zone)) return undefined
  const [year, month, day] = [Number(years), Number(months), Number(days)]
  const [hour, minute, second] = [Number(hours), Number(minutes), Number(seconds)]
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const eastSeconds = offsetSeconds(zone)
  if (eastSeconds === undefined) return undefined
  const total = daysBefore(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - eastSeconds
  return BigInt(total) * NANOS_PER_SECOND + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

/** `2026-11-21T00:03:06.104Z`. For instants of the years 0 to 9999. */
export function formatDateTime(ns: bigint): string {
  const nanos = ((ns % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND
  const seconds = Number((ns - nanos) / NANOS_PER_SECOND)
  const days = Math.floor(seconds / 86_400)
  let year = Math.floor(days / 365.2425) + 1970
  while (daysBeforeYear(year) > days) year--
  while (daysBeforeYear(year + 1) <= days) year++
  let month = 12
  while (daysBefore(year, month, 1) > days) month--
  const day = days - daysBefore(year, month, 1) + 1
  const ofDay = seconds - days * 86_400
  const date = `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`
  const time = [Math.floor(ofDay / 3600), Math.floor(ofDay / 60) % 60, ofDay % 60].map((n) => padded(n, 2))
  return `${date}T${time.join(':')}.${padded(Math.floor(Number(nanos) / 1e6), 3)}Z`
}
