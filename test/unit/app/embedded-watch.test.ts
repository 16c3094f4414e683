import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { EmbeddedReplica, MapChange } from '../../../src/index.ts'
import { ANY_PORT, openCluster, openEmbedded } from '../../support/embedded.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** The next changes, in short. */
async function take<T>(stream: AsyncIterator<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) {
    const { done, value } = await stream.next()
    if (done === true) break
    taken.push(value)
  }
  return taken
}

function brief(change: MapChange<unknown>): unknown {
  if (change.type === 'put') return [change.key, change.value]
  return change.type === 'delete' ? `${change.reason} ${change.key}` : 'gap'
}

/** Waiting readers of the replica, by way of its status. */
async function waiting(replica: EmbeddedReplica): Promise<number> {
  const status = (await (await fetch(`${replica.url}/api/v1/status`)).json()) as {
    watches?: { waiting?: number }
  }
  return status.watches?.waiting ?? -1
}

describe('watching a map', () => {
  it('starts with the call, and gives typed changes with version and cursor', async () => {
    const replica = await openEmbedded()
    const map = replica.map<{ cpu: number }>('m')
    await map.set('before', { cpu: 0 })
    const changes = map.watch()
    const { version } = await map.set('api', { cpu: 0.9 })
    await replica.map('other').set('api', 1)
    await map.delete('api')
    await map.set('short', { cpu: 1 }, { ttl: '20ms' })
    const cursor = expect.stringMatching(/^[0-9a-f]{16}-\d+$/) as string
    expect(await take(changes, 4)).toEqual([
      { type: 'put', key: 'api', value: { cpu: 0.9 }, version, cursor },
      { type: 'delete', key: 'api', reason: 'deleted', cursor },
      { type: 'put', key: 'short', value: { cpu: 1 }, version: expect.any(String) as string, cursor },
      { type: 'delete', key: 'short', reason: 'expired', cursor },
    ])
  })

  it('gives each value as it was at the change, to everyone a copy of their own', async () => {
    const map = (await openEmbedded()).map<{ n: number }>('m')
    const [one, two] = [map.watch(), map.watch({ prefix: 'k' })]
    for (const n of [1, 2, 3]) await map.set('k', { n })
    const first = await take(one, 3)
    for (const change of first) if (change.type === 'put') change.value.n = 0
    expect((await take(two, 3)).map(brief)).toEqual([1, 2, 3].map((n) => ['k', { n }]))
  })

  it('goes on after a cursor, with a prefix, and tells a gap for one of an earlier start', async () => {
    const dataDir = tempDir()
    const first = await openEmbedded({ dataDir })
    const map = first.map<number>('m')
    const all = map.watch()
    for (const key of ['a1', 'b1', 'a2']) await map.set(key, 1)
    const [seen] = await take(all, 1)
    const after = seen?.cursor ?? ''
    expect((await take(map.watch({ after, prefix: 'a' }), 1)).map(brief)).toEqual([['a2', 1]])
    await first.close()
    const again = (await openEmbedded({ dataDir })).map<number>('m')
    const resumed = again.watch({ after })
    const [gap] = await take(resumed, 1)
    expect(gap).toEqual({ type: 'gap', cursor: expect.any(String) as string })
    expect([...again.entries()].map(([key]) => key)).toEqual(['a1', 'a2', 'b1'])
    await again.set('b2', 2)
    expect((await take(resumed, 1)).map(brief)).toEqual([['b2', 2]])
    expect(() => again.watch({ after: 'yesterday' })).toThrow(
      expect.objectContaining({ code: 'WATCH_CURSOR_MALFORMED' }),
    )
  })

  it('that nobody pulls holds nothing, and gives one gap for all it missed', async () => {
    const map = (await openEmbedded()).map<number>('m')
    const idle = map.watch()
    await Promise.all(Array.from({ length: 10_001 }, (_, n) => map.set(`k${n % 10}`, n)))
    const [gap] = await take(idle, 1)
    expect(gap?.type).toBe('gap')
    await map.set('after', 1)
    expect((await take(idle, 1)).map(brief)).toEqual([['after', 1]])
  })

  it('hears what other replicas write, and tells an unreadable value as one that is gone', async () => {
    const [ana, ben] = await openCluster('ana', 'ben')
    const changes = ana.map<number>('m').watch()
    const set = ana.set('s').watch()
    await ben.map<number>('m').set('k', 1)
    await ben.set('s').add('x')
    expect((await take(changes, 1)).map(brief)).toEqual([['k', 1]])
    expect((await set.next()).value).toMatchObject({ type: 'add', member: 'x' })
    const web = await openEmbedded({ http: ANY_PORT })
    const broken = web.map('m').watch()
    const body = new Uint8Array([0xc1])
    const headers = { 'content-type': 'application/vnd.msgpack' }
    await fetch(`${web.url}/api/v1/kv/m/bad`, { method: 'PUT', headers, body })
    expect((await take(broken, 1)).map(brief)).toEqual(['unreadable bad'])
  })
})

