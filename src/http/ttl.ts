/** `ttl` of a write: a duration that becomes the absolute time at which the entry ends. */
import { durationParameter, queryFault } from './query-fault.ts'

/** A TTL beyond this is a slip of units: a hundred years. */
const TTL_MS_MAX = 100 * 365 * 86_400_000

/** @throws HttpError `HTTP_QUERY_INVALID`, `DURATION_MALFORMED` */
export function expiryOf(ttl: string | undefined, nowMs: number): { readonly expiresAtMs?: number } {
  if (ttl === undefined) return {}
  const ttlMs = durationParameter('ttl', ttl)
  if (ttlMs === 0 || ttlMs > TTL_MS_MAX) {
    throw queryFault('ttl', 'ttl must be more than 0 and at most 876000h')
  }
  return { expiresAtMs: nowMs + ttlMs }
}
