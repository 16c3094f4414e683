import { gunzipSync } from 'node:zlib'
import { type FastifyInstance, fastify } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  COMPRESSED,
  COMPRESSED_BYTES_MIN,
  COMPRESSIONS_MAX,
  Compression,
  takesGzip,
} from '../../src/http/compression.ts'
import { testApp } from '../support/http-app.ts'

/** Of deps that the app under test has not. */
const OPTIONAL = /^\/api\/v2|notifications|openapi/
const GZIP = { 'accept-encoding': 'gzip, deflate, br' }

async function appWithEntries(count: number): Promise<FastifyInstance> {
  const { app, kv } = testApp()
  const bytes = Buffer.from('{"cpu": 0.90}')
  for (let i = 0; i < count; i++) await kv.put('m', `key-${i}`, { contentType: 'application/json', bytes })
  return app
}

describe('compression of lists', () => {
  it('gives whoever takes gzip the same list, smaller', async () => {
    const app = await appWithEntries(100)
    const plain = await app.inject('/api/v1/kv/m')
    const small = await app.inject({ url: '/api/v1/kv/m', headers: GZIP })
    expect(small.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-length': String(small.rawPayload.length),
      vary: 'accept-encoding',
    })
    expect(gunzipSync(small.rawPayload).toString()).toBe(plain.payload)
    expect(small.rawPayload.length).toBeLessThan(plain.rawPayload.length / 4)
    expect(plain.headers).toMatchObject({ vary: 'accept-encoding' })
    expect(plain.headers).not.toHaveProperty('content-encoding')
  })

  it('leaves what is small as it is', async () => {
    const app = await appWithEntries(1)
    const answer = await app.inject({ url: '/api/v1/kv/m', headers: GZIP })
    expect(answer.rawPayload.length).toBeLessThan(COMPRESSED_BYTES_MIN)
    expect(answer.headers).not.toHaveProperty('content-encoding')
  })

  it('does not touch values, whose ETag stands for their bytes, nor streams', async () => {
    const { app } = testApp()
    const payload = JSON.stringify('x'.repeat(10_000))
    const headers = { 'content-type': 'application/json' }
    await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload, headers })
    const value = await app.inject({ url: '/api/v1/kv/m/k', headers: GZIP })
    expect(value.payload).toBe(payload)
    for (const name of ['content-encoding', 'vary']) expect(value.headers).not.toHaveProperty(name)
    const snapshot = await app.inject({ url: '/api/v1/snapshot', headers: GZIP })
    expect(snapshot.headers).not.toHaveProperty('content-encoding')
  })

  it('gives a scrape as Prometheus asks for it', async () => {
    const headers = { 'accept-encoding': 'gzip' }
    const scraped = await testApp().app.inject({ url: '/metrics', headers })
    expect(scraped.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(scraped.rawPayload).toString()).toContain('# TYPE hearsay_ready gauge')
  })

  it('problems and HEAD go without', async () => {
    const app = await appWithEntries(100)
    const head = await app.inject({ method: 'HEAD', url: '/api/v1/kv/m', headers: GZIP })
    expect([head.statusCode, head.headers['content-encoding'], head.payload]).toEqual([200, undefined, ''])
    const problem = await app.inject({ url: '/api/v1/kv/m?limit=0', headers: GZIP })
    expect([problem.statusCode, problem.json().code]).toEqual([400, 'HTTP_QUERY_INVALID'])
  })

  it('runs two at a time; whoever comes then gets plain bytes at once', async () => {
    const app = fastify()
    onTestFinished(() => app.close())
    const compression = new Compression('')
    app.addHook('onRoute', (route) => compression.addTo(route))
    // All of them are answered in one turn, so that none is over before the last one begins.
    const answers: (() => void)[] = []
    const payload = 'x'.repeat(COMPRESSED_BYTES_MIN)
    app.get('/metrics', (_request, reply) => {
      answers.push(() => void reply.send(payload))
      if (answers.length === COMPRESSIONS_MAX + 1) for (const answer of answers) answer()
    })
    const ask = () => app.inject({ url: '/metrics', headers: GZIP })
    const all = await Promise.all(Array.from({ length: COMPRESSIONS_MAX + 1 }, ask))
    const encodings = all.map(({ headers }) => headers['content-encoding'])
    expect(encodings.toSorted()).toEqual(['gzip', 'gzip', undefined])
    answers.length = COMPRESSIONS_MAX
    expect((await ask()).headers['content-encoding']).toBe('gzip')
  })

  it('makes a strong ETag a weak one, and adds to Vary', async () => {
    const app = fastify()
    onTestFinished(() => app.close())
    const compression = new Compression('/p')
    app.addHook('onRoute', (route) => compression.addTo(route))
    app.get('/p/api/v1/status', (_request, reply) => {
      reply.header('etag', '"v1"').header('vary', 'accept').send('x'.repeat(COMPRESSED_BYTES_MIN))
    })
    const answer = await app.inject({ url: '/p/api/v1/status', headers: GZIP })
    expect(answer.headers).toMatchObject({ etag: 'W/"v1"', vary: 'accept, accept-encoding' })
  })

  it('works under a route prefix', async () => {
    const { app } = testApp({}, { routePrefix: '/store/' })
    const answer = await app.inject({ url: '/store/metrics', headers: GZIP })
    expect(answer.headers['content-encoding']).toBe('gzip')
  })

  it.each(COMPRESSED.filter((path) => !OPTIONAL.test(path)))('%s is a route that there is', async (path) => {
    const answer = await testApp().app.inject(path.replaceAll(/:\w+/g, 'x'))
    expect(answer.statusCode === 404 ? answer.json().code : '').not.toBe('HTTP_ROUTE_NOT_FOUND')
  })
})

describe('Accept-Encoding', () => {
  it.each([
    'gzip',
    'GZIP',
    'x-gzip',
    'deflate, gzip;q=1.0, *;q=0.5',
    'br;q=1.0, gzip;q=0.001',
    '*',
    'identity;q=0.5, gzip;q=0.5',
    'gzip ; q=1.000',
  ])('%j takes gzip', (header) => {
    expect(takesGzip(header)).toBe(true)
  })

  it.each([
    '',
    'identity',
    'br',
    'gzip;q=0',
    'gzip;q=0.000, *',
    '*;q=0',
    'identity, gzip;q=0.5',
    'gzip;q=2',
    'gzip;level=9',
    'gzip,,',
    'gz ip',
  ])('%j does not', (header) => {
    expect(takesGzip(header)).toBe(false)
  })
})
