import { describe, expect, it } from 'vitest'
import type { MessageOf, SentPacket } from './fixtures.ts'
import { endpoint, Solo } from './fixtures.ts'

const NO_ACK = new Uint8Array()
/** Probe parameters that leave gossip and push-pull out of the picture. */
const QUIET = { gossipIntervalMs: 1e9, pushPullIntervalMs: 0, retransmitMult: 1 }

/** self and the peers a (2000), b (3001), c (3002) ... of pMax 5, all news told, first probe still to come. */
function clusterOf(others: number, overrides = {}): Solo {
  const solo = new Solo({ ...QUIET, ...overrides }).peer('a', 2000)
  for (let i = 1; i < others; i++) solo.peer(`b${i}`, 3000 + i)
  solo.flush().advanceTo(20)
  solo.machine.start(20)
  return solo.flush().advanceTo(25).forget()
}

function firstPing(solo: Solo): { packet: SentPacket; ping: MessageOf<'ping'> } {
  solo.advanceUntil(() => solo.sent('ping').length > 0)
  for (const packet of solo.packets) {
    const ping = packet.messages[0]
    if (ping?.kind === 'ping') return { packet, ping }
  }
  throw new Error('no ping was sent')
}

/** From its target, to the last ping. */
function acknowledge(solo: Solo): void {
  const packet = solo.packets.filter(({ messages }) => messages[0]?.kind === 'ping').at(-1)
  const ping = solo.sent('ping').at(-1)
  if (packet === undefined || ping === undefined) throw new Error('no ping was sent')
  solo.receive({ kind: 'ack', seqNo: ping.seqNo, payload: NO_ACK }, packet.port)
}

function targetOf(solo: Solo, ping: MessageOf<'ping'>): string | undefined {
  return solo.liveness(ping.node)
}

