/**
 * Item 25 of the security checklist: who sends or reads too slowly is cut off, by its rate and not by signs of life, and
 * nobody else notices. With bounds a hundred times smaller than ours; that ours are those of the checklist is looked up.
 */
import { describe, expect, it } from 'vitest'
import { GUARD_DEFAULTS } from '../../src/http/guards/guard-limits.ts'
import { WATCH_BOUNDS } from '../../src/http/watch/watch-bounds.ts'
import { type ListeningApp, listeningApp, rawClient } from '../support/listening-app.ts'
import { until } from '../support/until.ts'

const QUICK = {
  headersTimeoutMs: 200,
  requestTimeoutMs: 60_000,
  slowBodyMs: 200,
  slowReaderMs: 200,
  checkIntervalMs: 10,
}
const PUT = 'PUT /api/v1/kv/m/k HTTP/1.1\r\nHost: localhost\r\n'
const REFUSED = 'hearsay_http_refused_total'
const MEBIBYTE = 1024 * 1024

/** A byte now and then, as long as the connection is there. */
function drip(
  socket: {
    readonly writable: boolean
    write(text: string): unknown
    once(event: 'close', then: () => void): unknown
  },
  text: string,
): void {
  const timer = setInterval(() => socket.writable && socket.write(text), 20)
  socket.once('close', () => clearInterval(timer))
}

