import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import type { MemberEvent } from '../../../../src/gossip/core/delegate.ts'
import type { NodeLiveness } from '../../../../src/gossip/core/messages.ts'
import { Reconnect } from '../../../../src/gossip/core/reconnect.ts'
import { endpointFromText, endpointToText } from '../../../../src/gossip/io/endpoint-text.ts'

const OPTIONS = { reconnectIntervalMs: 10_000, reconnectTimeoutMs: 60_000, refreshIntervalMs: 15_000 }
const NEVER = { ...OPTIONS, refreshIntervalMs: 0 }

function event(
  type: 'join' | 'leave' | 'update',
  name: string,
  port: number,
  liveness: NodeLiveness,
): MemberEvent {
  const endpoint = endpointFromText('10.0.0.1', port)
  const meta = new Uint8Array(0)
  const member = { name, endpoint, meta, incarnation: 1, liveness, rttMs: undefined } as const
  return { type, member: { ...member, peerClass: 'native', isSelf: name === 'self' } }
}

/** Ports called in the next round. */
function round(reconnect: Reconnect): number[] {
  return reconnect
    .due(reconnect.nextAt())
    .dead.map(({ port }) => port)
    .sort((a, b) => a - b)
}

describe('reconnect', () => {
  it('calls on the dead, not on those that left, nor on ourselves', () => {
    const reconnect = new Reconnect(NEVER, seededRandom(1), 0)
    reconnect.observe(0, event('leave', 'crashed', 1, 'dead'))
    reconnect.observe(0, event('leave', 'gone', 2, 'left'))
    reconnect.observe(0, event('leave', 'self', 3, 'dead'))
    expect(reconnect.due(reconnect.nextAt()).dead.map(endpointToText)).toEqual(['10.0.0.1:1'])
  })

  it('a member that died and then left is no longer called', () => {
    const reconnect = new Reconnect(NEVER, seededRandom(1), 0)
    reconnect.observe(0, event('leave', 'a', 1, 'dead'))
    reconnect.observe(0, event('leave', 'a', 1, 'left'))
    expect(round(reconnect)).toEqual([])
  })

  it('a return under the same name, or of another name at the same address, ends the calls', () => {
    const reconnect = new Reconnect(NEVER, seededRandom(1), 0)
    for (const [name, port] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const)
      reconnect.observe(0, event('leave', name, port, 'dead'))
    reconnect.observe(0, event('join', 'a', 9, 'alive'))
    reconnect.observe(0, event('join', 'new', 2, 'alive'))
    expect(round(reconnect)).toEqual([3])
    expect(reconnect.deadCount).toBe(1)
  })

  it('rounds come at the interval give or take a tenth, for each loop on its own', () => {
    const reconnect = new Reconnect(OPTIONS, seededRandom(7), 1000)
    const calls: number[] = []
    const refreshes: number[] = []
    reconnect.observe(1000, event('leave', 'a', 1, 'dead'))
    for (let nowMs = reconnect.nextAt(); nowMs < 61_000; nowMs = reconnect.nextAt()) {
      const { dead, refresh } = reconnect.due(nowMs)
      if (dead.length > 0) calls.push(nowMs)
      if (refresh) refreshes.push(nowMs)
    }
    const gaps = (times: number[]): number[] => times.map((at, i) => at - (times[i - 1] ?? 1000))
    expect(gaps(calls).every((gap) => gap >= 9000 && gap <= 11_000)).toBe(true)
    expect(gaps(refreshes).every((gap) => gap >= 13_500 && gap <= 16_500)).toBe(true)
    expect(calls.length).toBeGreaterThanOrEqual(5)
    expect(refreshes.length).toBeGreaterThanOrEqual(3)
    expect(new Set(gaps(calls)).size).toBeGreaterThan(1)
  })

  it('an interval of 0 turns a loop off', () => {
    const off = new Reconnect(
      { ...OPTIONS, reconnectIntervalMs: 0, refreshIntervalMs: 0 },
      seededRandom(1),
      0,
    )
    expect(off.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('the dead are forgotten after the timeout, counted from their death', () => {
    const reconnect = new Reconnect(NEVER, seededRandom(1), 0)
    reconnect.observe(0, event('leave', 'a', 1, 'dead'))
    reconnect.observe(50_000, event('leave', 'b', 2, 'dead'))
    expect(reconnect.due(60_000).dead.length).toBe(2)
    expect(reconnect.due(75_000).dead.map(({ port }) => port)).toEqual([2])
  })

  it('a round calls at most 16, and over time every one of many', () => {
    const reconnect = new Reconnect({ ...NEVER, reconnectTimeoutMs: 10 ** 9 }, seededRandom(1), 0)
    for (let i = 1; i <= 100; i++) reconnect.observe(0, event('leave', `n${i}`, i, 'dead'))
    const called = new Set<number>()
    for (let i = 0; i < 100; i++) {
      const ports = round(reconnect)
      expect(ports.length).toBe(16)
      for (const port of ports) called.add(port)
    }
    expect(called.size).toBe(100)
  })

  it('at most 10,000 are remembered, the latest', () => {
    const reconnect = new Reconnect(NEVER, seededRandom(1), 0)
    for (let i = 1; i <= 10_001; i++) reconnect.observe(0, event('leave', `n${i}`, i, 'dead'))
    expect(reconnect.deadCount).toBe(10_000)
    reconnect.observe(0, event('join', 'n1', 1, 'alive'))
    expect(reconnect.deadCount).toBe(10_000)
  })
})