describe('a probe', () => {
  it('says by whom it is meant to be answered, and where the ack shall go', () => {
    const { packet, ping } = firstPing(clusterOf(1))
    expect(ping).toEqual({
      kind: 'ping',
      seqNo: ping.seqNo,
      node: 'a',
      source: endpoint(1000),
      sourceNode: 'self',
    })
    expect(packet).toMatchObject({ port: 2000, crc: true, probeSeqNo: ping.seqNo })
  })

  it('that is acknowledged leaves the target alive, measures the round trip and lowers the score', () => {
    const solo = clusterOf(1)
    solo.receive({ kind: 'dead', node: 'self', incarnation: 1, from: 'a' })
    expect(solo.machine.healthScore()).toBe(1)
    const { packet, ping } = firstPing(solo)
    solo.nowMs = packet.atMs + 7
    solo.receive({ kind: 'ack', seqNo: ping.seqNo, payload: NO_ACK })
    expect(solo.machine.healthScore()).toBe(0)
    expect(solo.member('a')?.rttMs).toBeCloseTo(7)
    expect(targetOf(solo, ping)).toBe('alive')
  })

  it('comes once an interval, under a number that those before it do not give away', () => {
    const solo = clusterOf(1)
    for (let turn = 1; turn <= 5; turn++) {
      solo.advanceUntil(() => solo.sent('ping').length === turn)
      acknowledge(solo)
    }
    const numbers = solo.sent('ping').map((ping) => ping.seqNo)
    const steps = numbers.slice(1).map((number, i) => Math.abs(number - (numbers[i] ?? 0)))
    expect(Math.min(...steps)).toBeGreaterThan(0xffff)
    const times = solo.packets.map((packet) => packet.atMs)
    for (let turn = 1; turn < 5; turn++) {
      expect((times[turn] ?? 0) - (times[turn - 1] ?? 0)).toBeCloseTo(1000)
    }
  })

  it('visits every live member once before any twice, suspects included, self and the dead not', () => {
    const solo = clusterOf(5)
    solo.receive({ kind: 'dead', node: 'b1', incarnation: 1, from: 'a' })
    solo.receive({ kind: 'suspect', node: 'b2', incarnation: 1, from: 'a' })
    solo.flush()
    for (let turn = 1; turn <= 4; turn++) {
      solo.advanceUntil(() => solo.sent('ping').length === turn)
      acknowledge(solo)
    }
    const visited = solo.sent('ping').map((ping) => ping.node)
    expect(visited.sort()).toEqual(['a', 'b2', 'b3', 'b4'])
  })

  it('of a suspect carries the suspicion in the same packet, and nothing else', () => {
    const solo = clusterOf(1)
    solo.receive({ kind: 'suspect', node: 'a', incarnation: 4, from: 'x' })
    solo.machine.broadcast(solo.nowMs, { audience: 'native', payload: Uint8Array.of(7) })
    const { packet } = firstPing(solo)
    expect(packet.messages).toMatchObject([
      { kind: 'ping', node: 'a' },
      { kind: 'suspect', node: 'a', incarnation: 4, from: 'self' },
    ])
  })

  it('without an answer asks others, tries TCP, and ends in suspicion when the interval is over', () => {
    const solo = clusterOf(5)
    const { packet, ping } = firstPing(solo)
    solo.advanceTo(packet.atMs + 499)
    expect(solo.sent('indirect-ping')).toEqual([])
    solo.advanceTo(packet.atMs + 501)
    const asked = solo.sent('indirect-ping')
    expect(asked).toHaveLength(3)
    for (const request of asked) {
      expect(request).toMatchObject({
        seqNo: ping.seqNo,
        node: ping.node,
        nack: true,
        target: endpoint(packet.port),
      })
      expect(request.source).toEqual(endpoint(1000))
    }
    const helpers = solo.portsSent('indirect-ping')
    expect(new Set(helpers).size).toBe(3)
    expect(helpers).not.toContain(packet.port)
    expect(solo.ofType('stream-ping')).toMatchObject([
      { to: endpoint(packet.port), deadlineMs: packet.atMs + 1000 },
    ])
    solo.advanceTo(packet.atMs + 999)
    expect(targetOf(solo, ping)).toBe('alive')
    solo.advanceTo(packet.atMs + 1000)
    expect(targetOf(solo, ping)).toBe('suspect')
    expect(solo.sent('suspect')).toMatchObject([{ node: ping.node, from: 'self' }])
  })

  it('saved by a relayed ack is a success, whose time says nothing about the target', () => {
    const solo = clusterOf(3)
    const { packet, ping } = firstPing(solo)
    solo.advanceTo(packet.atMs + 700).receive({ kind: 'nack', seqNo: ping.seqNo })
    solo.receive({ kind: 'ack', seqNo: ping.seqNo, payload: NO_ACK }, 3001)
    solo.advanceTo(packet.atMs + 1100)
    expect(targetOf(solo, ping)).toBe('alive')
    expect(solo.member(ping.node)?.rttMs).toBeUndefined()
    expect(solo.machine.healthScore()).toBe(0)
  })

  it('answered only over TCP is a success with a warning', () => {
    const solo = clusterOf(2)
    const { packet, ping } = firstPing(solo)
    solo.advanceTo(packet.atMs + 600)
    solo.machine.streamPingDone(solo.nowMs, ping.seqNo, true)
    solo.advanceTo(packet.atMs + 1000)
    expect(targetOf(solo, ping)).toBe('alive')
    expect(solo.notes('probe_stream_only')).toHaveLength(1)
    expect(solo.machine.healthScore()).toBe(0)
  })

  it('does not try TCP with a peer that cannot', () => {
    const solo = new Solo(QUIET).peer('a', 2000, { vsn: Uint8Array.of(1, 2, 2, 0, 0, 0) })
    solo.machine.start(0)
    const { packet } = firstPing(solo.flush().forget())
    solo.advanceTo(packet.atMs + 1000)
    expect(packet.crc).toBe(false)
    expect(solo.ofType('stream-ping')).toEqual([])
    expect(solo.liveness('a')).toBe('suspect')
  })

  it('that cannot be sent asks others at once, and success then does not lower the score', () => {
    const solo = clusterOf(2)
    solo.receive({ kind: 'dead', node: 'self', incarnation: 1, from: 'a' })
    const { packet, ping } = firstPing(solo)
    solo.nowMs = packet.atMs
    solo.machine.sendFailed(solo.nowMs, ping.seqNo)
    expect(solo.sent('indirect-ping')).toHaveLength(1)
    solo.receive({ kind: 'ack', seqNo: ping.seqNo, payload: NO_ACK })
    expect(solo.machine.healthScore()).toBe(1)
  })

  it('that cannot be sent and stays unanswered is a failed probe', () => {
    const solo = clusterOf(1)
    const { packet, ping } = firstPing(solo)
    solo.machine.sendFailed(packet.atMs, ping.seqNo)
    solo.advanceTo(Math.max(packet.atMs + 1001, solo.nowMs))
    expect(solo.liveness('a')).toBe('suspect')
  })

  it('ignores failures, acks and nacks of other numbers', () => {
    const solo = clusterOf(1)
    const { packet, ping } = firstPing(solo)
    solo.machine.sendFailed(packet.atMs, ping.seqNo + 1)
    solo.receive({ kind: 'ack', seqNo: ping.seqNo + 1, payload: NO_ACK })
    solo.receive({ kind: 'nack', seqNo: ping.seqNo + 1 })
    solo.advanceTo(packet.atMs + 1000)
    expect(solo.liveness('a')).toBe('suspect')
    expect(solo.notes('ack_unexpected')).toHaveLength(1)
  })

  it('counts an ack once: a second one finds nobody waiting', () => {
    const solo = clusterOf(1)
    const { ping } = firstPing(solo)
    solo.receive({ kind: 'ack', seqNo: ping.seqNo, payload: NO_ACK })
    solo.receive({ kind: 'ack', seqNo: ping.seqNo, payload: NO_ACK })
    expect(solo.notes('ack_unexpected')).toHaveLength(1)
  })
})

