/** Our `/api/v2` over silences and alerts in memory, on a clock that tests set. */
import { randomUUID } from 'node:crypto'
import { type FastifyInstance, fastify } from 'fastify'
import { Alerts } from '../../src/alerting/alerts.ts'
import { Silences } from '../../src/alerting/silences.ts'
import { alertmanagerApi } from '../../src/http/alertmanager-api.ts'
import type { AlertmanagerStatus } from '../../src/http/routes/alertmanager-status.ts'
import { type MemoryRecords, memoryRecords } from './memory-records.ts'
import { NOW_MS } from './silences.ts'

export interface AlertmanagerApp {
  readonly app: FastifyInstance
  readonly records: MemoryRecords
  readonly silences: Silences
  readonly alerts: Alerts
  /** What a notifier has announced; tests fill it. */
  readonly receivers: string[]
  readonly clock: { nowMs: number }
  readonly logged: readonly unknown[]
}

export const RETENTION_MS: number = 120 * 3_600_000
export const DISABLED: AlertmanagerStatus = {
  cluster: { status: 'disabled', peers: [] },
  startedAtMs: NOW_MS,
  hearsayVersion: '0.0.0-test',
}

/** @param clock omitted: the real time, for clients with clocks of their own */
export function alertmanagerApp(
  clock?: { nowMs: number },
  status: AlertmanagerStatus = DISABLED,
  bodyLimit = 65_536,
): AlertmanagerApp {
  const settable = clock ?? { nowMs: 0 }
  const logged: unknown[] = []
  const records = memoryRecords()
  const time = {
    monotonicMs: () => (clock === undefined ? performance.now() : settable.nowMs),
    wallMs: () => (clock === undefined ? Date.now() : settable.nowMs),
  }
  const silences = new Silences(records, time, { retentionMs: RETENTION_MS, newId: randomUUID })
  const alerts = new Alerts({ clock: time, silencedBy: (labels) => silences.matching(labels) })
  const receivers: string[] = []
  const app = fastify({ logger: false, bodyLimit })
  const log = { error: (entry: unknown) => void logged.push(entry) }
  const deps = { silences, alerts, receivers: () => receivers, status: () => status, log }
  app.register(alertmanagerApi(deps), { prefix: '/api/v2' })
  return { app, records, silences, alerts, receivers, clock: settable, logged }
}
