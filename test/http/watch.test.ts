import { once } from 'node:events'
import net from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { WatchBounds } from '../../src/http/watch/watch-bounds.ts'
import type { WatchesOptions } from '../../src/store/watches.ts'
import { EventReader } from '../support/event-reader.ts'
import { type TestApp, testApp } from '../support/http-app.ts'
import { type MemoryWatches, memoryWatches } from '../support/memory-watches.ts'
import { inCi } from '../support/requirement.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

interface Listening extends MemoryWatches, Pick<TestApp, 'app'> {
  readonly url: string
  readonly port: number
  metric(name: string): Promise<number>
}

/** An app that really listens, over a watch log that the test writes. */
async function listening(
  bounds: Partial<WatchBounds> = {},
  options: Partial<WatchesOptions> = {},
): Promise<Listening> {
  const memory = memoryWatches(options)
  const { app } = testApp({ watches: memory.watches }, { watch: bounds })
  await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  const { port } = app.server.address() as net.AddressInfo
  const metric = async (name: string): Promise<number> => {
    const { payload } = await app.inject('/metrics')
    const line = payload.split('\n').find((text) => text.startsWith(`${name} `)) ?? ''
    return Number(line.split(' ').at(-1))
  }
  return { ...memory, app, port, url: `http://127.0.0.1:${port}/api/v1/watch`, metric }
}

const keys = (reader: EventReader) => reader.events.map(({ data }) => data.key)

