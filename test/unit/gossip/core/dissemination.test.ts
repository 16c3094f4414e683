import { describe, expect, it } from 'vitest'
import { BATCH_BYTES_MAX, decodeBatch } from '../../../../src/gossip/core/batch-frame.ts'
import type { PeerClass } from '../../../../src/gossip/core/delegate.ts'
import { WAVE_PEERS } from '../../../../src/gossip/core/front-load.ts'
import { FLUSH_PACKETS_MAX } from '../../../../src/gossip/core/gossip-round.ts'
import { PACKET_PARTS_MAX } from '../../../../src/gossip/core/outbox.ts'
import { REPEATED_PACKETS_MAX } from '../../../../src/gossip/core/stream-broadcast.ts'
import { endpoint, Solo } from './fixtures.ts'

const FOREIGN_META = new Uint8Array()

interface Peers {
  readonly native?: number
  readonly foreign?: number
}

/** Native peers at 2000.., foreign ones at 3000.., all membership news told. */
function clusterOf({ native = 0, foreign = 0 }: Peers, overrides = {}): Solo {
  const solo = new Solo({ pushPullIntervalMs: 0, probeIntervalMs: 1e9, ...overrides })
  for (let i = 0; i < native; i++) solo.peer(`n${i}`, 2000 + i)
  for (let i = 0; i < foreign; i++) solo.peer(`f${i}`, 3000 + i, { meta: FOREIGN_META })
  solo.machine.start(0)
  return solo.advanceTo(100_000).forget()
}

function payload(tag: number, length = 4): Uint8Array {
  return new Uint8Array(length).fill(tag)
}

function say(solo: Solo, tag: number, audience: PeerClass = 'native', length = 4, key?: string): void {
  const broadcast = { audience, payload: payload(tag, length) }
  solo.machine.broadcast(solo.nowMs, key === undefined ? broadcast : { ...broadcast, key })
}

describe('a relayed broadcast', () => {
  const relay = (solo: Solo): void =>
    solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: payload(7), isRelayed: true })

  it('waits for the tick where its author reaches everybody, and goes to each of them once', () => {
    const solo = clusterOf({ native: 2 })
    relay(solo)
    solo.flush()
    expect(solo.portsSent('user')).toEqual([])
    solo.advanceTo(solo.nowMs + 200)
    expect(solo.portsSent('user').sort()).toEqual([2000, 2001])
    solo.advanceTo(solo.nowMs + 10_000)
    expect(solo.portsSent('user')).toHaveLength(2)
    expect(solo.machine.stats().queues.native.messages).toBe(0)
  })

  it('leaves in the same turn where its author does not', () => {
    const solo = clusterOf({ native: 4 })
    relay(solo)
    solo.flush()
    expect(solo.portsSent('user')).toHaveLength(4)
  })
})

describe('a burst that everybody was sent once', () => {
  // In turns, and not faster than packets are paced, so that it goes by packet and not by stream.
  const burst = (solo: Solo, messages: number, isRelayed: boolean): void => {
    for (let i = 0; i < messages; i++) {
      solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: payload(i, 1000), isRelayed })
      solo.advanceTo(solo.nowMs + 0.1)
    }
  }

  it('is repeated on the tick, as one batch to everybody', () => {
    const solo = clusterOf({ native: 2 })
    burst(solo, 100, false)
    solo.forget().advanceTo(solo.nowMs + 10_000)
    const streams = solo.ofType('stream-user')
    expect(streams.map(({ to }) => to.port).sort()).toEqual([2000, 2001])
    expect(decodeBatch(streams[0]?.payload ?? new Uint8Array())).toHaveLength(100)
    expect([solo.sent('user').length, solo.machine.stats().queues.native.messages]).toEqual([0, 0])
  })

  it('is left to its author by those who relay it', () => {
    const solo = clusterOf({ native: 2 })
    burst(solo, 100, true)
    solo.advanceTo(solo.nowMs + 10_000)
    expect([solo.ofType('stream-user').length, solo.sent('user').length]).toEqual([0, 0])
    expect(solo.machine.stats().queues.native.messages).toBe(0)
  })

  it('is repeated in batches of bounded size', () => {
    const solo = clusterOf({ native: 1 })
    burst(solo, 600, false)
    solo.forget().advanceTo(solo.nowMs + 10_000)
    const batches = solo.ofType('stream-user').map(({ payload: bytes }) => bytes)
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(BATCH_BYTES_MAX)
    expect(batches.flatMap((bytes) => decodeBatch(bytes) ?? [])).toHaveLength(600)
  })

  it('is repeated by packet while it is short', () => {
    const solo = clusterOf({ native: 2 })
    burst(solo, REPEATED_PACKETS_MAX, false)
    solo.forget().advanceTo(solo.nowMs + 10_000)
    expect(solo.ofType('stream-user')).toEqual([])
    expect(solo.sent('user')).toHaveLength(2 * REPEATED_PACKETS_MAX)
  })
})

