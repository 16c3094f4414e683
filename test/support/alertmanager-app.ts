/** Our `/api/v2` over silences in memory, on a clock that tests set. */
import { randomUUID } from 'node:crypto'
import { type FastifyInstance, fastify } from 'fastify'
import { Silences } from '../../src/alerting/silences.ts'
import { alertmanagerApi } from '../../src/http/alertmanager-api.ts'
import type { AlertmanagerStatus } from '../../src/http/routes/alertmanager-status.ts'
import { type MemoryRecords, memoryRecords } from './memory-records.ts'
import { NOW_MS } from './silences.ts'

export interface AlertmanagerApp {
  readonly app: FastifyInstance
  readonly records: MemoryRecords
  readonly silences: Silences
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
): AlertmanagerApp {
  const settable = clock ?? { nowMs: 0 }
  const logged: unknown[] = []
  const records = memoryRecords()
  const silences = new Silences(
    records,
    { monotonicMs: () => performance.now(), wallMs: clock === undefined ? Date.now : () => settable.nowMs },
    { retentionMs: RETENTION_MS, newId: randomUUID },
  )
  const app = fastify({ logger: false, bodyLimit: 65_536 })
  const log = { error: (entry: unknown) => void logged.push(entry) }
  app.register(alertmanagerApi({ silences, status: () => status, log }), { prefix: '/api/v2' })
  return { app, records, silences, clock: settable, logged }
}
