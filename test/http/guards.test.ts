import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { BODY_BYTES_MAX } from '../../src/http/app.ts'
import { type TestApp, testApp } from '../support/http-app.ts'

const open: TestApp[] = []

afterEach(async () => {
  for (const { app } of open.splice(0)) await app.close()
})

/** Port of an app that really listens, for what `inject` would rewrite. */
async function listening(options: Parameters<typeof testApp>[1] = {}): Promise<number> {
  const test = testApp({}, options)
  open.push(test)
  await test.app.listen({ host: '127.0.0.1', port: 0 })
  const address = test.app.server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function rawExchange(port: number, request: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.end(request)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  await once(socket, 'close')
  return text
}

describe('unknown paths and methods', () => {
  it('an unknown path is a 404 problem', async () => {
    const answer = await testApp().app.inject('/api/v1/nothing')
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'HTTP_ROUTE_NOT_FOUND'])
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({
      type: 'urn:hearsay:error:HTTP_ROUTE_NOT_FOUND',
      title: expect.any(String),
    })
  })

  it.each([
    ['POST', '/api/v1/kv/m/k', 'PUT, GET, HEAD, DELETE'],
    ['DELETE', '/api/v1/kv', 'GET, HEAD'],
    ['OPTIONS', '/api/v1/sets/s/m', 'PUT, DELETE, GET, HEAD'],
    ['PUT', '/metrics', 'GET, HEAD'],
    ['PATCH', '/api/v1/cluster?x=1', 'GET, HEAD'],
  ] as const)('%s %s is 405 and Allow names %s', async (method, url, allow) => {
    const answer = await testApp().app.inject({ method, url })
    expect([answer.statusCode, answer.json().code]).toEqual([405, 'HTTP_METHOD_NOT_ALLOWED'])
    expect(String(answer.headers.allow).split(', ').sort()).toEqual(allow.split(', ').sort())
  })

  it.each([
    '/api/v1/kv/./k',
    '/api/v1/kv/../k',
    '/api/v1/kv/m/../k',
    '/api/v1/kv/m/.',
    '//',
    '/api//v1/kv/m/k',
  ])('the raw path %s is refused as malformed', async (path) => {
    const port = await listening()
    const request = http.request({ port, host: '127.0.0.1', method: 'PUT', path, agent: false })
    request.end('v')
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    const text = (await response.toArray()).join('')
    expect([response.statusCode, JSON.parse(text).code]).toEqual([400, 'HTTP_PATH_MALFORMED'])
  })
})

describe('bodies', () => {
  it('a body of exactly the limit is taken, one byte more is 413 naming the limit', async () => {
    const { app } = testApp()
    const put = (bytes: number) =>
      app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: Buffer.alloc(bytes) })
    expect((await put(BODY_BYTES_MAX)).statusCode).toBe(201)
    const refused = await put(BODY_BYTES_MAX + 1)
    expect(refused.statusCode).toBe(413)
    expect(refused.json()).toMatchObject({ code: 'HTTP_BODY_TOO_LARGE', limit: BODY_BYTES_MAX })
  })

  it('a chunked body without a length is cut at the limit as well', async () => {
    const port = await listening({ bodyBytesMax: 1000 })
    const chunk = `3e8\r\n${'x'.repeat(1000)}\r\n`
    const answer = await rawExchange(
      port,
      `PUT /api/v1/kv/m/k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(answer).toContain('"limit":1000')
  })

  it.each(['nonsense', 'a/b/c', `a/${'b'.repeat(300)}`])('the content type %s is 415', async (type) => {
    const { app } = testApp()
    const answer = await app.inject({
      method: 'PUT',
      url: '/api/v1/kv/m/k',
      payload: 'v',
      headers: { 'content-type': type },
    })
    expect([answer.statusCode, answer.json().code]).toEqual([415, 'HTTP_CONTENT_TYPE_UNSUPPORTED'])
  })

  it('a form or text body cannot reach a JSON route of another plugin', async () => {
    const { app } = testApp({
      alertmanagerApi: async (scope) => {
        scope.post('/silences', async (request) => request.body)
      },
    })
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const headers = { 'content-type': type }
      const answer = await app.inject({ method: 'POST', url: '/api/v2/silences', payload: '{}', headers })
      expect(answer.statusCode).toBe(415)
    }
    const headers = { 'content-type': 'application/json' }
    const answer = await app.inject({ method: 'POST', url: '/api/v2/silences', payload: '{"a":1}', headers })
    expect(answer.json()).toEqual({ a: 1 })
  })
})

describe('Host and origin', () => {
  const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  const ownAddress = own.find((entry) => entry.family === 'IPv4')?.address ?? '127.0.0.1'

  it.each([
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1:9093',
    '127.8.8.8',
    '[::1]:9093',
    `${ownAddress}:80`,
    'am.example.org:443',
  ])('Host %s is ours', async (host) => {
    const { app } = testApp({}, { externalUrl: 'https://am.example.org/x' })
    expect((await app.inject({ url: '/api/v1/kv', headers: { host } })).statusCode).toBe(200)
  })

  it.each([
    'evil.example',
    'evil.example:9093',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.0.2.7',
    'a b',
    '[::2]:1',
  ])('Host %j is 421 on every route', async (host) => {
    const { app } = testApp()
    for (const url of ['/api/v1/kv', '/metrics', '/-/ready', '/nothing']) {
      const answer = await app.inject({ url, headers: { host } })
      expect([answer.statusCode, answer.json().code]).toEqual([421, 'HTTP_HOST_NOT_ALLOWED'])
    }
  })

  it('a request without Host, which only HTTP/1.0 clients send, is served', async () => {
    const answer = await rawExchange(await listening(), 'GET /-/healthy HTTP/1.0\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1.1 200 /)
  })

  it('pages of other sites cannot write, and no CORS header is given', async () => {
    const { app, kv } = testApp()
    for (const site of ['cross-site', 'same-site']) {
      const headers = { 'sec-fetch-site': site, origin: 'https://evil.example' }
      const put = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'v', headers })
      expect([put.statusCode, put.json().code]).toEqual([403, 'HTTP_CROSS_SITE'])
      const got = await app.inject({ url: '/api/v1/kv', headers })
      expect(Object.keys(got.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
    expect(kv.maps()).toEqual([])
  })
})

describe('requests that are not HTTP', () => {
  it.each([
    ['GARBAGE\r\n\r\n', 400, 'HTTP_REQUEST_MALFORMED'],
    [
      'PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
      400,
      'HTTP_REQUEST_MALFORMED',
    ],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'HTTP_HEADERS_TOO_LARGE'],
  ])('are answered with a problem and hung up on', async (request, status, code) => {
    const answer = await rawExchange(await listening(), request)
    expect(answer.startsWith(`HTTP/1.1 ${status} `)).toBe(true)
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '').code).toBe(code)
  })

  it('waits for headers and bodies are bounded', async () => {
    const port = await listening({ guards: { headersTimeoutMs: 1234, requestTimeoutMs: 5678 } })
    const server = open[0]?.app.server
    expect(port).toBeGreaterThan(0)
    expect([server?.headersTimeout, server?.requestTimeout]).toEqual([1234, 5678])
  })
})