describe('a stream of events', () => {
  it('tells puts, deletes, adds and removes, each with the cursor that it can be resumed by', async () => {
    const replica = await listening()
    const reader = await EventReader.open(`${replica.url}?map=m&set=s`)
    replica.put('m', 'k', { a: 1 })
    replica.put('other', 'k', 1)
    replica.put('m', 'octets', Buffer.from([0, 255]), 'application/octet-stream')
    replica.delete('m', 'k')
    replica.add('s', 'ana')
    replica.remove('s', 'ana')
    const events = await reader.has(5)
    expect(events.map(({ event, id, data }) => [event, id === data.cursor, data.type === event])).toEqual(
      ['put', 'put', 'delete', 'add', 'remove'].map((event) => [event, true, true]),
    )
    expect(events[0]?.data).toMatchObject({
      map: 'm',
      key: 'k',
      value: { a: 1 },
      contentType: 'application/json',
      version: expect.stringMatching(/^0\.\d+\./),
      updatedAt: '2026-11-21T01:02:03.000Z',
    })
    expect(events[1]?.data).toMatchObject({ key: 'octets', valueBase64: 'AP8=' })
    expect(events[2]?.data).toMatchObject({ map: 'm', key: 'k', reason: 'deleted' })
    expect(events[3]?.data).toMatchObject({ set: 's', member: 'ana' })
  })

  it('is an event stream that no proxy or cache keeps, and says first where it stands', async () => {
    const replica = await listening()
    replica.put('m', 'before', 1)
    const reader = await EventReader.open(replica.url)
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    expect(reader.response.headers).not.toHaveProperty('content-encoding')
    await until(() => reader.lastEventId !== '')
    expect(reader.lastEventId).toBe(replica.watches.cursorOf(1))
    expect(reader.retryMs).toBeGreaterThanOrEqual(1000)
    expect(reader.events).toEqual([])
  })

  it('keeps a JSON value as it was written, on one line', async () => {
    const replica = await listening()
    const reader = await EventReader.open(`${replica.url}?map=m`)
    const chunks: string[] = []
    reader.response.on('data', (text: string) => chunks.push(text))
    replica.put('m', 'k', Buffer.from('{\r\n "n": 9007199254740993,\n "m": -0 }'))
    await reader.has(1)
    expect(chunks.join('')).toContain('"value":{  "n": 9007199254740993,  "m": -0 }')
  })

  it('leaves values out when asked to, and follows a prefix', async () => {
    const replica = await listening()
    const bare = await EventReader.open(`${replica.url}?map=m&values=false`)
    const full = await EventReader.open(`${replica.url}?map=m&prefix=b`)
    replica.put('m', 'a', 'secret')
    replica.put('m', 'b', 'told')
    await bare.has(2)
    await full.has(1)
    expect(bare.events.map(({ data }) => 'value' in data)).toEqual([false, false])
    expect(full.events.map(({ data }) => [data.key, data.value])).toEqual([['b', 'told']])
  })

  it('goes on after Last-Event-ID, which counts before the URL that a browser repeats', async () => {
    const replica = await listening()
    for (const key of ['a', 'b', 'c']) replica.put('m', key, key)
    const { cursorOf } = { cursorOf: (n: number) => replica.watches.cursorOf(n) }
    const first = await EventReader.open(`${replica.url}?map=m&after=${cursorOf(0)}`)
    await first.has(3)
    const again = await EventReader.open(`${replica.url}?map=m&after=${cursorOf(0)}`, {
      'last-event-id': cursorOf(2),
    })
    await again.has(1)
    expect([keys(first), keys(again)]).toEqual([['a', 'b', 'c'], ['c']])
  })

  it('that is lost and resumed again and again while writes go on misses nothing and repeats nothing', async () => {
    const replica = await listening()
    const start = replica.watches.cursorOf(0)
    const seen: unknown[] = []
    let written = 0
    const writing = setInterval(() => {
      for (let i = 0; i < 10 && written < 500; i++) replica.put('m', `k${written++}`, written)
    }, 1)
    onTestFinished(() => clearInterval(writing))
    let last = start
    while (seen.length < 500) {
      const reader = await EventReader.open(`${replica.url}?map=m&after=${start}`, { 'last-event-id': last })
      await reader.has(Math.min(37, 500 - seen.length))
      reader.leave()
      last = reader.lastEventId
      seen.push(...keys(reader))
    }
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => `k${i}`))
  })

  it.each([
    ['another boot', 'ffffffffffffffff-3'],
    ['the future', '00112233445566aa-99'],
    ['before the log', '00112233445566aa-1'],
  ])('begins with a gap for a cursor of %s, and then follows', async (_, cursor) => {
    const replica = await listening({}, { changesMax: 2 })
    for (let i = 0; i < 5; i++) replica.put('m', `old${i}`, i)
    const reader = await EventReader.open(`${replica.url}?map=m`, { 'last-event-id': cursor })
    await reader.has(1)
    replica.put('m', 'new', 1)
    const [gap, put] = await reader.has(2)
    expect(gap).toMatchObject({ event: 'gap', id: replica.watches.cursorOf(5), data: { type: 'gap' } })
    expect(put?.data.key).toBe('new')
    expect(await replica.metric('hearsay_watch_gaps_total')).toBe(1)
  })

  it('moves on while nothing that it follows changes, so that coming back is no gap', async () => {
    const replica = await listening({ heartbeatMs: 20, tickMs: 5 }, { changesMax: 3 })
    const quiet = await EventReader.open(`${replica.url}?map=quiet`)
    await until(() => quiet.lastEventId !== '')
    for (let i = 0; i < 10; i++) replica.put('busy', `k${i}`, i)
    await until(() => quiet.lastEventId === replica.watches.cursorOf(10))
    quiet.leave()
    const again = await EventReader.open(`${replica.url}?map=quiet`, { 'last-event-id': quiet.lastEventId })
    replica.put('quiet', 'k', 1)
    await again.has(1)
    expect([again.events[0]?.event, quiet.events]).toEqual(['put', []])
  })

  it('that is quiet is sent heartbeats', async () => {
    const replica = await listening({ heartbeatMs: 20, tickMs: 5 })
    const reader = await EventReader.open(`${replica.url}?map=m`)
    await until(() => reader.comments >= 6)
    expect(reader.events).toEqual([])
  })

  it('ends with a last event when the store closes, and when the server does', async () => {
    const byStore = await listening()
    const first = await EventReader.open(byStore.url)
    byStore.put('m', 'k', 1)
    byStore.watches.close()
    await until(() => first.ended !== 'no')
    expect(first.events.map(({ event }) => event)).toEqual(['put', 'closed'])
    expect(first.ended).toBe('in order')
    const byServer = await listening()
    const second = await EventReader.open(byServer.url)
    await byServer.app.close()
    await until(() => second.ended !== 'no')
    expect([second.events.map(({ event }) => event), second.ended]).toEqual([['closed'], 'in order'])
  })
})