describe('watching a set', () => {
  it('gives members that came and went', async () => {
    const replica = await openEmbedded()
    const set = replica.set<'ana' | 'ben'>('on-call')
    const changes = set.watch({ prefix: 'a' })
    await set.add('ben')
    await set.add('ana')
    await replica.map('on-call').set('ana', 1)
    await set.remove('ana')
    const cursor = expect.any(String) as string
    expect(await take(changes, 2)).toEqual([
      { type: 'add', member: 'ana', cursor },
      { type: 'remove', member: 'ana', cursor },
    ])
  })
})

describe('a watch ends', () => {
  it('when the loop is left, and a later one starts afresh', async () => {
    const map = (await openEmbedded()).map<number>('m')
    const changes = map.watch()
    await map.set('k', 1)
    for await (const change of changes) {
      expect(brief(change)).toEqual(['k', 1])
      break
    }
    await map.set('k', 2)
    expect(await changes.next()).toEqual({ done: true, value: undefined })
  })

  it('by abort, with the reason of the signal, while it waits and before it starts', async () => {
    const map = (await openEmbedded()).map('m')
    const controller = new AbortController()
    const loop = (async () => {
      for await (const _ of map.watch({ signal: controller.signal }));
    })()
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(loop).rejects.toBe(reason)
    const late = map.watch({ signal: controller.signal })
    await expect(late.next()).rejects.toBe(reason)
    expect(await late.next()).toEqual({ done: true, value: undefined })
  })

  it('by close of the replica, after what came before it', async () => {
    const replica = await openEmbedded()
    const map = replica.map<number>('m')
    const heard: unknown[] = []
    const loop = (async () => {
      for await (const change of map.watch()) heard.push(brief(change))
    })()
    const slow = map.watch()
    await map.set('k', 1)
    await map.set('k', 2)
    await replica.close()
    await loop
    const all = [
      ['k', 1],
      ['k', 2],
    ]
    expect([heard, (await take(slow, 9)).map(brief)]).toEqual([all, all])
    expect(await map.watch().next()).toEqual({ done: true, value: undefined })
  })

  it('by `return` while a `next` waits, which then is done', async () => {
    const map = (await openEmbedded()).map('m')
    const changes = map.watch()
    const [first, second] = [changes.next(), changes.next()]
    // A turn, so that the first is waiting for a change by now.
    await new Promise((resolve) => setImmediate(resolve))
    expect(await changes.return?.()).toEqual({ done: true, value: undefined })
    expect([await first, await second]).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })

  it('with nothing left behind: 1,000 opened and closed, in each of the ways', async () => {
    const replica = await openEmbedded({ http: ANY_PORT })
    const map = replica.map<number>('m')
    const controller = new AbortController()
    const { signal } = controller
    const streams = Array.from({ length: 1000 }, () => map.watch({ signal }))
    const answers = streams.map((stream) =>
      stream.next().then(
        ({ done }) => done,
        () => 'aborted',
      ),
    )
    await map.set('k', 1)
    expect(new Set(await Promise.all(answers))).toEqual(new Set([false]))
    const later = streams.map((stream) =>
      stream.next().then(
        ({ done }) => done,
        () => 'aborted',
      ),
    )
    await Promise.resolve()
    for (const stream of streams.slice(0, 500)) await stream.return?.()
    controller.abort()
    const ends = await Promise.all(later)
    expect([
      ends.filter((end) => end === true).length,
      ends.filter((end) => end === 'aborted').length,
    ]).toEqual([500, 500])
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(await waiting(replica)).toBe(0)
  })
})
