/** How long requests take, by route: what is measured, and that no client can make a series. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { SAMPLED_OF } from '../../src/http/metrics/request-times.ts'
import type { RequestTrace } from '../../src/http/request-trace.ts'
import { testApp } from '../support/http-app.ts'

let app: FastifyInstance | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
})

function started(...parameters: Parameters<typeof testApp>): FastifyInstance {
  app = testApp(...parameters).app
  return app
}

async function series(app: FastifyInstance, name: string): Promise<readonly string[]> {
  const { body } = await app.inject('/metrics')
  return body.split('\n').filter((line) => line.startsWith(name))
}

const COUNT = 'alertmanager_http_request_duration_seconds_count'

describe('request times', () => {
  it('are counted by the pattern of the route and the method', async () => {
    const app = started()
    await app.inject('/api/v1/kv/one')
    await app.inject('/api/v1/kv/other?limit=0')
    const counts = await series(app, COUNT)
    expect(counts).toContain(`${COUNT}{handler="/api/v1/kv/:map",method="GET"} 2`)
    const sizes = await series(app, 'alertmanager_http_response_size_bytes_count')
    expect(sizes.join()).toContain('handler="/api/v1/kv/:map"')
  })

  it(`of one entry are measured for one request of ${SAMPLED_OF}, which counts for all`, async () => {
    const app = started()
    const url = '/api/v1/kv/map/key'
    for (let i = 1; i < SAMPLED_OF; i++) await app.inject(url)
    expect((await series(app, COUNT)).join()).not.toContain(':key')
    for (let i = 0; i <= SAMPLED_OF; i++) await app.inject(url)
    const counts = await series(app, COUNT)
    expect(counts).toContain(`${COUNT}{handler="/api/v1/kv/:map/:key",method="GET"} ${2 * SAMPLED_OF}`)
  })

  it('have no series for what no route takes, whatever the path and the method', async () => {
    const app = started()
    await app.inject('/nowhere-at-all')
    await app.inject('/metrics')
    const before = await series(app, 'alertmanager_http')
    for (let i = 0; i < 200; i++) {
      await app.inject(`/nowhere-${i}`)
      await app.inject({ url: `/api/v1/nowhere/${i}`, method: 'PATCH' })
      await app.inject({ url: '/metrics', method: 'DELETE' })
    }
    expect(await series(app, 'alertmanager_http')).toHaveLength(before.length)
    expect((await app.inject('/metrics')).body).not.toContain('nowhere')
  })
})

describe('requests', () => {
  it.each(['/api/v1/kv/some-map/some-key', '/api/v1/kv'])(
    'are logged at debug, without their query: %s',
    async (path) => {
      const lines: Record<string, unknown>[] = []
      const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
      const app = started({ log })
      await app.inject({
        url: path.endsWith('kv') ? `${path}?limit=5` : path,
        headers: { authorization: 'Basic c2VjcmV0' },
      })
      await expect.poll(() => lines.filter(({ event }) => event === 'http_request')).toHaveLength(1)
      expect(lines[0]).toMatchObject({ component: 'http', method: 'GET', path })
      expect(JSON.stringify(lines)).not.toMatch(/limit=5|c2VjcmV0/)
      log.level = 'info'
      await app.inject(path)
      expect(lines).toHaveLength(1)
    },
  )
})

describe('the tracing channel of requests', () => {
  it.each(['/api/v1/kv/some-map/some-key', '/api/v1/kv/some-map'])('has start and end of %s', async (url) => {
    const app = started()
    const heard: string[] = []
    const ended: RequestTrace[] = []
    const onStart = (message: unknown): void => {
      heard.push('start')
      expect((message as RequestTrace).status).toBeUndefined()
    }
    const onEnd = (message: unknown): void => {
      heard.push('end')
      ended.push(message as RequestTrace)
    }
    subscribe('tracing:hearsay:request:start', onStart)
    subscribe('tracing:hearsay:request:asyncEnd', onEnd)
    try {
      const { statusCode } = await app.inject(url)
      await expect.poll(() => heard).toEqual(['start', 'end'])
      expect(ended[0]).toMatchObject({ method: 'GET', url, status: statusCode })
      expect(ended[0]?.route).toMatch(/^\/api\/v1\/kv\/:map/)
    } finally {
      unsubscribe('tracing:hearsay:request:start', onStart)
      unsubscribe('tracing:hearsay:request:asyncEnd', onEnd)
    }
  })
})