describe('a slow reader', () => {
  // 20 of them are more than the sockets of a loopback connection hold: some 10 MB.
  const big = 'x'.repeat(1024 * 1024)
  const many = { bytesMax: 64 * 1024 * 1024 }

  it.runIf(inCi)(
    'is given no more than it takes: the rest waits in the log, and it gets all of it',
    async () => {
      const replica = await listening({ unsentBytesMax: 10_000 }, many)
      const reader = await EventReader.open(`${replica.url}?map=m`)
      reader.stop()
      for (let i = 0; i < 20; i++) replica.put('m', `k${i}`, big)
      await untilAsync(
        async () => (await replica.metric('hearsay_watch_unsent_bytes')) > 10_000,
        'the metric is above 10_000',
      )
      expect(await replica.metric('hearsay_watch_unsent_bytes')).toBeLessThan(10_000 + big.length + 1000)
      expect(await replica.metric('hearsay_watch_events_sent_total')).toBeLessThan(20)
      reader.goOn()
      await reader.has(20)
      expect(keys(reader)).toEqual(Array.from({ length: 20 }, (_, i) => `k${i}`))
    },
  )

  it.runIf(inCi)('is told of a gap when the log has moved past it', async () => {
    const replica = await listening({ unsentBytesMax: 10_000 }, { changesMax: 5 })
    const reader = await EventReader.open(`${replica.url}?map=m`)
    reader.stop()
    // Written as the reader is given them, so that it falls behind only once its socket is full.
    for (let i = 0; i < 30; i++) {
      replica.put('m', `k${i}`, big)
      await new Promise((resolve) => setImmediate(resolve))
    }
    reader.goOn()
    await until(() => reader.events.some(({ event }) => event === 'gap'))
    replica.put('m', 'after', 1)
    await until(() => keys(reader).includes('after'))
    expect(replica.watches.stats.gaps).toBeGreaterThan(0)
  })

  it('that takes nothing for too long is cut off, counted, and holds nothing any more', async () => {
    const replica = await listening({ stallMs: 200, tickMs: 20 }, many)
    const slow = await EventReader.open(`${replica.url}?map=m`)
    // Takes little, and so is quick on a slow machine too.
    const quick = await EventReader.open(`${replica.url}?map=m&values=false`)
    slow.stop()
    for (let i = 0; i < 20; i++) replica.put('m', `k${i}`, big)
    await quick.has(20)
    await until(() => replica.watches.stats.waiting === 1)
    await untilAsync(
      async () => (await replica.metric('hearsay_watch_evicted_total{reason="stalled"}')) === 1,
      'the metric is 1',
    )
    expect(await replica.metric('hearsay_watch_unsent_bytes')).toBe(0)
    slow.goOn()
    await until(() => slow.ended !== 'no')
    expect([slow.ended, quick.ended]).toEqual(['cut', 'no'])
    const again = await EventReader.open(`${replica.url}?map=m&values=false`, {
      'last-event-id': slow.lastEventId,
    })
    await until(() => keys(again).at(-1) === 'k19' || again.events[0]?.event === 'gap')
    expect([...keys(slow), ...keys(again)]).toEqual(keys(quick))
  })

  it('does not make all of them hold too much: the one with most is cut off', async () => {
    const replica = await listening({ unsentBytesTotalMax: 1_500_000, unsentBytesMax: 100_000 }, many)
    const readers = [
      await EventReader.open(`${replica.url}?map=m`),
      await EventReader.open(`${replica.url}?map=m`),
    ]
    for (const reader of readers) reader.stop()
    for (let i = 0; i < 20; i++) replica.put('m', `k${i}`, big)
    await untilAsync(
      async () => (await replica.metric('hearsay_watch_evicted_total{reason="memory"}')) > 0,
      'the metric is above 0',
    )
    expect(await replica.metric('hearsay_watch_unsent_bytes')).toBeLessThanOrEqual(1_500_000)
  })

  it.each(['server', 'store'])('does not hold up a %s that closes', async (which) => {
    const replica = await listening({ unsentBytesMax: 10_000 }, many)
    const slow = await EventReader.open(`${replica.url}?map=m`)
    slow.stop()
    for (let i = 0; i < 20; i++) replica.put('m', `k${i}`, big)
    await untilAsync(
      async () => (await replica.metric('hearsay_watch_unsent_bytes')) > 10_000,
      'the metric is above 10_000',
    )
    if (which === 'server') await replica.app.close()
    else replica.watches.close()
    // Nothing was read meanwhile.
    await until(() => replica.watches.stats.waiting === 0)
    if (which === 'store') {
      await untilAsync(
        async () => (await replica.metric('hearsay_watch_open{kind="stream"}')) === 0,
        'it is gone',
      )
    }
    slow.goOn()
    await until(() => slow.ended !== 'no')
  })
})

