/**
 * One page of a map as JSON text (kv-item-json.ts). It ends at `limit` items (100, at most 1,000) or, with values, after
 * 4 MiB of them; it always holds at least one item when there is one, so that paging gets on.
 */
import type { KeyValue } from '../../store/key-value.ts'
import { kvItemJson } from '../kv-item-json.ts'
import { parseLimit, parseValues } from '../list-query.ts'
import { turns } from '../turns.ts'

const LIMIT_DEFAULT = 100
/** To look at a value of this size takes some 10 us: a thousand of them fit into a turn. */
const PAUSE_BYTES = 1024
export const LIST_PAGE_BYTES_MAX: number = 4 * 1024 * 1024

export interface KvPageQuery {
  readonly prefix?: string
  readonly after?: string
  readonly limit?: string
  readonly values?: string
}

export interface KvPage {
  readonly json: string
  /** `after` of the following page; undefined on the last. */
  readonly next: string | undefined
}

/** @throws HttpError `HTTP_QUERY_INVALID` for a limit outside 1 to 1,000 or `values` other than true and false */
export async function listPage(kv: KeyValue, map: string, query: KvPageQuery): Promise<KvPage> {
  const limit = query.limit === undefined ? LIMIT_DEFAULT : parseLimit(query.limit)
  const withValues = parseValues(query.values)
  const listed = kv.list(map, {
    limit,
    ...(query.prefix === undefined ? {} : { prefix: query.prefix }),
    ...(query.after === undefined ? {} : { after: query.after }),
  })
  const items: string[] = []
  let bytes = 0
  for (const item of listed.items) {
    if (withValues) bytes += item.value.bytes.length
    if (items.length > 0 && bytes > LIST_PAGE_BYTES_MAX) break
    items.push(kvItemJson(item, withValues))
    if (item.value.bytes.length > PAUSE_BYTES) await turns.pause()
  }
  const cut = items.length < listed.items.length
  const next = cut ? listed.items[items.length - 1]?.key : listed.next
  const nextJson = next === undefined ? '' : `,"next":${JSON.stringify(next)}`
  return { json: `{"items":[${items.join(',')}]${nextJson}}`, next }
}
