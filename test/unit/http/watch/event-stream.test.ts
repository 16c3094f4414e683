import { describe, expect, it } from 'vitest'
import { EventFrames } from '../../../../src/http/watch/event-frames.ts'
import { EventStream } from '../../../../src/http/watch/event-stream.ts'
import { WATCH_BOUNDS, type WatchBounds } from '../../../../src/http/watch/watch-bounds.ts'
import { memoryWatches } from '../../../support/memory-watches.ts'

/** Lets everything run that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A stream to a reader that takes what it is sent when the test says so. */
function slowReader(options: Partial<WatchBounds> = {}, changesMax = 1000) {
  const memory = memoryWatches({ changesMax })
  const written: { readonly text: string; readonly take: () => void }[] = []
  const state = { nowMs: 0, unsent: 0, ended: undefined as string | undefined, destroyed: false }
  const response = {
    write: (chunk: Uint8Array, took: () => void) => {
      written.push({ text: Buffer.from(chunk).toString(), take: took })
      return true
    },
    end: (last: Uint8Array) => {
      state.ended = Buffer.from(last).toString()
    },
    destroy: () => {
      state.destroyed = true
    },
  } as unknown as ConstructorParameters<typeof EventStream>[0]['response']
  const stream = new EventStream(
    {
      watches: memory.watches,
      frames: new EventFrames((position) => memory.watches.cursorOf(position)),
      response,
      bounds: { ...WATCH_BOUNDS, ...options },
      nowMs: () => state.nowMs,
      enter: (run) => run(),
      unsent: (bytes) => {
        state.unsent += bytes
      },
      sent: () => undefined,
    },
    { filter: { map: 'm' }, withValues: true, position: 0, retryMs: 1000 },
  )
  const taken = () => written.map(({ text }) => text).join('')
  const takeAll = async (): Promise<void> => {
    for (const chunk of written.splice(0)) chunk.take()
    await turn()
  }
  return { ...memory, stream, state, written, taken, takeAll, over: stream.run() }
}

describe('an event stream', () => {
  it('gives a reader that takes nothing the bound and one change, and the rest when it takes that', async () => {
    const reader = slowReader({ unsentBytesMax: 1000 })
    await reader.takeAll()
    for (let i = 0; i < 20; i++) reader.put('m', `k${i}`, 'x'.repeat(600))
    for (let i = 0; i < 5; i++) await turn()
    expect(reader.state.unsent).toBeGreaterThan(1000)
    expect(reader.state.unsent).toBeLessThan(1000 + 1000)
    const keys: string[] = []
    while (keys.length < 20) {
      expect(reader.state.unsent).toBeLessThan(2000)
      keys.push(...[...reader.taken().matchAll(/"key":"(\w+)"/g)].map(([, key = '']) => key))
      await reader.takeAll()
    }
    expect(keys).toEqual(Array.from({ length: 20 }, (_, i) => `k${i}`))
    expect(reader.state.unsent).toBe(0)
  })

  it('tells a reader that was too slow for the log of a gap, and not of what came before it', async () => {
    const reader = slowReader({ unsentBytesMax: 100 }, 3)
    await reader.takeAll()
    reader.put('m', 'first', 'x'.repeat(200))
    await turn()
    for (let i = 0; i < 5; i++) reader.put('m', `lost${i}`, 1)
    await turn()
    expect(reader.taken()).toContain('first')
    await reader.takeAll()
    expect(reader.taken()).toBe(
      'id: 00112233445566aa-6\nevent: gap\ndata: {"type":"gap","cursor":"00112233445566aa-6"}\n\n',
    )
    await reader.takeAll()
    reader.put('m', 'next', 1)
    await turn()
    expect(reader.taken()).toContain('"key":"next"')
  })

  it('is stalled once nothing was taken for its time, however little; taking some is enough', async () => {
    const reader = slowReader({ stallMs: 100 })
    await turn()
    reader.state.nowMs = 100
    expect(reader.stream.isStalled(100)).toBe(false)
    expect(reader.stream.isStalled(101)).toBe(true)
    reader.written.shift()?.take()
    expect(reader.stream.isStalled(150)).toBe(false)
    await reader.takeAll()
    expect(reader.stream.isStalled(10_000)).toBe(false)
  })

  it('beats only in silence, and not at a reader that has something to take', async () => {
    const reader = slowReader({ heartbeatMs: 15_000, tickMs: 1000 })
    await turn()
    reader.stream.beat(20_000, 0)
    expect(reader.written.length).toBe(2)
    await reader.takeAll()
    reader.stream.beat(13_999, 0)
    expect(reader.written.length).toBe(0)
    reader.state.nowMs = 14_000
    reader.stream.beat(14_000, 7)
    expect(reader.taken()).toBe(': here\nid: 00112233445566aa-7\n\n')
    await reader.takeAll()
    reader.stream.beat(20_000, 7)
    expect(reader.written.length).toBe(0)
  })

  it('does not beat past a change that the reader was not given yet', async () => {
    const reader = slowReader({ heartbeatMs: 1, tickMs: 1 })
    await reader.takeAll()
    reader.put('m', 'k', 1)
    // Woken, and not yet running: as a tick of the timer would find it.
    reader.stream.beat(1, 0)
    expect(reader.taken()).toBe(': here\nid: 00112233445566aa-0\n\n')
  })

  it('ends with a last event, but hangs up on who is behind', async () => {
    const quick = slowReader()
    await quick.takeAll()
    quick.watches.close()
    await quick.over
    expect(quick.state.ended).toMatch(/^event: closed\ndata: \{"type":"closed","reason":".+"\}\n\n$/)
    expect(quick.state.destroyed).toBe(false)
    const slow = slowReader({ unsentBytesMax: 10 })
    await turn()
    slow.stream.close('stopping')
    await slow.over
    expect([slow.state.ended, slow.state.destroyed, slow.state.unsent]).toEqual([undefined, true, 0])
  })

  it('that falls behind a store that has closed hangs up: nobody waits for it', async () => {
    const reader = slowReader({ unsentBytesMax: 100 })
    await reader.takeAll()
    reader.put('m', 'k', 'x'.repeat(200))
    reader.watches.close()
    await reader.over
    expect(reader.taken()).toContain('"key":"k"')
    expect([reader.state.ended, reader.state.destroyed]).toEqual([undefined, true])
  })

  it('that was cut off writes nothing more and gives back what it held', async () => {
    const reader = slowReader({ unsentBytesMax: 10 })
    await turn()
    expect(reader.state.unsent).toBeGreaterThan(0)
    reader.stream.cut()
    await reader.over
    const { length } = reader.written
    reader.put('m', 'k', 1)
    await reader.takeAll()
    expect([reader.written.length, reader.state.unsent, length > 0]).toEqual([0, 0, true])
    expect(reader.watches.stats.waiting).toBe(0)
  })
})

describe('frames', () => {
  it('of a change are made once for all readers', () => {
    const { watches, put } = memoryWatches()
    const frames = new EventFrames((position) => watches.cursorOf(position))
    put('m', 'k', { a: 1 })
    const page = watches.read(0, {}, 1)
    const logged = page.type === 'changes' ? page.changes[0] : undefined
    expect(logged).toBeDefined()
    if (logged === undefined) return
    expect(frames.change(logged, true)).toBe(frames.change(logged, true))
    expect(frames.change(logged, false)).not.toBe(frames.change(logged, true))
    expect(frames.change(logged, false).toString()).not.toContain('"value"')
  })
})
