/**
 * A page of maps or sets with their counts, by name. Without `limit` it holds up to 10,000 of them, which is all of them
 * as a rule: maps and sets are what a program names, not what it fills.
 */
import { parseLimit } from './list-query.ts'

export const NAMES_MAX = 10_000

export interface NamedCount {
  readonly name: string
  readonly count: number
}

export interface NamesQuery {
  readonly after?: string
  readonly limit?: string
}

export interface NamesPage {
  readonly items: NamedCount[]
  /** `after` of the following page; undefined on the last. */
  readonly next: string | undefined
}

/**
 * @param all by name, ascending
 * @throws HttpError `HTTP_QUERY_INVALID`
 */
export function namesPage(all: readonly NamedCount[], { after, limit }: NamesQuery): NamesPage {
  const most = limit === undefined ? NAMES_MAX : parseLimit(limit)
  const found = after === undefined ? 0 : all.findIndex(({ name }) => name > after)
  const from = found < 0 ? all.length : found
  const items = all.slice(from, from + most)
  return { items, next: from + most < all.length ? items.at(-1)?.name : undefined }
}
