import { describe, expect, it } from 'vitest'
import { decodeBatch } from '../../../../src/gossip/core/batch-frame.ts'
import { membershipSendsBeforeTick, WAVE_SPACING_MS } from '../../../../src/gossip/core/front-load.ts'
import { LOSS_DOUBLING } from '../../../../src/gossip/core/loss-estimate.ts'
import { BACKLOG_PACKETS_MAX } from '../../../../src/gossip/core/stream-broadcast.ts'
import { Solo } from './fixtures.ts'

function clusterOf(peers: number, overrides = {}): Solo {
  const solo = new Solo({ pushPullIntervalMs: 0, probeIntervalMs: 1e9, ...overrides })
  for (let i = 0; i < peers; i++) solo.peer(`n${i}`, 2000 + i)
  solo.machine.start(0)
  // Off the ticks, which are at multiples of 200.
  return solo.advanceTo(100_050).forget()
}

function say(solo: Solo, tag = 7, bytes = 4): void {
  const payload = new Uint8Array(bytes).fill(tag)
  solo.machine.broadcast(solo.nowMs, { audience: 'native', payload })
}

/** When copies of user messages left, after `startMs`. */
function sendTimes(solo: Solo, startMs: number): number[] {
  return solo.packets.flatMap(({ atMs, messages }) =>
    messages.filter(({ kind }) => kind === 'user').map(() => atMs - startMs),
  )
}

function times(...groups: readonly (readonly [count: number, atMs: number])[]): number[] {
  return groups.flatMap(([count, atMs]) => new Array<number>(count).fill(atMs))
}

describe('a message in a large cluster', () => {
  it('goes to four peers at once, four after 5 ms, four after 10 ms, and on with the ticks', () => {
    const solo = clusterOf(1200)
    const startMs = solo.nowMs
    say(solo)
    solo.advanceTo(startMs + 10_000)
    expect(sendTimes(solo, startMs)).toEqual(times([4, 0], [4, 5], [4, 10], [3, 150], [1, 350]))
    expect(new Set(solo.portsSent('user')).size).toBe(16)
  })

  it('is done after two waves where that is its budget', () => {
    const solo = clusterOf(9)
    const startMs = solo.nowMs
    say(solo)
    solo.advanceTo(startMs + 10_000)
    expect(sendTimes(solo, startMs)).toEqual(times([4, 0], [4, 5]))
    expect(new Set(solo.portsSent('user')).size).toBe(8)
  })

  it('rides along with a later one instead of having a wave of its own', () => {
    const solo = clusterOf(60)
    const startMs = solo.nowMs
    say(solo, 1)
    solo.advanceTo(startMs + 3)
    say(solo, 2)
    solo.advanceTo(startMs + 10_000)
    expect(solo.packets.map(({ atMs }) => atMs - startMs)).toEqual(times([4, 0], [4, 3], [4, 8]))
    expect(sendTimes(solo, startMs)).toEqual(times([4, 0], [8, 3], [4, 8]))
  })

  it('is sent by a wave in its newest version only', () => {
    const solo = clusterOf(60)
    const say2 = (tag: number): void =>
      solo.machine.broadcast(solo.nowMs, { audience: 'native', key: 'k', payload: Uint8Array.of(tag) })
    say2(1)
    solo.flush()
    say2(2)
    solo.advanceTo(solo.nowMs + 10_000)
    expect(solo.sent('user').map(({ payload }) => payload[0])).toEqual(times([4, 1], [8, 2]))
  })
})

