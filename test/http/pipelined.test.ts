/** Requests that are sent before the one ahead of them on the same connection is answered, and clients that go meanwhile. */
import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/http/web-access.ts'
import { listeningApp, rawClient } from '../support/listening-app.ts'
import { memoryWatches } from '../support/memory-watches.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

const HOST = 'Host: localhost\r\n'
const POLL = `GET /api/v1/watch?wait=30s HTTP/1.1\r\n${HOST}\r\n`
const STREAM = `GET /api/v1/watch HTTP/1.1\r\n${HOST}\r\n`
const LIST = `GET /api/v1/kv HTTP/1.1\r\n${HOST}\r\n`

describe('behind a long poll', () => {
  it('a body that no route reads takes no memory, and faults nobody', async () => {
    const { watches, put } = memoryWatches()
    const { port, metric } = await listeningApp({ watches }, { guards: { bodyMemoryBytesMax: 64 * 1024 } })
    const chunks = `10000\r\n${'x'.repeat(0x10000)}\r\n`.repeat(4)
    const { closed } = rawClient(
      port,
      `${POLL}GET /api/v1/kv HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
    )
    await untilAsync(async () => (await metric('hearsay_http_requests_in_flight')) === 2, 'the list waits')
    expect(await metric('hearsay_http_body_bytes')).toBe(0)
    put('m', 'k', 1)
    expect((await closed).match(/HTTP\/1\.1 200 /g)).toHaveLength(2)
  })

  it('watches and a snapshot whose client has gone hold no place', async () => {
    const { watches } = memoryWatches()
    const { app, port, metric } = await listeningApp({ watches })
    const snapshot = STREAM.replace('watch', 'snapshot')
    const { socket } = rawClient(port, POLL + snapshot + STREAM.repeat(3))
    await untilAsync(async () => (await metric('hearsay_http_requests_in_flight')) > 1, 'some wait')
    socket.destroy()
    await untilAsync(async () => (await metric('hearsay_http_connections')) === 0, 'the client has gone')
    expect(await metric('hearsay_watch_open{kind="stream"}')).toBe(0)
    await untilAsync(async () => (await metric('hearsay_http_requests_in_flight')) === 1, 'nobody waits')
    expect((await app.inject('/api/v1/snapshot')).statusCode).toBe(200)
  })

  it('no more watches wait than other requests may', async () => {
    const { watches, put } = memoryWatches()
    const limits = { connectionRequestsMax: 4 }
    const { port, metric } = await listeningApp({ watches }, { guards: limits })
    const client = rawClient(port, POLL + STREAM.repeat(20))
    await untilAsync(async () => (await metric('hearsay_http_requests_in_flight')) > 1, 'some wait')
    // The scrape is one as well.
    expect(await metric('hearsay_http_requests_in_flight')).toBe(4 + 1)
    put('m', 'k', 1)
    await until(() => client.text().includes('text/event-stream'))
  })
})

describe('behind a password that is being checked', () => {
  it('four requests wait, and further ones are sent away', async () => {
    const waiting: ((verdict: Verdict) => void)[] = []
    const check = (): Promise<Verdict> => new Promise((resolve) => waiting.push(resolve))
    const { port } = await listeningApp({ access: { headers: [], admits: () => true, check } })
    const client = rawClient(port, LIST.repeat(10))
    await until(() => waiting.length >= 4)
    expect(waiting).toHaveLength(4)
    for (const resolve of waiting) resolve('allowed')
    await until(() => (client.text().match(/HTTP\/1\.1 /g) ?? []).length === 10)
    const statuses = client.text().match(/HTTP\/1\.1 \d+/g)
    expect(statuses?.map((text) => text.slice(-3))).toEqual([
      ...Array(4).fill('200'),
      ...Array(6).fill('503'),
    ])
  })
})

it('a method that must have a content type, and has none, is no fault of ours', async () => {
  const { port, logged } = await listeningApp()
  const { closed } = rawClient(port, `QUERY /api/v1/kv HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  expect(await closed).toMatch(/^HTTP\/1\.1 400 .*"code":"HTTP_REQUEST_MALFORMED"/s)
  expect(logged).toEqual([])
})

it('a request that comes before the first look at the clock has as much time as any other', async () => {
  let reload: () => void = () => undefined
  const report = { applied: [], needsRestart: [], reread: [], unchanged: 0 }
  const { port, metric } = await listeningApp(
    { reload: () => new Promise((resolve) => (reload = () => resolve(report))) },
    // As long as this process runs already.
    { guards: { answerTimeoutMs: performance.now(), checkIntervalMs: 700 } },
  )
  const { closed } = rawClient(port, `POST /-/reload HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
  await untilAsync(async () => (await metric('hearsay_http_requests_in_flight')) === 2, 'it waits')
  const sinceMs = performance.now()
  // It has been looked at by then.
  await until(() => performance.now() - sinceMs > 800)
  reload()
  expect(await closed).toMatch(/^HTTP\/1\.1 200 /)
})
