/** How much clients may hold at once, together and each: what is beyond it is told to come again, and counted. */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ListeningApp, listeningApp, rawClient } from '../support/listening-app.ts'
import { until } from '../support/until.ts'
import { pem, pemKey } from '../support/web-config.ts'

const REFUSED = 'hearsay_http_refused_total'
const PUT = 'PUT /api/v1/kv/m/k HTTP/1.1\r\nHost: localhost\r\n'
const QUICK = { checkIntervalMs: 10 }

/** Reloads that do not end before they are told to: requests that wait for their answers. */
function waiting() {
  const report = { applied: [], needsRestart: [], reread: [], unchanged: 0 }
  const ends: (() => void)[] = []
  return {
    reload: () => new Promise<typeof report>((resolve) => ends.push(() => resolve(report))),
    ends,
  }
}

const RELOAD = 'POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n'

async function status({ port }: ListeningApp, path: string, method = 'GET'): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { connection: 'close' } })
}

/** As connections are counted where there are thousands. */
const FEW = { connectionsMax: 4, addressConnectionsLeast: 1 }

describe('connections', () => {
  it('beyond the limit are closed and counted, and those that are there go on', async () => {
    const test = await listeningApp({}, { guards: { ...QUICK, connectionsMax: 2 } })
    const [first, second] = [rawClient(test.port), rawClient(test.port)]
    await until(() => first.socket.readyState === 'open' && second.socket.readyState === 'open')
    await until(() => test.app.server.connections !== 1)
    expect(await rawClient(test.port, 'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n').closed).toBe('')
    expect(await test.metric(`${REFUSED}{reason="connections"}`)).toBe(1)
    first.socket.write('GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect(await first.closed).toContain(' 200 ')
  })

  it('over TLS count once, although each is two sockets', async () => {
    const tls = { key: pemKey('server'), cert: pem('server') }
    const test = await listeningApp({}, { tls, guards: { ...QUICK, ...FEW, addressShare: 0.5 } })
    const open = (): Promise<unknown> => {
      const socket = connect({ port: test.port, host: '127.0.0.1', servername: 'localhost', ca: pem('ca') })
      onTestFinished(() => void socket.destroy())
      return once(socket, 'secureConnect')
    }
    await open()
    await open()
    expect(await test.metric('hearsay_http_connections')).toBe(2)
    await expect(open()).rejects.toThrow()
    expect(await test.metric(`${REFUSED}{reason="connections-of-address"}`)).toBe(1)
  })

  it('of one address leave room for others', async () => {
    const test = await listeningApp({}, { guards: { ...QUICK, ...FEW, addressShare: 0.75 } })
    const clients = Array.from({ length: 3 }, () => rawClient(test.port))
    while ((await test.metric('hearsay_http_connections')) < 3) {}
    await rawClient(test.port).closed
    expect(await test.metric(`${REFUSED}{reason="connections-of-address"}`)).toBe(1)
    clients[0]?.socket.destroy()
    while ((await test.metric('hearsay_http_connections')) > 2) {}
    expect((await status(test, '/-/healthy')).status).toBe(200)
  })
})

describe('requests', () => {
  it('beyond the limit are 503 and told when to come again; management and single values are served', async () => {
    const { reload, ends } = waiting()
    const test = await listeningApp({ reload }, { guards: { ...QUICK, requestsMax: 2 } })
    await test.kv.put('m', 'k', { contentType: 'text/plain', bytes: new Uint8Array(1) }, {})
    const clients = [rawClient(test.port, RELOAD), rawClient(test.port, RELOAD)]
    await until(() => ends.length === 2)
    const refused = await status(test, '/api/v1/kv')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await refused.json()).toMatchObject({ code: 'HTTP_OVERLOADED' })
    expect(await test.metric(`${REFUSED}{reason="requests"}`)).toBe(1)
    for (const path of ['/-/healthy', '/-/ready', '/metrics', '/api/v1/kv/m/k']) {
      expect((await status(test, path)).status, path).toBe(200)
    }
    for (const end of ends.splice(0)) end()
    await until(() => clients.every(({ text }) => text().includes(' 200 ')))
    expect((await status(test, '/api/v1/kv')).status).toBe(200)
  })

  it('beyond the limit of one connection are 503 as well, in their place', async () => {
    const { reload, ends } = waiting()
    const test = await listeningApp({ reload }, { guards: { ...QUICK, connectionRequestsMax: 2 } })
    const { text } = rawClient(test.port, RELOAD.repeat(3))
    while ((await test.metric(`${REFUSED}{reason="requests-of-connection"}`)) === 0) {}
    // One after the other, though they were sent together.
    expect(ends).toHaveLength(1)
    ends.shift()?.()
    await until(() => ends.length === 1)
    ends.shift()?.()
    await until(() => text().match(/HTTP\/1\.1 \d+/g)?.length === 3)
    expect(text().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 503'])
  })

  it('of a client that has gone are forgotten, those that still waited behind others as well', async () => {
    const { reload, ends } = waiting()
    const test = await listeningApp({ reload }, { guards: QUICK })
    const { socket } = rawClient(test.port, RELOAD.repeat(5))
    while ((await test.metric('hearsay_http_requests_in_flight')) < 6) {}
    socket.destroy()
    // The first runs; and there is the question.
    while ((await test.metric('hearsay_http_requests_in_flight')) !== 2) {}
    ends.shift()?.()
    while ((await test.metric('hearsay_http_requests_in_flight')) !== 1) {}
    expect(ends).toHaveLength(0)
  })

  it('that are not answered in time are 503, and what they answer later goes nowhere', async () => {
    const { reload, ends } = waiting()
    const test = await listeningApp({ reload }, { guards: { ...QUICK, answerTimeoutMs: 100 } })
    const answer = await status(test, '/-/reload', 'POST')
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.json()).toMatchObject({ code: 'HTTP_ANSWER_TIMEOUT' })
    expect(await test.metric(`${REFUSED}{reason="answer-timeout"}`)).toBe(1)
    for (const end of ends) end()
    expect((await status(test, '/-/healthy')).status).toBe(200)
    expect(test.logged).toEqual([])
  })
})