describe('many watches', () => {
  it('a reader that goes away leaves nothing behind', async () => {
    const replica = await listening()
    const readers = await Promise.all([1, 2, 3].map(() => EventReader.open(`${replica.url}?map=m`)))
    await until(() => replica.watches.stats.waiting === 3)
    expect(await replica.metric('hearsay_watch_open{kind="stream"}')).toBe(3)
    for (const reader of readers) reader.leave()
    await until(() => replica.watches.stats.waiting === 0)
    await untilAsync(
      async () => (await replica.metric('hearsay_watch_open{kind="stream"}')) === 0,
      'the metric is 0',
    )
  })

  it('beyond what may be open are 503, with the limit and when to try again', async () => {
    const replica = await listening({ watchesMax: 2 })
    const [first] = [await EventReader.open(replica.url), await EventReader.open(replica.url)]
    const refused = await fetch(replica.url)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await refused.json()).toMatchObject({ code: 'WATCH_READERS_MAX', limit: 2 })
    expect((await fetch(`${replica.url}?wait=1ms`)).status).toBe(503)
    first?.leave()
    await until(() => replica.watches.stats.waiting === 1)
    await untilAsync(async () => (await fetch(`${replica.url}?wait=1ms`)).status === 200, 'a place is free')
    expect(await replica.metric('hearsay_watch_refused_total{limit="all"}')).toBeGreaterThanOrEqual(2)
  })

  it('one address cannot have all of them', async () => {
    const replica = await listening({ watchesMax: 10, watchesPerClientMax: 1 })
    await EventReader.open(replica.url)
    const refused = await fetch(replica.url)
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { code: 'WATCH_READERS_MAX', limit: 1 },
    ])
    expect(await replica.metric('hearsay_watch_refused_total{limit="client"}')).toBe(1)
  })

  it('of other maps are not woken by a write', async () => {
    const replica = await listening()
    const others = 200
    const readers = await Promise.all(
      Array.from({ length: others }, (_, i) => EventReader.open(`${replica.url}?map=other${i}`)),
    )
    await until(() => replica.watches.stats.waiting === others)
    const before = await replica.metric('hearsay_watch_events_sent_total')
    for (let i = 0; i < 100; i++) replica.put('m', `k${i}`, i)
    // Who is woken stops waiting at once, and waits again some turns later.
    expect(replica.watches.stats.waiting).toBe(others)
    expect(await replica.metric('hearsay_watch_events_sent_total')).toBe(before)
    expect(readers.flatMap(({ events }) => events)).toEqual([])
  })
})

