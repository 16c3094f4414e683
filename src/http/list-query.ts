/** Query parameters that lists share: how many items, whether with values, and the query of the page that follows. */
import { queryFault } from './query-fault.ts'

export const LIST_LIMIT_MAX: number = 1000

/** @throws HttpError `HTTP_QUERY_INVALID` outside 1 to 1,000 */
export function parseLimit(text: string): number {
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > LIST_LIMIT_MAX) {
    throw queryFault('limit', `limit must be 1 to ${LIST_LIMIT_MAX}`, LIST_LIMIT_MAX)
  }
  return limit
}

/** Whether values are asked for; they are when nothing is said. @throws HttpError `HTTP_QUERY_INVALID` */
export function parseValues(text: string | undefined): boolean {
  if (text === undefined || text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw queryFault('values', 'values must be true or false')
}

/**
 * The `Link` header of a page that is not the last: the same list with all its parameters, from another place on.
 * @param path with the route prefix, percent-encoded
 */
export function nextLink(path: string, query: object, after: string): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...query, after })) parameters.set(name, String(value))
  return `<${path}?${parameters}>; rel="next"`
}
