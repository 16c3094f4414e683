/**
 * One page of a map as JSON text. The text is put together by hand so that JSON values stand in it exactly as they were
 * written: parsing and printing them again would lose digits of large numbers and repeated names.
 *
 * A page ends at `limit` items (100, at most 1,000) or, with values, after 4 MiB of them; it always holds at least one
 * item when there is one, so that paging gets on.
 */
import type { KeyValue, KvItem } from '../../store/key-value.ts'
import { HttpError } from '../problem.ts'
import { asBuffer, inlineJson } from '../stored-value.ts'

const LIMIT_DEFAULT = 100
export const LIST_LIMIT_MAX: number = 1000
export const LIST_PAGE_BYTES_MAX: number = 4 * 1024 * 1024

export interface KvPageQuery {
  readonly prefix?: string
  readonly after?: string
  readonly limit?: string
  readonly values?: string
}

export interface KvPage {
  readonly json: string
  /** Query of the following page; undefined on the last. */
  readonly nextQuery: string | undefined
}

/** @throws HttpError `HTTP_QUERY_INVALID` for a limit outside 1 to 1,000 or `values` other than true and false */
export function listPage(kv: KeyValue, map: string, query: KvPageQuery): KvPage {
  const limit = parseLimit(query.limit)
  const withValues = parseFlag(query.values)
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
    items.push(itemJson(item, withValues))
  }
  const cut = items.length < listed.items.length
  const next = cut ? listed.items[items.length - 1]?.key : listed.next
  const nextJson = next === undefined ? '' : `,"next":${JSON.stringify(next)}`
  return {
    json: `{"items":[${items.join(',')}]${nextJson}}`,
    nextQuery: next === undefined ? undefined : nextQuery(query, next),
  }
}

function itemJson(item: KvItem, withValue: boolean): string {
  const expiresAt =
    item.expiresAtMs === undefined ? '' : `,"expiresAt":"${new Date(item.expiresAtMs).toISOString()}"`
  return (
    `{"key":${JSON.stringify(item.key)}${withValue ? valueJson(item) : ''}` +
    `,"contentType":${JSON.stringify(item.value.contentType)},"version":${JSON.stringify(item.version)}` +
    `,"updatedAt":"${new Date(item.updatedAtMs).toISOString()}"${expiresAt}}`
  )
}

function valueJson(item: KvItem): string {
  const json = inlineJson(item.value)
  if (json !== undefined) return `,"value":${json}`
  return `,"valueBase64":"${asBuffer(item.value.bytes).toString('base64')}"`
}

function nextQuery(query: KvPageQuery, next: string): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries({ ...query, after: next })) parameters.set(name, value)
  return parameters.toString()
}

function parseLimit(text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > LIST_LIMIT_MAX) {
    throw new HttpError('HTTP_QUERY_INVALID', `limit must be 1 to ${LIST_LIMIT_MAX}`, LIST_LIMIT_MAX)
  }
  return limit
}

function parseFlag(text: string | undefined): boolean {
  if (text === undefined || text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw new HttpError('HTTP_QUERY_INVALID', 'values must be true or false')
}