describe('a long poll', () => {
  const ask = async (url: string) => (await fetch(url)).json() as Promise<Record<string, unknown>>

  it('is answered with what is there after the cursor, and the cursor to go on with', async () => {
    const replica = await listening()
    replica.put('m', 'a', 1)
    replica.put('other', 'b', 2)
    replica.add('s', 'ana')
    const url = `${replica.url}?wait=30s&after=${replica.watches.cursorOf(0)}`
    const answer = await ask(`${url}&map=m`)
    expect(answer).toMatchObject({
      changes: [{ type: 'put', key: 'a', value: 1 }],
      cursor: replica.watches.cursorOf(3),
    })
    expect(((await ask(url)).changes as unknown[]).length).toBe(3)
  })

  it('waits for the next change, and with nothing for its time to be over', async () => {
    const replica = await listening()
    const waiting = ask(`${replica.url}?wait=30s&map=m`)
    await until(() => replica.watches.stats.waiting === 1)
    replica.put('other', 'x', 1)
    replica.put('m', 'k', 1)
    expect(await waiting).toMatchObject({ changes: [{ key: 'k' }], cursor: replica.watches.cursorOf(2) })
    const none = await ask(`${replica.url}?wait=5ms&map=none`)
    expect(none).toEqual({ changes: [], cursor: replica.watches.cursorOf(2) })
  })

  it('says that there is a gap, and from where to go on', async () => {
    const replica = await listening()
    replica.put('m', 'k', 1)
    const answer = await ask(`${replica.url}?wait=30s&after=ffffffffffffffff-1`)
    expect(answer).toEqual({ changes: [], gap: true, cursor: replica.watches.cursorOf(1) })
  })

  it('ends at 1,000 changes, and the next one goes on there', async () => {
    const replica = await listening()
    for (let i = 0; i < 1500; i++) replica.put('m', `k${i}`, i)
    const first = await ask(`${replica.url}?wait=1s&after=${replica.watches.cursorOf(0)}`)
    const second = await ask(`${replica.url}?wait=1s&after=${first.cursor}`)
    expect([first, second].map(({ changes }) => (changes as unknown[]).length)).toEqual([1000, 500])
  })

  it('ends with some megabytes of values, and loses none of the rest', async () => {
    const replica = await listening()
    for (let i = 0; i < 10; i++) replica.put('m', `k${i}`, 'x'.repeat(1_000_000))
    const first = await ask(`${replica.url}?wait=1s&after=${replica.watches.cursorOf(0)}`)
    const second = await ask(`${replica.url}?wait=1s&after=${first.cursor}`)
    const told = [first, second].flatMap(({ changes }) => changes as { key: string }[]).map(({ key }) => key)
    expect(told).toEqual(Array.from({ length: 10 }, (_, i) => `k${i}`))
    expect((first.changes as unknown[]).length).toBeLessThan(10)
  })

  it('is 503 when the replica stops, and nobody waits for it', async () => {
    const replica = await listening()
    const byStore = fetch(`${replica.url}?wait=30s`)
    await until(() => replica.watches.stats.waiting === 1)
    replica.watches.close()
    expect((await byStore).status).toBe(503)
    expect(await (await byStore).json()).toMatchObject({ code: 'STORE_CLOSED' })
    const other = await listening()
    const byServer = fetch(`${other.url}?wait=30s`)
    await until(() => other.watches.stats.waiting === 1)
    await other.app.close()
    expect((await byServer).status).toBe(503)
  })

  it('whose client has gone waits no longer, and is no fault of ours', async () => {
    const replica = await listening()
    const socket = net.connect(replica.port, '127.0.0.1')
    socket.write('GET /api/v1/watch?wait=30s HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => replica.watches.stats.waiting === 1)
    socket.destroy()
    await once(socket, 'close')
    await until(() => replica.watches.stats.waiting === 0)
    expect(await replica.metric('hearsay_watch_open{kind="poll"}')).toBe(0)
    expect(await replica.app.inject('/metrics').then(({ payload }) => payload)).not.toContain(
      'INTERNAL_ERROR',
    )
  })
})

describe('what is asked wrongly', () => {
  it.each([
    ['?after=nonsense', {}, 'WATCH_CURSOR_MALFORMED'],
    ['', { 'last-event-id': '1' }, 'WATCH_CURSOR_MALFORMED'],
    ['?aftr=1', {}, 'HTTP_QUERY_INVALID'],
    ['?map=a&map=b', {}, 'HTTP_QUERY_INVALID'],
    ['?values=maybe', {}, 'HTTP_QUERY_INVALID'],
    ['?wait=61s', {}, 'HTTP_QUERY_INVALID'],
    ['?wait=soon', {}, 'DURATION_MALFORMED'],
    ['?wait=1s', { accept: 'text/event-stream' }, 'HTTP_QUERY_INVALID'],
  ])('%s %j is 400 %s', async (query, headers, code) => {
    const answer = await testApp().app.inject({ url: `/api/v1/watch${query}`, headers })
    expect([answer.statusCode, answer.json().code]).toEqual([400, code])
  })

  it('HEAD is 405, and does not wait', async () => {
    const answer = await testApp().app.inject({ method: 'HEAD', url: '/api/v1/watch' })
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'GET'])
  })
})
