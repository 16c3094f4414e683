/** Entries of the notification log and flushes, with only what a test says about them. */
import type { Flush } from '../../src/alerting/core/flush.ts'
import { nanosFromMs } from '../../src/alerting/core/nanos.ts'
import type { Notification } from '../../src/alerting/core/notification.ts'

export const NOW_MS: number = Date.UTC(2026, 0, 1)
export const NOW_NS: bigint = nanosFromMs(NOW_MS)
export const HOUR_NS: bigint = 3_600_000_000_000n

export const GROUP_KEY = '{}:{alertname="foo"}'
export const WEBHOOK = { groupName: 'wh', integration: 'webhook', idx: 0 } as const

export function aNotification(fields: Partial<Notification> = {}): Notification {
  return {
    groupKey: GROUP_KEY,
    receiver: WEBHOOK,
    timestampNs: NOW_NS,
    expiresAtNs: NOW_NS + 8n * HOUR_NS,
    firing: [],
    resolved: [],
    receiverData: new Map(),
    ...fields,
  }
}

export function aFlush(fields: Partial<Flush> = {}): Flush {
  return {
    groupKey: GROUP_KEY,
    receiver: WEBHOOK,
    firing: [],
    resolved: [],
    repeatIntervalMs: 4 * 3_600_000,
    sendResolved: true,
    flushedAtNs: NOW_NS,
    timeoutMs: 60_000,
    ...fields,
  }
}
