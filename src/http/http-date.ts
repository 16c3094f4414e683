/**
 * Times as HTTP headers write them, by the second. Formatting costs more than the rest of a small read, and entries that
 * are read much were often written in the same seconds, so up to 1,024 texts are remembered.
 */
const REMEMBERED_MAX = 1024
const remembered = new Map<number, string>()

/** @param timeMs within the range of Date; others give the epoch, since a peer may have written anything */
export function httpDate(timeMs: number): string {
  const second = Math.floor(timeMs / 1000)
  const known = remembered.get(second)
  if (known !== undefined) return known
  const date = new Date(second * 1000)
  const text = (Number.isNaN(date.getTime()) ? new Date(0) : date).toUTCString()
  if (remembered.size >= REMEMBERED_MAX) remembered.clear()
  remembered.set(second, text)
  return text
}
