import { describe, expect, it } from 'vitest'
import { BATCH_BYTES_MAX, decodeBatch } from '../../../../src/gossip/core/batch-frame.ts'
import type { GossipDelegate } from '../../../../src/gossip/core/delegate.ts'
import {
  BATCHES_PER_FLUSH_MAX,
  FOREIGN_RELAYED_BYTES_MAX,
} from '../../../../src/gossip/core/stream-broadcast.ts'
import { Solo } from './fixtures.ts'

function clusterOf(native: number, foreign: number, coalesce?: GossipDelegate['coalesce']): Solo {
  const solo = new Solo({ pushPullIntervalMs: 0, probeIntervalMs: 1e9 }, 0, 1, undefined, {
    ...(coalesce && { coalesce }),
  })
  for (let i = 0; i < native; i++) solo.peer(`n${i}`, 2000 + i)
  for (let i = 0; i < foreign; i++) solo.peer(`f${i}`, 3000 + i, { meta: new Uint8Array() })
  solo.machine.start(0)
  return solo.advanceTo(100_000).forget()
}

function numbered(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes[0] = number & 255
  bytes[1] = number >> 8
  return bytes
}

function streamPorts(solo: Solo): number[] {
  return solo.ofType('stream-user').map((effect) => effect.to.port)
}

describe('a message too long for a packet', () => {
  it.each([
    [2, 2],
    [8, 8],
    [20, 3],
  ])('goes by stream to natives, of %i to %i', (members, receivers) => {
    const solo = clusterOf(members, 1)
    solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: new Uint8Array(5000) })
    solo.flush()
    const ports = streamPorts(solo)
    expect(new Set(ports).size).toBe(receivers)
    expect(ports.every((port) => port < 3000)).toBe(true)
    expect([solo.packets, solo.machine.stats().queues.native.messages]).toEqual([[], 0])
  })

  it('goes to every foreign member, from the size on that Alertmanagers do not relay', () => {
    const solo = clusterOf(1, 12)
    const send = (length: number): void =>
      solo.machine.broadcast(solo.nowMs, { audience: 'foreign', payload: new Uint8Array(length) })
    send(FOREIGN_RELAYED_BYTES_MAX)
    solo.flush()
    expect([streamPorts(solo).length, solo.portsSent('user').length]).toEqual([0, 4])
    solo.forget()
    send(FOREIGN_RELAYED_BYTES_MAX + 1)
    expect(new Set(streamPorts(solo)).size).toBe(12)
  })

  it('shares a stream with the others of its turn, and none of them waits that comes alone', () => {
    const solo = clusterOf(2, 0)
    const say = (number: number): void =>
      solo.machine.broadcast(solo.nowMs, {
        audience: 'native',
        payload: numbered(number, 2000),
        key: `k${number}`,
      })
    say(1)
    solo.flush()
    say(2)
    solo.flush()
    expect(solo.ofType('stream-user').map(({ payload }) => payload[0])).toEqual([1, 1, 2, 2])
    solo.forget()
    for (let i = 10; i < 50; i++) say(i)
    say(10)
    solo.flush()
    const streams = solo.ofType('stream-user')
    expect(streams).toHaveLength(2)
    const entries = decodeBatch(streams[0]?.payload ?? new Uint8Array()) ?? []
    expect(entries.map(([number]) => number)).toEqual([...Array.from({ length: 39 }, (_, i) => i + 11), 10])
  })

  it('is the first that does not fit with its type byte and the packet overhead', () => {
    const solo = clusterOf(1, 0)
    solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: new Uint8Array(1395) })
    solo.flush()
    expect([streamPorts(solo).length, solo.packets[0]?.bytes]).toEqual([0, 1400])
    solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: new Uint8Array(1396) })
    solo.flush()
    expect(streamPorts(solo)).toHaveLength(1)
  })
})