async function expectServed({ port }: ListeningApp): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/kv/m/other`, { method: 'PUT', body: 'v' })
  expect(response.ok).toBe(true)
}

describe('item 25: the defaults', () => {
  it('cut a slow header within 5 s, a slow body within 10 s and a slow reader within 30 s', () => {
    const { headersTimeoutMs, slowBodyMs, slowReaderMs, checkIntervalMs } = GUARD_DEFAULTS
    // A look notes what it sees, and the one after the time is over acts on it.
    const looksMs = 2 * checkIntervalMs
    expect(headersTimeoutMs + looksMs).toBeLessThanOrEqual(5000)
    expect(slowBodyMs + looksMs).toBeLessThanOrEqual(10_000)
    expect(slowReaderMs + looksMs).toBeLessThanOrEqual(30_000)
  })

  it('leave a watch that stands still to the watches, which count it', () => {
    const { stallMs, tickMs } = WATCH_BOUNDS
    expect(stallMs + 2 * tickMs).toBeLessThan(GUARD_DEFAULTS.slowReaderMs)
  })

  it('are what the server is given', async () => {
    const { app } = await listeningApp()
    const { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections } = app.server
    expect({ headersTimeout, requestTimeout, keepAliveTimeout, maxConnections }).toEqual({
      headersTimeout: 4000,
      requestTimeout: 30_000,
      keepAliveTimeout: 72_000,
      maxConnections: 4096,
    })
  })
})

describe('item 25: a client', () => {
  it.each([
    ['says nothing', '', ''],
    ['drips its headers', 'GET / HTTP/1.1\r\nHost: localhost\r\n', 'X: y\r\n'],
    [
      'drips those of a second request',
      'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\n',
      'X: y\r\n',
    ],
  ])('that %s is 408 and cut off, while others are served', async (_what, start, more) => {
    const test = await listeningApp({}, { guards: QUICK })
    const client = rawClient(test.port, start)
    if (more !== '') drip(client.socket, more)
    await expectServed(test)
    expect(await client.closed).toContain('HTTP/1.1 408 ')
    expect(await test.metric(`${REFUSED}{reason="slow-request"}`)).toBe(1)
    await expectServed(test)
  })

  it.each([
    'Content-Length: 1000000\r\n\r\n',
    'Content-Length: 1000\r\n\r\n',
    'Transfer-Encoding: chunked\r\n\r\nf4240\r\n',
  ])('that drips a body is 408 and cut off: %j', async (head) => {
    const test = await listeningApp({}, { guards: QUICK })
    const client = rawClient(test.port, PUT + head)
    drip(client.socket, 'x')
    await expectServed(test)
    const text = await client.closed
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
    expect(text).toContain('the body came too slowly')
    expect(await test.metric(`${REFUSED}{reason="slow-body"}`)).toBe(1)
    // Of which one is that of the question.
    while ((await test.metric('hearsay_http_requests_in_flight')) !== 1) {}
  })

  it('that drips a body which is refused already is cut off as well', async () => {
    const test = await listeningApp({}, { guards: { ...QUICK, requestTimeoutMs: 400 } })
    const client = rawClient(
      test.port,
      'POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000\r\n\r\n',
    )
    drip(client.socket, 'x')
    expect(await client.closed).toMatch(/^HTTP\/1\.1 404 /)
  })

  it('that sends a whole body in time but slower than the whole may take is cut off', async () => {
    const test = await listeningApp({}, { guards: { ...QUICK, requestTimeoutMs: 400, transferBytesMin: 1 } })
    const client = rawClient(test.port, `${PUT}Content-Length: 1000000\r\n\r\n`)
    drip(client.socket, 'x'.repeat(100))
    expect(await client.closed).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('that sends steadily is served, however long it takes', async () => {
    const test = await listeningApp({}, { guards: { ...QUICK, transferBytesMin: 50, slowBodyMs: 1000 } })
    const client = rawClient(test.port, `${PUT}Content-Length: 1500\r\nConnection: close\r\n\r\n`)
    drip(client.socket, 'x'.repeat(50))
    expect(await client.closed).toMatch(/^HTTP\/1\.1 201 /)
  })

  it('that waits between requests is closed in silence when it waited too long', async () => {
    const test = await listeningApp({}, { guards: { ...QUICK, idleTimeoutMs: 50 } })
    const client = rawClient(test.port, 'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect((await client.closed).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
  })
})

describe('item 25: a reader', () => {
  /** Larger than what kernels hold for a connection. */
  const big = Buffer.alloc(MEBIBYTE, 'x')

  async function withManyValues(guards: object): Promise<ListeningApp> {
    const test = await listeningApp({}, { guards: { ...QUICK, ...guards } })
    const value = { contentType: 'text/plain', bytes: big }
    await test.kv.put('m', 'k', value, {})
    return test
  }

  function askingFor(test: ListeningApp, count: number, path: string) {
    const client = rawClient(test.port)
    client.socket.pause()
    client.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(count))
    return client
  }

  it('that takes nothing of an answer is cut off, and others are served', async () => {
    const test = await withManyValues({})
    const client = askingFor(test, 40, '/api/v1/kv/m/k')
    let open = 0
    await until(() => {
      test.app.server.getConnections((_error, count) => {
        open = count
      })
      return open === 1
    })
    await expectServed(test)
    await cutOff(test, 'slow-reader')
    client.socket.resume()
    expect((await client.closed).length).toBeLessThan(40 * MEBIBYTE)
  })

  it('that takes a little of it now and then is cut off', async () => {
    const test = await withManyValues({ transferBytesMin: 20 * MEBIBYTE })
    const client = askingFor(test, 40, '/api/v1/kv/m/k')
    const timer = setInterval(() => client.socket.read(100), 20)
    await cutOff(test, 'slow-reader')
    clearInterval(timer)
  })

  it('of a snapshot that takes nothing is cut off, and the next one gets its own', async () => {
    const test = await listeningApp(
      {
        snapshot: async function* () {
          for (let i = 0; i < 40; i++) yield big
        },
      },
      { guards: QUICK },
    )
    const client = rawClient(test.port)
    client.socket.pause()
    client.socket.write('GET /api/v1/snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await cutOff(test, 'slow-reader')
    const next = await fetch(`http://127.0.0.1:${test.port}/api/v1/snapshot`)
    expect([next.status, (await next.arrayBuffer()).byteLength]).toEqual([200, 40 * MEBIBYTE])
  })

  it('that reads on is served to the end', async () => {
    const test = await withManyValues({ slowReaderMs: 5000 })
    const client = rawClient(
      test.port,
      `GET /api/v1/kv/m/k HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(9) +
        'GET /api/v1/kv/m/k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    )
    expect((await client.closed).length).toBeGreaterThan(10 * MEBIBYTE)
    expect(await test.metric(`${REFUSED}{reason="slow-reader"}`)).toBe(0)
  })

  it('is cut off, whoever has most to read first, when all leave more unread than they may together', async () => {
    const test = await withManyValues({ slowReaderMs: 60_000, answerMemoryBytesMax: 4 * MEBIBYTE })
    const greedy = Array.from({ length: 8 }, () => askingFor(test, 40, '/api/v1/kv/m/k'))
    await cutOff(test, 'answer-memory')
    await expectServed(test)
    for (const { socket } of greedy) socket.destroy()
  })
})

async function cutOff(test: ListeningApp, reason: string): Promise<void> {
  while ((await test.metric(`${REFUSED}{reason="${reason}"}`)) === 0) {}
}