describe('headers', () => {
  it('more than a hundred are 431', async () => {
    const test = await listeningApp()
    const many = (count: number) =>
      `GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${'a:b\r\n'.repeat(count - 2)}\r\n`
    expect(await rawClient(test.port, many(100)).closed).toMatch(/^HTTP\/1\.1 200 /)
    const refused = await rawClient(test.port, many(101)).closed
    expect(refused).toMatch(/^HTTP\/1\.1 431 /)
    expect(refused).toContain('"limit":100')
  })
})

describe('bodies', () => {
  const guards = { ...QUICK, bodyMemoryBytesMax: 400_000 }

  it('that do not fit into the memory for all are 503 before they are read, and small ones are taken', async () => {
    const test = await listeningApp({}, { guards })
    const half = rawClient(test.port, `${PUT}Content-Length: 250000\r\n\r\n${'x'.repeat(200_000)}`)
    while ((await test.metric('hearsay_http_body_bytes')) < 200_000) {}
    const refused = rawClient(test.port, `${PUT}Content-Length: 250000\r\n\r\n`)
    expect(await refused.closed).toMatch(/^HTTP\/1\.1 503 .*retry-after: 1/is)
    expect(await test.metric(`${REFUSED}{reason="body-memory"}`)).toBe(1)
    const small = await fetch(`http://127.0.0.1:${test.port}/api/v1/kv/m/small`, {
      method: 'PUT',
      body: 'x'.repeat(16_384),
    })
    expect(small.status).toBe(201)
    half.socket.write('x'.repeat(50_000))
    await until(() => half.text().includes(' 201 '))
    expect(await test.metric('hearsay_http_body_bytes')).toBe(0)
  })

  it('of which nobody said how large they are count as they come', async () => {
    const test = await listeningApp({}, { guards })
    const chunk = `${(100_000).toString(16)}\r\n${'x'.repeat(100_000)}\r\n`
    const first = rawClient(test.port, `${PUT}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(2)}`)
    while ((await test.metric('hearsay_http_body_bytes')) < 200_000) {}
    const second = rawClient(test.port, `${PUT}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(2)}`)
    expect(await second.closed).toMatch(/^HTTP\/1\.1 503 /)
    first.socket.write('0\r\n\r\n')
    await until(() => first.text().includes(' 201 '))
    expect(await test.metric('hearsay_http_body_bytes')).toBe(0)
  })

  it('that were announced and do not come keep others out for a second only', async () => {
    const test = await listeningApp({}, { guards })
    rawClient(test.port, `${PUT}Content-Length: 250000\r\n\r\n`)
    while ((await test.metric('hearsay_http_requests_in_flight')) < 2) {}
    const put = () =>
      fetch(`http://127.0.0.1:${test.port}/api/v1/kv/m/k`, { method: 'PUT', body: 'x'.repeat(200_000) })
    expect((await put()).status).toBe(503)
    while ((await put()).status === 503) {}
    expect(await test.metric(`${REFUSED}{reason="slow-body"}`)).toBe(0)
  })

  it('whose clients have gone are given back', async () => {
    const test = await listeningApp({}, { guards })
    const client = rawClient(test.port, `${PUT}Content-Length: 250000\r\n\r\n${'x'.repeat(200_000)}`)
    while ((await test.metric('hearsay_http_body_bytes')) < 200_000) {}
    client.socket.resetAndDestroy()
    while ((await test.metric('hearsay_http_body_bytes')) > 0) {}
    expect(test.logged).toEqual([])
  })

  it('that are refused are not read, and the client reads why', async () => {
    const test = await listeningApp({}, { guards: QUICK })
    const { socket, closed } = rawClient(
      test.port,
      'PUT /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000000\r\n\r\n',
    )
    const chunk = 'x'.repeat(65_536)
    const pour = (): void => {
      while (socket.writable && socket.bytesWritten < 500_000_000 && socket.write(chunk)) {}
    }
    socket.on('drain', pour)
    pour()
    expect(await closed).toMatch(/^HTTP\/1\.1 404 .*connection: close/is)
    expect(socket.bytesWritten).toBeLessThan(100_000_000)
  })

  it.each(['gzip', 'br', 'deflate', 'gzip, identity'])(
    'item 26: that say they are %s are 415, not unpacked and not kept',
    async (encoding) => {
      const { app, kv } = await listeningApp()
      const put = await app.inject({
        method: 'PUT',
        url: '/api/v1/kv/m/k',
        payload: Buffer.from('1f8b08', 'hex'),
        headers: { 'content-encoding': encoding },
      })
      expect([put.statusCode, put.json().code]).toEqual([415, 'HTTP_CONTENT_TYPE_UNSUPPORTED'])
      expect(kv.maps()).toEqual([])
    },
  )
})