describe('a broadcast', () => {
  it('leaves in the same turn, to as many distinct peers as a wave has', () => {
    const solo = clusterOf({ native: 9 })
    say(solo, 7)
    expect(solo.machine.nextWakeAt()).toBe(solo.nowMs)
    solo.flush()
    const ports = solo.portsSent('user')
    expect(ports).toHaveLength(WAVE_PEERS)
    expect(new Set(ports).size).toBe(WAVE_PEERS)
    expect(solo.packets.every((packet) => packet.crc)).toBe(true)
  })

  it('is repeated up to its limit, to peers that did not have it', () => {
    const solo = clusterOf({ native: 9 })
    say(solo, 7)
    solo.advanceTo(solo.nowMs + 10_000)
    const ports = solo.portsSent('user')
    expect(ports).toHaveLength(8)
    expect(new Set(ports).size).toBe(8)
    expect(solo.machine.stats().queues.native.messages).toBe(0)
  })

  it('is sent exactly as often as memberlist sends it, also where the rounds do not divide the limit', () => {
    const solo = clusterOf({ native: 5 })
    say(solo, 7)
    solo.advanceTo(solo.nowMs + 10_000)
    expect(solo.portsSent('user')).toHaveLength(4)
  })

  it('never reaches the other audience', () => {
    const solo = clusterOf({ native: 3, foreign: 3 })
    say(solo, 1, 'native')
    say(solo, 2, 'foreign')
    solo.advanceTo(solo.nowMs + 10_000)
    for (const packet of solo.packets) {
      for (const message of packet.messages) {
        if (message.kind !== 'user') continue
        expect(message.payload[0]).toBe(packet.port < 3000 ? 1 : 2)
      }
    }
    expect(new Set(solo.portsSent('user')).size).toBe(6)
  })

  it('does not ride along to the other audience on acks either', () => {
    const solo = clusterOf({ native: 1, foreign: 1 })
    say(solo, 1, 'native')
    solo.receive({ kind: 'ping', seqNo: 1, node: 'self', source: endpoint(3000) }, 3000)
    solo.receive({ kind: 'ping', seqNo: 2, node: 'self', source: endpoint(9999) }, 9999)
    expect(solo.sent('user')).toEqual([])
    solo.receive({ kind: 'ping', seqNo: 3, node: 'self', source: endpoint(2000) }, 2000)
    expect(solo.sent('user')).toHaveLength(1)
  })

  it('for an audience without live members is dropped, not queued', () => {
    const solo = clusterOf({ native: 1 })
    say(solo, 1, 'foreign')
    solo.receive({ kind: 'dead', node: 'n0', incarnation: 1, from: 'x' })
    say(solo, 2, 'native')
    const { native, foreign } = solo.machine.stats().queues
    expect([native.messages, foreign.messages]).toEqual([0, 0])
    expect(solo.notes('broadcast_without_audience')).toHaveLength(2)
  })

  it('is told once more and is done, when it was sent more often than the members who are left ask for', () => {
    const solo = clusterOf({ native: 9 })
    say(solo, 1)
    solo.flush()
    for (let i = 2; i < 9; i++) solo.receive({ kind: 'dead', node: `n${i}`, incarnation: 1, from: `n${i}` })
    solo.advanceTo(solo.nowMs + 1000)
    expect(solo.sent('user')).toHaveLength(5)
    expect(solo.machine.stats().queues.native.messages).toBe(0)
  })

  it('is forgotten when the last of its audience has gone, long ones too', () => {
    const solo = clusterOf({ native: 1 })
    say(solo, 1, 'native', 100)
    solo.flush()
    say(solo, 2, 'native', 5000)
    solo.receive({ kind: 'dead', node: 'n0', incarnation: 1, from: 'x' })
    expect(solo.machine.stats().queues.native.messages).toBe(1)
    solo.advanceTo(solo.nowMs + 200)
    expect(solo.machine.stats().queues.native.messages).toBe(0)
    solo.peer('new', 5000).advanceTo(solo.nowMs + 1000)
    expect([solo.sent('user').length, solo.ofType('stream-user').length]).toEqual([1, 0])
  })

  it('replaces a pending one of its key; the old value is not sent any more', () => {
    const solo = clusterOf({ native: 2 })
    say(solo, 1, 'native', 4, 'k')
    say(solo, 2, 'native', 4, 'k')
    say(solo, 3, 'native', 4, 'other')
    solo.advanceTo(solo.nowMs + 10_000)
    expect(new Set(solo.sent('user').map((message) => message.payload[0]))).toEqual(new Set([2, 3]))
  })

  it('is dropped oldest first when the queue runs over its bytes', () => {
    const solo = clusterOf({ native: 1 }, { broadcastQueueBytesMax: 1000 })
    for (let i = 0; i < 20; i++) say(solo, i, 'native', 99)
    const { native } = solo.machine.stats().queues
    expect(native).toMatchObject({ messages: 10, bytes: 1000, dropped: 10 })
    solo.flush()
    expect(Math.min(...solo.sent('user').map((message) => message.payload[0] ?? 0))).toBe(10)
  })
})