describe('a backlog of native messages', () => {
  it('leaves as batches that hold every message once, and is done when every native got them', () => {
    const solo = clusterOf(2, 0)
    for (let i = 0; i < 1000; i++) {
      solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: numbered(i, 100), key: `k${i}` })
    }
    solo.flush()
    const streams = solo.ofType('stream-user')
    expect(streams.map((effect) => effect.to.port).sort()).toEqual([2000, 2001])
    const entries = decodeBatch(streams[0]?.payload ?? new Uint8Array()) ?? []
    const numbers = entries.map((entry) => (entry[0] ?? 0) + (entry[1] ?? 0) * 256)
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    expect(solo.machine.stats().queues.native.messages).toBe(0)
    expect(solo.sent('user')).toEqual([])
  })

  it('goes to three of many, on each tick to three others, and is told as often as anything', () => {
    const solo = clusterOf(12, 0)
    for (let i = 0; i < 200; i++) {
      solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: numbered(i, 100) })
    }
    solo.flush()
    expect(new Set(streamPorts(solo)).size).toBe(3)
    expect(solo.machine.stats().queues.native.messages).toBe(200)
    solo.advanceTo(solo.nowMs + 200)
    expect(new Set(streamPorts(solo)).size).toBe(6)
    solo.advanceTo(solo.nowMs + 60_000)
    const entries = solo.ofType('stream-user').flatMap(({ payload }) => decodeBatch(payload) ?? [])
    expect([streamPorts(solo).length, new Set(streamPorts(solo)).size]).toEqual([8, 8])
    expect([entries.length, solo.sent('user').length]).toEqual([200 * 8, 0])
    expect(solo.machine.stats().queues.native.messages).toBe(0)
  })

  it('is repeated at most a mebibyte a tick', () => {
    const solo = clusterOf(12, 0)
    for (let i = 0; i < 1500; i++) {
      solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: numbered(i, 1000) })
    }
    solo
      .advanceTo(solo.nowMs + 190)
      .forget()
      .advanceTo(solo.nowMs + 15)
    const bytes = solo.ofType('stream-user').reduce((sum, { payload }) => sum + payload.length, 0)
    expect(bytes / 3).toBeGreaterThan(BATCHES_PER_FLUSH_MAX * BATCH_BYTES_MAX - 2000)
    expect(bytes / 3).toBeLessThan(BATCHES_PER_FLUSH_MAX * BATCH_BYTES_MAX + 20_000)
    solo.advanceTo(solo.nowMs + 60_000)
    expect(solo.machine.stats().queues.native.messages).toBe(0)
  })

  it('stays below the batch size, paced, with nothing lost', () => {
    const solo = clusterOf(1, 0)
    const startMs = solo.nowMs
    for (let i = 0; i < 6000; i++) {
      solo.machine.broadcast(startMs, { audience: 'native', payload: numbered(i, 1000) })
    }
    solo.flush()
    const first = solo.ofType('stream-user')
    expect(first).toHaveLength(4)
    expect(Math.max(...first.map((effect) => effect.payload.length))).toBeLessThanOrEqual(BATCH_BYTES_MAX)
    expect(solo.machine.nextWakeAt()).toBe(startMs + 5)
    solo.advanceTo(startMs + 1)
    solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: numbered(0, 1000) })
    solo.advanceTo(startMs + 4)
    expect(solo.ofType('stream-user')).toHaveLength(4)
    solo.advanceTo(startMs + 100)
    const seen = new Set<number>()
    for (const effect of solo.ofType('stream-user')) {
      for (const entry of decodeBatch(effect.payload) ?? []) seen.add((entry[0] ?? 0) + (entry[1] ?? 0) * 256)
    }
    for (const message of solo.sent('user')) {
      seen.add((message.payload[0] ?? 0) + (message.payload[1] ?? 0) * 256)
    }
    expect(seen.size).toBe(6000)
  })

  it('of foreign messages is not batched where nobody can coalesce them', () => {
    const solo = clusterOf(1, 1)
    for (let i = 0; i < 500; i++) {
      solo.machine.broadcast(solo.nowMs, { audience: 'foreign', payload: numbered(i, 100) })
    }
    solo.advanceTo(solo.nowMs + 20)
    expect(streamPorts(solo)).toEqual([])
    expect(solo.sent('user').length).toBeGreaterThanOrEqual(500)
  })
})

