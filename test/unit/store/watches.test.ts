import { randomBytes } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openStore } from '../../../src/store/open-store.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import { type WatchAnswer, Watches, type WatchFilter } from '../../../src/store/watches.ts'
import { joinFull } from '../../../src/testing/full-join.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { until } from '../../support/until.ts'

const ALL: WatchFilter = {}

async function open(clock = { wallMs: () => Date.now() }, path?: string): Promise<StateStore> {
  const store = await openStore({
    clock: { monotonicMs: () => performance.now(), ...clock },
    randomBytes,
    ...(path === undefined ? {} : { path }),
  })
  onTestFinished(() => store.close())
  return store
}

function value(text: string): { contentType: string; bytes: Uint8Array } {
  return { contentType: 'text/plain', bytes: Buffer.from(text) }
}

/** What the page says, in short. */
function told(answer: WatchAnswer): unknown {
  if (answer.type !== 'changes') return answer.type
  return answer.changes.map(({ change }) => {
    if (change.type === 'put') return `put ${change.key}=${Buffer.from(change.entry.value?.bytes ?? [])}`
    return change.type === 'delete' ? `${change.reason} ${change.key}` : `${change.type} ${change.member}`
  })
}

describe('the watches of a store', () => {
  it('tell own writes once they are durable, in their order', async () => {
    const { kv, sets, watches } = await open()
    const start = watches.end
    await kv.put('m', 'a', value('1'))
    await sets.add('s', 'ana')
    await kv.put('m', 'a', value('2'))
    await sets.remove('s', 'ana')
    await kv.delete('m', 'a')
    expect(told(watches.read(start, ALL, 99))).toEqual([
      'put a=1',
      'add ana',
      'put a=2',
      'remove ana',
      'deleted a',
    ])
    const late = kv.put('m', 'b', value('3'))
    expect(told(watches.read(watches.end, ALL, 99))).toEqual([])
    await late
    expect(told(watches.read(start + 5, ALL, 99))).toEqual(['put b=3'])
  })

  it('tell what a peer wrote as soon as it is visible, and nothing of records', async () => {
    const [here, there] = [await open(), await open()]
    const { watches } = here
    const start = watches.end
    const { deltas } = await there.kv.put('m', 'a', value('1'))
    await there.records.write('t', (stage) => {
      stage.put('r', { versionNs: 1n, bytes: new Uint8Array(1), expiresAtMs: Date.now() + 60_000 })
    })
    for (const delta of deltas) here.join(delta)
    expect(told(watches.read(start, ALL, 99))).toEqual(['put a=1'])
    await there.sets.add('s', 'ana')
    joinFull(here, there.fullState())
    expect(told(watches.read(start + 1, ALL, 99))).toEqual(['add ana'])
  })

  it('wake a reader that waits by what it wants, and by nothing else', async () => {
    const { kv, sets, watches } = await open()
    const filters: WatchFilter[] = [
      { map: 'm', prefix: 'a' },
      { map: 'n' },
      { set: 's' },
      { map: 'm', set: 's' },
      {},
    ]
    const heard: unknown[] = []
    const start = watches.end
    for (const [index, filter] of filters.entries()) {
      void watches.next(start, filter, 99).then((answer) => heard.push([index, told(answer)]))
    }
    await kv.put('m', 'b', value('1'))
    expect(heard).toEqual([
      [3, ['put b=1']],
      [4, ['put b=1']],
    ])
    await kv.put('m', 'ab', value('2'))
    await sets.add('s', 'ana')
    expect(heard.slice(2)).toEqual([
      [0, ['put ab=2']],
      [2, ['add ana']],
    ])
    expect(watches.stats.waiting).toBe(1)
  })

  it('keep a waiting reader from a gap, however many changes it does not want', async () => {
    const state = {
      entry: () => undefined,
      hasMember: () => true,
      onExpired: () => undefined,
      expire: () => undefined,
    }
    const watches = new Watches({ state, wallMs: () => 0, boot: '0'.repeat(16), changesMax: 10 })
    const answer = watches.next(0, { set: 's' }, 99)
    for (let n = 0; n < 100; n++) watches.changed([{ kind: 'entry', map: 'm', key: `k${n}` }])
    watches.changed([{ kind: 'member', set: 's', member: 'ana' }])
    expect(told(await answer)).toEqual(['add ana'])
    expect(watches.stats).toMatchObject({ appended: 101, compacted: 91, gaps: 0, waiting: 0 })
    expect(told(await watches.next(0, ALL, 99))).toBe('gap')
    expect(watches.stats.gaps).toBe(1)
  })

  it('tell expiry once, in time to who waits and with the next question to who does not', async () => {
    let nowMs = 1_000_000
    const { kv, watches } = await open({ wallMs: () => nowMs })
    const start = watches.end
    await kv.put('m', 'short', value('1'), { expiresAtMs: nowMs + 50 })
    await kv.put('m', 'long', value('2'), { expiresAtMs: nowMs + 60_000 })
    expect(watches.end - start).toBe(2)
    nowMs += 50
    expect(told(watches.read(start + 2, ALL, 99))).toEqual(['expired short'])
    nowMs += 60_000
    expect(watches.end - start).toBe(4)
    expect(told(watches.read(start + 3, ALL, 99))).toEqual(['expired long'])
  })

  it('arm a timer for a reader that waits for an expiry', async () => {
    const { kv, watches } = await open()
    const start = watches.end
    const beforeWrite = watches.next(start + 1, { map: 'm' }, 99)
    await kv.put('m', 'k', value('1'), { expiresAtMs: Date.now() + 40 })
    expect(told(await beforeWrite)).toEqual('gap')
    const afterWrite = watches.next(start + 1, { map: 'm' }, 99)
    expect(kv.get('m', 'k')).toBeDefined()
    expect(told(await afterWrite)).toEqual(['expired k'])
    expect(kv.get('m', 'k')).toBeUndefined()
  })

  it('tell once of an entry that came when its time was over', async () => {
    const { kv, watches } = await open()
    await kv.put('m', 'k', value('1'), { expiresAtMs: Date.now() - 5 })
    expect(told(watches.read(0, ALL, 9))).toEqual(['expired k'])
  })

  it('do not tell what expired while the store was closed', async () => {
    let nowMs = 1_000_000
    const clock = { wallMs: () => nowMs }
    const path = tempDir()
    const before = await open(clock, path)
    await before.kv.put('m', 'gone', value('1'), { expiresAtMs: nowMs + 5 })
    await before.kv.put('m', 'due', value('1'), { expiresAtMs: nowMs + 20 })
    await before.close()
    nowMs += 10
    const { watches } = await open(clock, path)
    expect(watches.end).toBe(0)
    nowMs += 10
    expect(told(watches.read(0, ALL, 9))).toEqual(['expired due'])
  })
})

