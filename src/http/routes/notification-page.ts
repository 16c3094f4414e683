/**
 * One page of the notification log, in key order (UTF-16 code units): all of it, or of one group, or of one receiver.
 * Entries of the page alone are decoded, and those whose key begins as the group does.
 */
import type { Notification } from '../../alerting/core/notification.ts'
import { receiverKey } from '../../alerting/core/receiver.ts'
import type { NotificationLog } from '../../alerting/notification-log.ts'
import { LIST_LIMIT_MAX } from '../list-query.ts'
import { HttpError } from '../problem.ts'
import { shownEntry } from './notification-body.ts'

const LIMIT_DEFAULT = 100

export interface NotificationPageQuery {
  readonly groupKey?: string
  /** `groupName/integration/idx`. */
  readonly receiver?: string
  readonly after?: string
  readonly limit?: string
}

export interface NotificationPage {
  readonly items: readonly Readonly<Record<string, unknown>>[]
  /** For `after`; absent on the last page. */
  readonly next?: string
}

/** @throws HttpError `HTTP_QUERY_INVALID` */
export function notificationPage(
  log: Pick<NotificationLog, 'keys' | 'get'>,
  query: NotificationPageQuery,
): NotificationPage {
  const { groupKey, receiver, after = '' } = query
  const limit = limitOf(query.limit)
  const prefix = groupKey === undefined ? '' : `${groupKey}:`
  const suffix = receiver === undefined ? '' : `:${receiver}`
  const keys = [...log.keys()]
    .filter((key) => key > after && key.startsWith(prefix) && key.endsWith(suffix))
    .sort((a, b) => (a < b ? -1 : 1))
  const items: Readonly<Record<string, unknown>>[] = []
  let last: string | undefined
  for (const key of keys) {
    const entry = log.get(key)
    // A group may have a colon of its own in the name: the key alone does not tell.
    if (entry === undefined || !isAskedFor(entry, query)) continue
    if (items.length === limit) return { items, ...(last === undefined ? {} : { next: last }) }
    items.push(shownEntry(entry))
    last = key
  }
  return { items }
}

function isAskedFor(entry: Notification, { groupKey, receiver }: NotificationPageQuery): boolean {
  if (groupKey !== undefined && entry.groupKey !== groupKey) return false
  return receiver === undefined || receiverKey(entry.receiver) === receiver
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= LIST_LIMIT_MAX) return limit
  throw new HttpError('HTTP_QUERY_INVALID', `limit must be 1 to ${LIST_LIMIT_MAX}`, LIST_LIMIT_MAX)
}