describe('a burst of foreign messages that a delegate can coalesce', () => {
  const joined = (payloads: readonly Uint8Array[]): Uint8Array[] => [
    Uint8Array.from(payloads.flatMap((payload) => [...payload.subarray(0, 2)])),
  ]
  const numbersIn = (bytes: Uint8Array): number[] =>
    Array.from({ length: bytes.length / 2 }, (_, i) => (bytes[2 * i] ?? 0) + (bytes[2 * i + 1] ?? 0) * 256)
  const say = (solo: Solo, number: number, length: number, key = `k${number}`): void =>
    solo.machine.broadcast(solo.nowMs, { audience: 'foreign', payload: numbered(number, length), key })

  it('goes to each foreign member as one stream that says all', () => {
    const solo = clusterOf(1, 2, joined)
    for (let i = 0; i < 1000; i++) say(solo, i, 100)
    solo.advanceTo(solo.nowMs + 20)
    const streams = solo.ofType('stream-user')
    expect(streams.map((effect) => effect.to.port).sort()).toEqual([3000, 3001])
    const numbers = numbersIn(streams[0]?.payload ?? new Uint8Array())
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    solo.advanceTo(solo.nowMs + 10_000)
    expect([solo.sent('user').length, solo.machine.stats().queues.foreign.messages]).toEqual([0, 0])
  })

  it('takes what is too long for a packet along, and a shorter version of it in its place', () => {
    const solo = clusterOf(0, 1, joined)
    for (let i = 0; i < 50; i++) say(solo, i, 900)
    say(solo, 1000, 100, 'k7')
    say(solo, 1001, 100, 'short')
    say(solo, 1002, 900, 'short')
    expect(solo.ofType('stream-user')).toEqual([])
    solo.flush()
    const numbers = solo.ofType('stream-user').map(({ payload }) => numbersIn(payload))
    expect(numbers).toHaveLength(1)
    expect(numbers[0]).toHaveLength(51)
    expect(numbers[0]).not.toContain(7)
    expect(numbers[0]).not.toContain(1001)
    expect(numbers[0]).toEqual(expect.arrayContaining([1000, 1002]))
  })

  it('stays in packets while it is small: Alertmanagers relay those', () => {
    const solo = clusterOf(0, 2, joined)
    for (let i = 0; i < 5; i++) say(solo, i, 500)
    solo.flush()
    expect([streamPorts(solo), solo.sent('user').length]).toEqual([[], 10])
  })

  it('is spaced, so that a burst collects', () => {
    const solo = clusterOf(0, 1, joined)
    const startMs = solo.nowMs
    for (let i = 0; i < 100; i++) {
      solo.advanceTo(startMs + i / 10)
      for (let k = 0; k < 10; k++) say(solo, i * 10 + k, 600)
      solo.flush()
    }
    solo.advanceTo(startMs + 30)
    expect(streamPorts(solo).length).toBeLessThanOrEqual(6)
    const streamed = solo.ofType('stream-user').flatMap(({ payload }) => numbersIn(payload))
    const packed = solo.sent('user').flatMap(({ payload }) => numbersIn(payload.subarray(0, 2)))
    expect(new Set([...streamed, ...packed]).size).toBe(1000)
  })
})

describe('a reliable send', () => {
  it('is one stream to the named live member', () => {
    const solo = clusterOf(1, 0)
    solo.machine.sendReliable(solo.nowMs, 'n0', Uint8Array.of(1))
    expect(solo.ofType('stream-user')).toMatchObject([{ to: { port: 2000 }, payload: Uint8Array.of(1) }])
  })

  it('to nobody we know, to the dead or to ourselves is counted and dropped', () => {
    const solo = clusterOf(1, 0).receive({ kind: 'dead', node: 'n0', incarnation: 1, from: 'x' })
    for (const name of ['nobody', 'n0', 'self']) solo.machine.sendReliable(solo.nowMs, name, Uint8Array.of(1))
    expect(solo.ofType('stream-user')).toEqual([])
    expect(solo.notes('send_to_unknown_member')).toHaveLength(3)
  })
})
