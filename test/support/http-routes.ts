/**
 * Every route of the HTTP app, asked of fastify itself, so that a test over all of them meets a new route without being
 * told. The app has every optional part; the type says so, and a new part that is left out here does not compile.
 */

import { Alerts } from '../../src/alerting/alerts.ts'
import { NotificationLog } from '../../src/alerting/notification-log.ts'
import { Silences } from '../../src/alerting/silences.ts'
import { Encryption } from '../../src/app/encryption.ts'
import { Keyring } from '../../src/gossip/wire/keyring.ts'
import { alertmanagerApi } from '../../src/http/alertmanager-api.ts'
import type { HttpDeps, HttpOptions } from '../../src/http/http-deps.ts'
import { DISABLED } from './alertmanager-app.ts'
import { keyOf } from './gossip-keys.ts'
import { NOW_MS, type TestApp, testApp } from './http-app.ts'
import { memoryRecords } from './memory-records.ts'

export interface ListedRoute {
  readonly method: string
  /** As the router knows it: `/api/v1/kv/:map/:key`. */
  readonly pattern: string
  /** One path that it takes. */
  readonly path: string
  /** Whether a body may come with it. */
  readonly takesBody: boolean
}

type OptionalDeps = {
  readonly [Name in keyof HttpDeps as undefined extends HttpDeps[Name] ? Name : never]-?: NonNullable<
    HttpDeps[Name]
  >
}

const CLOCK = { monotonicMs: () => 0, wallMs: () => NOW_MS }
const UUID = '7d8f1c4e-0000-4000-8000-000000000001'

/** @param overrides of the parts; `access` lets everybody in by default */
export function fullApp(overrides: Partial<HttpDeps> = {}, options: Partial<HttpOptions> = {}): TestApp {
  const records = memoryRecords()
  const silences = new Silences(records, CLOCK, { retentionMs: 1000, newId: () => UUID })
  const alerts = new Alerts({ clock: CLOCK, silencedBy: () => [] })
  const parts: OptionalDeps = {
    membership: { leave: async () => undefined, join: async () => ({ reached: [], failed: [] }) },
    gossipKeys: new Encryption({
      ring: new Keyring([keyOf(1).bytes]),
      verifyIncoming: true,
      verifyOutgoing: true,
    }),
    alerting: {
      log: new NotificationLog(memoryRecords(), CLOCK, { retentionMs: 1000 }),
      claims: {
        claim: async () => ({ held: true, claim: { id: 'c', key: 'k', expiresAtMs: NOW_MS } }),
        renew: () => undefined,
        release: () => true,
      },
      spread: async () => ({ reached: true, acked: ['dev-1'], needed: 1 }),
      labelHash: () => 1n,
      silencedBy: () => [],
    },
    access: { headers: [], admits: () => true, check: () => 'allowed' },
    reload: async () => ({ applied: [], needsRestart: [], reread: [], unchanged: 1 }),
    alertmanagerApi: alertmanagerApi({
      silences,
      alerts,
      receivers: () => [],
      status: () => DISABLED,
      log: { error: () => undefined },
    }),
  }
  return testApp({ ...parts, ...overrides }, options)
}

/** In the order of their registration. To be called before the app is ready, since it listens for what is registered. */
export async function everyRoute({ app }: TestApp): Promise<readonly ListedRoute[]> {
  const routes: ListedRoute[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const name of typeof method === 'string' ? [method] : method) {
      const takesBody = name === 'POST' || name === 'PUT' || name === 'PATCH' || name === 'DELETE'
      routes.push({ method: name, pattern: url, path: pathOf(url), takesBody })
    }
  })
  await app.ready()
  return routes
}

function pathOf(pattern: string): string {
  return pattern.replace(/:id\b(\([^)]*\))?/, UUID).replaceAll(/:\w+(\([^)]*\))?/g, 'x')
}