describe('health after a failed probe', () => {
  function scoreAfter(others: number, nacks: number, overrides = {}): number {
    const solo = clusterOf(others, overrides)
    const { packet, ping } = firstPing(solo)
    solo.advanceTo(packet.atMs + 600)
    for (let i = 0; i < nacks; i++) solo.receive({ kind: 'nack', seqNo: ping.seqNo })
    solo.advanceTo(packet.atMs + 1000)
    expect(targetOf(solo, ping)).toBe('suspect')
    return solo.machine.healthScore()
  }

  it('is unchanged when every helper sent its nack', () => {
    expect(scoreAfter(5, 3)).toBe(0)
  })

  it('falls by one for each missing nack', () => {
    expect([scoreAfter(5, 2), scoreAfter(5, 0)]).toEqual([1, 3])
  })

  it('falls by one when there was nobody to send one', () => {
    expect(scoreAfter(1, 0)).toBe(1)
  })

  it('falls by one when the helpers are too old for nacks', () => {
    const solo = new Solo(QUIET)
    for (let i = 0; i < 4; i++) solo.peer(`old${i}`, 2000 + i, { vsn: Uint8Array.of(1, 3, 2, 0, 0, 0) })
    solo.machine.start(0)
    const { packet } = firstPing(solo.flush().forget())
    solo.advanceTo(packet.atMs + 1000)
    expect(solo.sent('indirect-ping').every((request) => !request.nack)).toBe(true)
    expect(solo.machine.healthScore()).toBe(1)
  })

  it('stretches the next probe: twice the interval at score 1, with one probe at a time', () => {
    const solo = clusterOf(1)
    solo.receive({ kind: 'dead', node: 'self', incarnation: 1, from: 'a' })
    const { packet } = firstPing(solo)
    solo.advanceTo(packet.atMs + 1999)
    expect(solo.liveness('a')).toBe('alive')
    expect(solo.sent('ping')).toHaveLength(1)
    solo.advanceTo(packet.atMs + 2000)
    expect(solo.liveness('a')).toBe('suspect')
  })
})

describe('a probe longer than its interval', () => {
  it('is followed by one at once for the turn it missed, then once an interval again', () => {
    const solo = clusterOf(1)
    solo.receive({ kind: 'dead', node: 'self', incarnation: 1, from: 'a' })
    const { packet } = firstPing(solo)
    const startMs = packet.atMs
    solo.advanceTo(startMs + 1500)
    for (let turn = 1; turn <= 4; turn++) {
      acknowledge(solo)
      solo.advanceUntil(() => solo.sent('ping').length === turn + 1)
    }
    const pings = solo.packets.filter((sent) => sent.messages[0]?.kind === 'ping')
    expect(pings.map((sent) => Math.round(sent.atMs - startMs))).toEqual([0, 1500, 2000, 3000, 4000])
  })
})

describe('a stalled process', () => {
  it('gives the indirect phase its full length before it judges', () => {
    const solo = clusterOf(3)
    const { packet, ping } = firstPing(solo)
    const wokenAtMs = packet.atMs + 30_000
    solo.nowMs = wokenAtMs
    solo.machine.advance(wokenAtMs)
    expect(targetOf(solo, ping)).toBe('alive')
    solo.receive({ kind: 'ack', seqNo: ping.seqNo, payload: NO_ACK })
    expect(targetOf(solo, ping)).toBe('alive')
  })
})