describe('waiting', () => {
  it('ends by abort with the reason given, before and during', async () => {
    const { watches } = await open()
    const controller = new AbortController()
    const waiting = watches.next(watches.end, ALL, 1, controller.signal)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(watches.next(0, ALL, 1, controller.signal)).rejects.toBe(reason)
    expect([watches.stats.waiting, getEventListeners(controller.signal, 'abort')]).toEqual([0, []])
  })

  it('leaves nothing behind: 1,000 readers that waited, woken or aborted', async () => {
    const { kv, watches } = await open()
    const controller = new AbortController()
    const start = watches.end
    const waits = Array.from({ length: 1000 }, (_, n) =>
      watches
        .next(start, { map: n % 2 === 0 ? 'm' : 'never' }, 1, controller.signal)
        .then(told, () => 'aborted'),
    )
    await until(() => watches.stats.waiting === 1000)
    await kv.put('m', 'k', value('1'))
    // One listener however many wait, so that Node does not warn of a leak.
    expect([watches.stats.waiting, getEventListeners(controller.signal, 'abort').length]).toEqual([500, 1])
    controller.abort()
    const woken = new AbortController()
    const wait = watches.next(watches.end, ALL, 1, woken.signal)
    await kv.put('m', 'k', value('2'))
    await wait
    expect(getEventListeners(woken.signal, 'abort')).toEqual([])
    const answers = await Promise.all(waits)
    expect([answers.filter((answer) => answer === 'aborted').length, answers[0]]).toEqual([500, ['put k=1']])
    expect([watches.stats.waiting, getEventListeners(controller.signal, 'abort').length]).toEqual([0, 0])
  })

  it('is refused beyond so many readers, and allowed again when one has left', async () => {
    const { kv, watches } = await open()
    const start = watches.end
    const waits = Array.from({ length: 4096 }, () => watches.next(start, { map: 'm' }, 1))
    await expect(watches.next(start, ALL, 1)).rejects.toMatchObject({ code: 'WATCH_READERS_MAX' })
    await kv.put('m', 'k', value('1'))
    await Promise.all(waits)
    expect(told(await watches.next(start, ALL, 1))).toEqual(['put k=1'])
  })

  it('ends when the store closes', async () => {
    const store = await open()
    await store.kv.put('m', 'k', value('1'))
    const waiting = store.watches.next(store.watches.end, ALL, 1)
    await store.close()
    expect(told(await waiting)).toBe('closed')
    expect(told(await store.watches.next(0, ALL, 1))).toEqual(['put k=1'])
    expect(told(await store.watches.next(1, ALL, 1))).toBe('closed')
  })
})