describe('waves', () => {
  it('do not happen where one round reaches everybody: there the tick repeats', () => {
    const solo = clusterOf(3)
    const startMs = solo.nowMs
    say(solo)
    solo.advanceTo(startMs + 10_000)
    expect(sendTimes(solo, startMs)).toEqual(times([3, 0], [1, 150]))
  })

  it('are not for a backlog of many packets: what was dropped once would be dropped again', () => {
    const solo = clusterOf(60)
    const startMs = solo.nowMs
    for (let i = 0; i <= BACKLOG_PACKETS_MAX; i++) {
      say(solo, i, 1300)
      solo.flush()
    }
    solo.advanceTo(startMs + 140)
    expect(new Set(sendTimes(solo, startMs))).toEqual(new Set([0]))
    solo.advanceTo(startMs + 10_000)
    const batched = solo.ofType('stream-user').flatMap(({ payload }) => decodeBatch(payload) ?? [])
    expect(batched.length + solo.sent('user').length).toBe(8 * (BACKLOG_PACKETS_MAX + 1))
  })

  it('leave no timer behind each time that they are put off', () => {
    const solo = clusterOf(1200)
    for (let i = 0; i < 100; i++) {
      say(solo, i)
      solo.advanceTo(solo.nowMs + 0.01)
    }
    const wakes: number[] = []
    const endMs = solo.nowMs + 90
    for (let atMs = solo.machine.nextWakeAt() ?? endMs; atMs < endMs; ) {
      wakes.push(atMs)
      solo.advanceTo(atMs)
      atMs = solo.machine.nextWakeAt() ?? endMs
    }
    expect(wakes.length).toBeGreaterThan(0)
    expect(wakes.length).toBeLessThan(90 / WAVE_SPACING_MS)
  })
})

describe('membership news', () => {
  it('goes to four at once and leaves a round for the tick, which also tells the dead', () => {
    const solo = clusterOf(60)
    const startMs = solo.nowMs
    solo.receive({ kind: 'dead', node: 'n0', incarnation: 1, from: 'n1' })
    solo.advanceTo(startMs + 10_000)
    const sent = solo.packets.filter(({ messages }) => messages.some(({ kind }) => kind === 'dead'))
    expect(sent.map(({ atMs }) => atMs - startMs)).toEqual(times([4, 0], [1, 5], [3, 150]))
    expect(sent.filter(({ atMs }) => atMs - startMs < 150).map(({ port }) => port)).not.toContain(2000)
  })

  it('keeps its budget, whatever that is', () => {
    expect([0, 4, 8, 12, 16].map((limit) => membershipSendsBeforeTick(limit, 3))).toEqual([0, 3, 5, 9, 13])
  })
})

describe('a lossy network', () => {
  /** `rounds` probes of one peer after the other; those that `isLost` names are answered by a helper only. */
  function probed(
    rounds: number,
    isLost: (round: number, port: number) => boolean,
    lateFrom?: 'target',
    peers = 60,
  ): Solo {
    const solo = new Solo({ pushPullIntervalMs: 0 })
    for (let i = 0; i < peers; i++) solo.peer(`n${i}`, 2000 + i)
    solo.machine.start(0)
    for (let round = 0; round < rounds; round++) {
      solo.forget().advanceUntil(() => solo.sent('ping').length > 0)
      const ping = solo.packets.find(({ probeSeqNo }) => probeSeqNo !== undefined)
      const seqNo = ping?.probeSeqNo ?? -1
      const target = ping?.port ?? 0
      const lost = isLost(round, target)
      if (lost) solo.advanceTo(solo.nowMs + 600)
      const answering = lost && lateFrom === undefined ? 1999 : target
      solo.receive({ kind: 'ack', seqNo, payload: new Uint8Array(0) }, answering)
    }
    return solo.advanceTo(solo.nowMs + 10).forget()
  }

  function sends(solo: Solo): number {
    say(solo)
    solo.advanceTo(solo.nowMs + 5000)
    return solo.sent('user').length
  }

  it('that loses nothing gets no send more', () => {
    expect(sends(probed(40, () => false))).toBe(8)
  })

  it('that loses a quarter and more gets twice as many, and never more than that', () => {
    const lostProbes = 1 - (1 - LOSS_DOUBLING) ** 2
    expect(sends(probed(40, (round) => (round * lostProbes) % 1 < lostProbes))).toBeGreaterThanOrEqual(14)
    expect(sends(probed(60, () => true))).toBe(16)
  })

  it('is not what a slow member shows, whose answer comes late but from itself', () => {
    expect(sends(probed(40, () => true, 'target'))).toBe(8)
  })

  it('is not what one peer shows that no datagram reaches, once that is known', () => {
    expect(sends(probed(400, (_, port) => port === 2000, undefined, 10))).toBe(8)
    expect(sends(probed(100, (_, port) => port === 2000, undefined, 2))).toBe(4)
  })

  it('is not what a dead member shows, whom nobody reaches', () => {
    const solo = clusterOf(60, { probeIntervalMs: 1000 })
    solo.advanceTo(solo.nowMs + 20_000).forget()
    expect(solo.machine.stats().members.suspect).toBeGreaterThan(3)
    expect(sends(solo)).toBe(8)
  })
})
