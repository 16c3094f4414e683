import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import type { MemberEvent } from '../../../../src/gossip/core/delegate.ts'
import type { NodeLiveness } from '../../../../src/gossip/core/messages.ts'
import { CALLS_AT_ONCE_MAX, Reconnect, type ReconnectOptions } from '../../../../src/gossip/core/reconnect.ts'
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

/** Ports called in the next round; the calls end at once. */
function round(reconnect: Reconnect, nowMs: number = reconnect.nextAt()): number[] {
  const { lost } = reconnect.due(nowMs)
  for (const endpoint of lost) reconnect.ended(endpoint)
  return lost.map(({ port }) => port).sort((a, b) => a - b)
}

const LONG_MS = 5000

function withLost(count: number, options: ReconnectOptions = NEVER): Reconnect {
  const reconnect = new Reconnect(options, seededRandom(1), 0)
  for (let i = 1; i <= count; i++) reconnect.observe(0, event('leave', `n${i}`, i, 'dead'))
  return reconnect
}

/** Times of calls on port 1 until `untilMs`. */
function callsOn(reconnect: Reconnect, untilMs: number): number[] {
  const calls: number[] = []
  for (let nowMs = reconnect.nextAt(); nowMs < untilMs; nowMs = reconnect.nextAt()) {
    if (round(reconnect, nowMs).includes(1)) calls.push(nowMs)
  }
  return calls
}

