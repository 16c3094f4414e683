/** An HTTP app over memory facades, ready to inject into. */
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { buildHttp } from '../../src/http/app.ts'
import type { HttpDeps, HttpOptions } from '../../src/http/http-deps.ts'
import { createMetrics } from '../../src/http/metrics/registry.ts'
import {
  clusterOf,
  healthOf,
  localAcks,
  type MemoryKeyValue,
  memoryBatches,
  memoryKeyValue,
  memorySets,
} from './memory-facades.ts'
import { memoryWatches } from './memory-watches.ts'

export const NOW_MS: number = Date.UTC(2026, 10, 21, 12, 0, 0)

export interface TestApp {
  readonly app: FastifyInstance
  readonly kv: MemoryKeyValue
  /** Log lines, parsed. */
  readonly logged: readonly Record<string, unknown>[]
}

export function testApp(deps: Partial<HttpDeps> = {}, options: Partial<HttpOptions> = {}): TestApp {
  const kv = memoryKeyValue()
  const logged: Record<string, unknown>[] = []
  const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const app = buildHttp(
    {
      kv,
      sets: memorySets(),
      batches: memoryBatches(),
      acks: localAcks(),
      watches: memoryWatches().watches,
      cluster: clusterOf({
        name: 'dev-1',
        state: 'alive',
        address: '127.0.0.1:9094',
        incarnation: 1,
        rttMs: undefined,
        clockOffsetMs: undefined,
        class: 'native',
        isSelf: true,
      }),
      owner: () => 'dev-1',
      health: healthOf(),
      metrics: createMetrics({ processMetrics: false }),
      log,
      wallMs: () => NOW_MS,
      snapshot: async function* () {
        yield new TextEncoder().encode('a snapshot')
      },
      status: () => ({ name: 'dev-1', version: '0.0.0-test' }),
      ...deps,
    },
    { version: '0.0.0-test', listenHost: '127.0.0.1', externalUrl: undefined, routePrefix: '/', ...options },
  )
  return { app, kv, logged }
}