describe('a late event loop', () => {
  it('answers 503 and when to come again, but to management', async () => {
    const test = await listeningApp({}, { guards: { ...QUICK, loopDelayMaxMs: 50 } })
    const standStill = async (): Promise<void> => {
      // Longer than a ring of the timer and the limit.
      const endMs = performance.now() + 200
      while (performance.now() < endMs) {}
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    let shed = await test.app.inject('/api/v1/kv')
    // It is late until its next ring, 100 ms later, which may come first on a busy machine.
    for (let tries = 0; tries < 20 && shed.statusCode !== 503; tries++) {
      await standStill()
      await standStill()
      shed = await test.app.inject('/api/v1/kv')
    }
    expect([shed.statusCode, shed.headers['retry-after']]).toEqual([503, '1'])
    expect(await test.metric(`${REFUSED}{reason="event-loop-delay"}`)).toBe(1)
    for (const path of ['/-/healthy', '/-/ready', '/metrics'])
      expect((await status(test, path)).status).toBe(200)
    while ((await status(test, '/api/v1/kv')).status === 503) {}
  })
})

describe('--web.rate-limit', () => {
  it('is 429 for a client beyond it, with what is left and when to come again; management is left out', async () => {
    const test = await listeningApp({}, { guards: { ...QUICK, rateLimit: 3 } })
    const answers = []
    for (let i = 0; i < 40; i++) answers.push(await test.app.inject(i % 2 === 0 ? '/api/v1/kv' : '/nothing'))
    const first = answers[0]
    expect([first?.headers['ratelimit-limit'], first?.headers['ratelimit-remaining']]).toEqual(['3', '2'])
    const refused = answers.filter(({ statusCode }) => statusCode === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.json()).toMatchObject({ code: 'HTTP_RATE_LIMITED', limit: 3 })
    expect(refused[0]?.headers).toMatchObject({ 'retry-after': '1', 'ratelimit-remaining': '0' })
    expect(await test.metric(`${REFUSED}{reason="rate"}`)).toBe(refused.length)
    for (let i = 0; i < 10; i++) expect((await test.app.inject('/-/healthy')).statusCode).toBe(200)
  })

  it('counts each client for itself, and all of an IPv6 network as one', async () => {
    const { app } = await listeningApp({}, { guards: { ...QUICK, rateLimit: 1 } })
    const from = async (remoteAddress: string) =>
      (await app.inject({ url: '/api/v1/kv', remoteAddress })).headers['ratelimit-remaining']
    const seen = [
      await from('192.0.2.1'),
      await from('192.0.2.2'),
      await from('2001:db8::1'),
      await from('2001:db8:0:1::1'),
    ]
    expect(seen).toEqual(['0', '0', '0', '0'])
    // Unless a second has passed just now.
    const again = []
    for (let i = 0; i < 3; i++)
      again.push((await app.inject({ url: '/api/v1/kv', remoteAddress: `2001:db8::${i + 2}` })).statusCode)
    expect(again).toContain(429)
  })

  it('costs nothing when it is not asked for', async () => {
    const { app } = await listeningApp()
    expect(
      Object.keys((await app.inject('/api/v1/kv')).headers).filter((name) => name.includes('ratelimit')),
    ).toEqual([])
  })
})