describe('reconnect', () => {
  it('calls on the dead, not on those that left, nor on ourselves', () => {
    const reconnect = new Reconnect(NEVER, seededRandom(1), 0)
    reconnect.observe(0, event('leave', 'crashed', 1, 'dead'))
    reconnect.observe(0, event('leave', 'gone', 2, 'left'))
    reconnect.observe(0, event('leave', 'self', 3, 'dead'))
    expect(reconnect.due(LONG_MS).lost.map(endpointToText)).toEqual(['10.0.0.1:1'])
  })

  it('a member that died and then left is no longer called', () => {
    const reconnect = withLost(1)
    reconnect.observe(0, event('leave', 'n1', 1, 'left'))
    expect(round(reconnect, LONG_MS)).toEqual([])
    expect(reconnect.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('a return under the same name, or of another name at the same address, ends the calls', () => {
    const reconnect = withLost(3)
    reconnect.observe(0, event('join', 'n1', 9, 'alive'))
    reconnect.observe(0, event('join', 'new', 2, 'alive'))
    expect(round(reconnect, LONG_MS)).toEqual([3])
    expect(reconnect.lostCount).toBe(1)
  })

  it('who is lost where somebody was lost before is called once, by the last name', () => {
    const reconnect = withLost(1)
    reconnect.observe(10, event('leave', 'second', 1, 'dead'))
    expect(reconnect.lost().map(({ name }) => name)).toEqual(['second'])
    expect(round(reconnect, LONG_MS)).toEqual([1])
    reconnect.observe(20, event('join', 'n1', 7, 'alive'))
    expect(reconnect.lostCount).toBe(1)
  })

  it('each is called within a second, then ever less often, and always again within the interval', () => {
    for (let seed = 0; seed < 50; seed++) {
      const reconnect = new Reconnect({ ...NEVER, reconnectTimeoutMs: 10 ** 9 }, seededRandom(seed), 0)
      reconnect.observe(0, event('leave', 'n1', 1, 'dead'))
      const calls = callsOn(reconnect, 600_000)
      const gaps = calls.map((at, i) => at - (calls[i - 1] ?? 0))
      expect(gaps[0]).toBeLessThanOrEqual(1000)
      expect(gaps[2]).toBeGreaterThan(2000)
      expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000)
      expect(Math.min(...gaps.slice(4))).toBeGreaterThanOrEqual(8000)
    }
  })

  it('those that failed together are not called together', () => {
    const times = new Set<number>()
    for (let seed = 0; seed < 20; seed++) {
      const reconnect = new Reconnect(NEVER, seededRandom(seed), 0)
      reconnect.observe(0, event('leave', 'n1', 1, 'dead'))
      times.add(Math.round(callsOn(reconnect, 60_000).at(-1) ?? 0))
    }
    expect(times.size).toBeGreaterThan(10)
  })

  it('a call that hangs is neither repeated nor in the way of others', () => {
    const reconnect = withLost(2)
    const hanging = reconnect.due(LONG_MS).lost
    expect(hanging.length).toBe(2)
    const [first] = hanging
    if (first !== undefined) reconnect.ended(first)
    expect(reconnect.due(2 * LONG_MS).lost).toEqual([first])
  })

  it('a sign of life brings the call forward, every 2 s at most; strangers are not called', () => {
    const reconnect = withLost(1)
    const nowMs = (callsOn(reconnect, 40_000).at(-1) ?? 0) + 3000
    const next = reconnect.nextAt()
    const endpoint = endpointFromText('10.0.0.1', 1)
    expect(reconnect.signOfLife(nowMs, endpointFromText('10.0.0.1', 99))).toBe(false)
    expect(reconnect.nextAt()).toBe(next)
    const mapped = { addr: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1), port: 1 }
    expect(reconnect.signOfLife(nowMs, mapped)).toBe(true)
    // A round is due at once already, and to look for the next one costs a look at all of the lost.
    expect(reconnect.signOfLife(nowMs, endpoint)).toBe(false)
    expect([nowMs < next, reconnect.nextAt()]).toEqual([true, nowMs])
    expect(round(reconnect, nowMs)).toEqual([1])
    for (let at = nowMs; at < nowMs + 1000; at += 10) reconnect.signOfLife(at, endpoint)
    expect(reconnect.nextAt()).toBe(nowMs + 2000)
  })

  it('remembered peers are called like lost ones, and known by name and address', () => {
    const remembered = [{ name: 'old', endpoint: endpointFromText('10.0.0.1', 5) }]
    const reconnect = new Reconnect(NEVER, seededRandom(1), 0, remembered)
    expect(reconnect.lost()).toEqual(remembered.map((peer) => ({ ...peer, sinceMs: 0 })))
    expect(reconnect.nextAt()).toBeLessThanOrEqual(1000)
    expect(round(reconnect, 1000)).toEqual([5])
  })

  it('the configured peers are looked up after a second, then ever less often up to the interval, give or take a tenth', () => {
    const reconnect = new Reconnect(OPTIONS, seededRandom(7), 1000)
    const refreshes: number[] = []
    for (let nowMs = reconnect.nextAt(); nowMs < 200_000; nowMs = reconnect.nextAt()) {
      if (reconnect.due(nowMs).refresh) refreshes.push(nowMs)
    }
    const gaps = refreshes.map((at, i) => at - (refreshes[i - 1] ?? 1000))
    const expected = [1000, 2000, 4000, 8000]
    for (const [i, gap] of gaps.entries()) {
      expect(Math.abs(gap / (expected[i] ?? 15_000) - 1)).toBeLessThanOrEqual(0.1)
    }
    expect(gaps.length).toBeGreaterThanOrEqual(12)
    expect(new Set(gaps).size).toBe(gaps.length)
  })

  it('an interval of 0 turns a loop off; the lost are known all the same, until the timeout', () => {
    const off = withLost(1, { ...OPTIONS, reconnectIntervalMs: 0, refreshIntervalMs: 0 })
    expect(off.signOfLife(0, endpointFromText('10.0.0.1', 1))).toBe(false)
    expect(round(off, 59_000)).toEqual([])
    expect(off.lost().map(({ name }) => name)).toEqual(['n1'])
    expect(off.nextAt()).toBeGreaterThan(60_000)
    expect(round(off)).toEqual([])
    expect([off.lostCount, off.nextAt()]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  it('of the lost it is known who was a replica, as long as they are not met again', () => {
    const am = { name: 'am', endpoint: endpointFromText('10.0.0.1', 5), isReplica: false }
    const reconnect = new Reconnect(NEVER, seededRandom(1), 0, [am, { ...am, name: 'old', isReplica: true }])
    expect(reconnect.lost().map(({ isReplica }) => isReplica)).toEqual([true])
    const seen = withLost(1)
    const { member } = event('leave', 'foreign', 2, 'dead')
    seen.observe(0, { type: 'leave', member: { ...member, peerClass: 'foreign' } })
    expect(seen.lost().map(({ name, isReplica }) => [name, isReplica])).toEqual([
      ['foreign', false],
      ['n1', true],
    ])
  })

  it('the lost are forgotten after the timeout, counted from their loss', () => {
    const reconnect = withLost(1)
    reconnect.observe(50_000, event('leave', 'b', 2, 'dead'))
    expect(round(reconnect, 60_000)).toEqual([1, 2])
    expect(round(reconnect, 75_000)).toEqual([2])
    expect(reconnect.lost().map(({ name }) => name)).toEqual(['b'])
  })

  it('at most 32 calls are under way, and of many that hang each has its turn', () => {
    const reconnect = withLost(100, { ...NEVER, reconnectTimeoutMs: 10 ** 9 })
    const called = new Set<number>()
    let hanging = reconnect.due(LONG_MS).lost
    expect(hanging.length).toBe(CALLS_AT_ONCE_MAX)
    expect(reconnect.due(LONG_MS).lost).toEqual([])
    expect(reconnect.nextAt()).toBe(Number.POSITIVE_INFINITY)
    for (let nowMs = 9000; called.size < 100; nowMs += 4000) {
      expect(nowMs).toBeLessThan(9000 + 4 * 4000)
      for (const endpoint of hanging) {
        called.add(endpoint.port)
        reconnect.ended(endpoint)
      }
      hanging = reconnect.due(nowMs).lost
    }
  })

  it('at most 10,000 are remembered, the latest', () => {
    const reconnect = withLost(10_001)
    expect(reconnect.lostCount).toBe(10_000)
    expect(reconnect.lost()[0]?.name).toBe('n10001')
    reconnect.observe(0, event('join', 'n1', 1, 'alive'))
    expect(reconnect.lostCount).toBe(10_000)
  })
})