describe('packets', () => {
  it('are filled, never above the budget, never with more than 127 parts', () => {
    const solo = clusterOf({ foreign: 1 })
    for (let i = 0; i < 300; i++) say(solo, i & 255, 'foreign', 1)
    solo.flush()
    expect(Math.max(...solo.packets.map((packet) => packet.messages.length))).toBe(PACKET_PARTS_MAX)
    solo.advanceTo(solo.nowMs + 5000).forget()
    for (let i = 0; i < 100; i++) say(solo, i & 255, 'foreign', 100)
    solo.flush()
    expect(solo.packets[0]?.messages).toHaveLength(13)
    expect(Math.max(...solo.packets.map((packet) => packet.bytes))).toBeLessThanOrEqual(1400)
  })

  it('of a ping with company stay within the budget as well', () => {
    const solo = clusterOf({ foreign: 1 })
    for (let i = 0; i < 100; i++) say(solo, i & 255, 'foreign', 50)
    solo.receive({ kind: 'ping', seqNo: 1, node: 'self', source: endpoint(3000) }, 3000)
    expect(solo.packets[0]?.messages[0]?.kind).toBe('ack')
    expect(solo.packets[0]?.bytes).toBeLessThanOrEqual(1400)
    expect(solo.packets[0]?.bytes).toBeGreaterThan(1300)
  })

  it('of a ping with company are filled to the last byte and not beyond', () => {
    const solo = clusterOf({ foreign: 1 })
    for (let i = 0; i < 200; i++) say(solo, i & 255, 'foreign', 1 + (i % 40))
    solo.receive({ kind: 'ping', seqNo: 1, node: 'self', source: endpoint(3000) }, 3000)
    expect(solo.packets[0]?.bytes).toBe(1400)
  })

  it('of a ping with company have at most 127 parts as well', () => {
    const solo = clusterOf({ foreign: 1 })
    for (let i = 0; i < 300; i++) say(solo, i & 255, 'foreign', 1)
    solo.receive({ kind: 'ping', seqNo: 1, node: 'self', source: endpoint(3000) }, 3000)
    expect(solo.packets[0]?.messages).toHaveLength(PACKET_PARTS_MAX)
  })

  it('are paced: so many to a peer, then a pause, then the rest, all of it once', () => {
    const solo = clusterOf({ foreign: 2 })
    const startMs = solo.nowMs
    for (let i = 0; i < 500; i++) say(solo, i & 255, 'foreign', 99)
    solo.flush()
    expect(solo.packets).toHaveLength(2 * FLUSH_PACKETS_MAX)
    say(solo, 1, 'foreign', 99)
    solo.flush()
    expect(solo.packets).toHaveLength(2 * FLUSH_PACKETS_MAX)
    expect(solo.machine.nextWakeAt()).toBe(startMs + 1)
    solo.advanceTo(startMs + 10)
    const byPort = (port: number): number =>
      solo.packets.filter((packet) => packet.port === port).flatMap((packet) => packet.messages).length
    expect(byPort(3000)).toBeGreaterThanOrEqual(501)
    expect(byPort(3001)).toBeGreaterThanOrEqual(501)
  })

  it('are paced as well where each leaves alone', () => {
    const solo = clusterOf({ native: 1 })
    for (let i = 0; i < 40; i++) {
      say(solo, i, 'native', 1300)
      solo.flush()
    }
    expect(solo.sent('user').length).toBeGreaterThanOrEqual(FLUSH_PACKETS_MAX)
    expect(solo.sent('user').length).toBeLessThanOrEqual(FLUSH_PACKETS_MAX + 2)
  })

  it('leave a third to user messages while membership is in turmoil', () => {
    const solo = clusterOf({ foreign: 3 })
    for (let i = 0; i < 400; i++) solo.peer(`new${i}`, 10_000 + i, { meta: FOREIGN_META })
    for (let i = 0; i < 100; i++) say(solo, i & 255, 'foreign', 60)
    solo.flush()
    const first = solo.packets[0]
    const userBytes = (first?.messages ?? []).reduce(
      (sum, message) => sum + (message.kind === 'user' ? message.payload.length + 3 : 0),
      0,
    )
    expect(first?.messages.some((message) => message.kind === 'alive')).toBe(true)
    expect(userBytes).toBeGreaterThan(1400 / 3 - 63)
  })

  it('carry a long user message in the first flush, however much membership there is', () => {
    const solo = clusterOf({ native: 3 })
    for (let i = 0; i < 1000; i++) solo.peer(`new${i}`, 10_000 + i)
    say(solo, 9, 'native', 1390)
    solo.flush()
    expect(solo.sent('user').length).toBeGreaterThan(0)
  })

  it('carry a membership message longer than its share when it is its turn', () => {
    const solo = clusterOf({ native: 2 })
    const longName = 'x'.repeat(1000)
    solo.peer(longName, 10_000)
    for (let i = 0; i < 50; i++) say(solo, i, 'native', 60)
    solo.flush()
    expect(solo.sent('alive').some((alive) => alive.node === longName)).toBe(true)
  })
})

