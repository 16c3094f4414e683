/**
 * Durations as people of this field write them: `500ms`, `30s`, `5m`, `1h30m`, `120h`, `1d`. The units are those of
 * Go's and Prometheus' flags that make sense here; `0` alone needs no unit. Fractions (`1.5h`) are accepted as Go does.
 */
import { HearsayError } from './errors.ts'

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
])
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/gy

/**
 * @returns milliseconds, rounded to a whole one
 * @throws HearsayError `DURATION_MALFORMED`, naming the text
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  let totalMs = 0
  let position = 0
  for (const match of text.matchAll(PART)) {
    totalMs += Number(match[1]) * (UNIT_MS.get(match[2] ?? '') ?? Number.NaN)
    position = match.index + match[0].length
  }
  if (position === 0 || position !== text.length || !Number.isSafeInteger(Math.round(totalMs))) {
    throw new HearsayError(
      'DURATION_MALFORMED',
      `not a duration such as 500ms, 30s or 1h30m: ${JSON.stringify(text)}`,
    )
  }
  return Math.round(totalMs)
}

/** The shortest exact form: 5_400_000 gives `1h30m`, 0 gives `0s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s'
  let rest = durationMs
  let text = ''
  for (const unit of ['h', 'm', 's', 'ms']) {
    const unitMs = UNIT_MS.get(unit) ?? 1
    const count = Math.floor(rest / unitMs)
    if (count > 0) text += `${count}${unit}`
    rest -= count * unitMs
  }
  return text
}