describe('membership news', () => {
  it('about one member replaces what is pending about it', () => {
    const solo = clusterOf({ native: 2 })
    solo.receive({ kind: 'suspect', node: 'n0', incarnation: 1, from: 'n1' })
    solo.receive({ kind: 'dead', node: 'n0', incarnation: 1, from: 'n1' })
    solo.flush()
    expect([solo.sent('suspect').length, solo.sent('dead').length]).toEqual([0, 1])
  })

  it('reaches the dead on ticks within the gossip-to-the-dead time only, the departed never', () => {
    const solo = clusterOf({ native: 3 }, { gossipToTheDeadMs: 1000, retransmitMult: 20 })
    solo.receive({ kind: 'dead', node: 'n0', incarnation: 1, from: 'n1' })
    solo.receive({ kind: 'dead', node: 'n1', incarnation: 1, from: 'n1' })
    const startMs = solo.nowMs
    solo.advanceTo(startMs + 900)
    expect(solo.portsSent('dead')).toContain(2000)
    expect(solo.portsSent('dead')).toContain(2002)
    solo.advanceTo(startMs + 1100).forget()
    solo.peer('new', 5000).advanceTo(solo.nowMs + 3000)
    expect(solo.packets.map((packet) => packet.port)).not.toContain(2000)
    expect(solo.packets.map((packet) => packet.port)).not.toContain(2001)
  })

  it('keeps its sends to the dead, however many user messages leave before the tick', () => {
    const solo = clusterOf({ native: 9 })
    const startMs = solo.nowMs
    solo.receive({ kind: 'dead', node: 'n0', incarnation: 1, from: 'n1' })
    for (let tag = 0; tag < 30; tag++) {
      say(solo, tag)
      solo.advanceTo(solo.nowMs + 6)
    }
    expect(solo.sent('dead')).toHaveLength(5)
    solo.forget().advanceTo(startMs + 1000)
    expect(solo.sent('dead')).toHaveLength(3)
    expect(solo.portsSent('dead')).toContain(2000)
  })

  it('longer than any packet is refused with a note, not queued for ever', () => {
    const solo = clusterOf({ native: 1 }).peer('fat', 9000, { meta: new Uint8Array(2000).fill(0x68) })
    expect(solo.notes('membership_message_too_long')).toHaveLength(1)
    expect(solo.machine.stats().queues.membership.messages).toBe(0)
    expect(solo.liveness('fat')).toBe('alive')
  })

  it('of a lone member waits without waking anybody', () => {
    const solo = new Solo({ pushPullIntervalMs: 0 })
    solo.machine.start(0)
    solo.flush()
    expect(solo.machine.nextWakeAt()).toBeGreaterThan(0)
    expect(solo.packets).toEqual([])
  })
})
