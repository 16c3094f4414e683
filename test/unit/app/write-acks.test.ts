/** Write concern over real sockets, with replicas of this process. */
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { Replica } from '../../../src/app/replica.ts'
import { systemClock } from '../../../src/app/system-clock.ts'
import type { StoredValue } from '../../../src/store/core/delta.ts'
import { until } from '../../support/until.ts'

const running: Replica[] = []
const value: StoredValue = { contentType: 'text/plain', bytes: Uint8Array.of(1) }

afterEach(async () => {
  await Promise.all(running.splice(0).map((replica) => replica.close()))
})

async function open(name: string, peers: readonly Replica[] = [], aheadMs = 0): Promise<Replica> {
  const replica = await Replica.open({
    name,
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 1000,
    clock: {
      monotonicMs: () => systemClock.monotonicMs(),
      wallMs: () => systemClock.wallMs() + aheadMs,
    },
    gossip: { listen: '127.0.0.1:0', peers: peers.map((peer) => peer.gossipAddress ?? '') },
    log: () => pino({ level: 'silent' }),
  })
  running.push(replica)
  replica.settle()
  return replica
}

async function trio(): Promise<readonly [Replica, Replica, Replica]> {
  const a = await open('a')
  const [b, c] = [await open('b', [a]), await open('c', [a])]
  await until(() => [a, b, c].every((replica) => replica.gossip?.members().length === 3))
  return [a, b, c]
}

describe('the write concern of a replica', () => {
  it('is met when every replica has the write, which each of them then shows', async () => {
    const [a, b, c] = await trio()
    const plan = a.acks.plan('all')
    const { deltas } = await a.store.kv.put('m', 'k', value)
    const { reached, acked } = await a.acks.confirm(plan, deltas, 5000)
    expect([reached, acked[0], [...acked].sort((x, y) => (x < y ? -1 : 1))]).toEqual([
      true,
      'a',
      ['a', 'b', 'c'],
    ])
    for (const replica of [a, b, c]) expect(replica.store.kv.get('m', 'k')?.value).toEqual(value)
    const removal = await a.store.kv.delete('m', 'k')
    expect((await a.acks.confirm(a.acks.plan('all'), removal.deltas, 5000)).reached).toBe(true)
    for (const replica of [a, b, c]) expect(replica.store.kv.get('m', 'k')).toBeUndefined()
  })

  it('counts members and records as well', async () => {
    const [a, b] = await trio()
    const { deltas } = await a.store.sets.add('s', 'ana')
    expect((await a.acks.confirm(a.acks.plan('all'), deltas, 5000)).reached).toBe(true)
    expect(b.store.sets.has('s', 'ana')).toBe(true)
  })

  it('is not met in time when a replica cannot take the write, and says who did', async () => {
    const [a, b] = await trio()
    const plan = a.acks.plan('all')
    const { deltas } = await a.store.kv.put('m', 'k', value)
    // It goes away without a word, as a process that hangs does.
    await b.gossip?.stop()
    const { reached, acked } = await a.acks.confirm(plan, deltas, 300)
    expect([reached, acked]).toEqual([false, ['a', 'c']])
  })

  it('does not count a replica that parks the write, because it comes from its future', async () => {
    const ahead = await open('ahead', [], 60_000)
    const b = await open('b', [ahead])
    await until(() => [ahead, b].every((replica) => replica.gossip?.members().length === 2))
    const { deltas } = await ahead.store.kv.put('m', 'k', value)
    const { reached, acked } = await ahead.acks.confirm(ahead.acks.plan(2), deltas, 300)
    expect([reached, acked]).toEqual([false, ['ahead']])
    expect(b.store.kv.get('m', 'k')).toBeUndefined()
    const added = await ahead.store.sets.add('s', 'ana')
    expect((await ahead.acks.confirm(ahead.acks.plan(2), added.deltas, 5000)).reached).toBe(true)
  })

  it('tells whoever waits at once when the replica closes', async () => {
    const [a, b] = await trio()
    const { deltas } = await a.store.kv.put('m', 'k', value)
    await b.gossip?.stop()
    const waiting = a.acks.confirm(a.acks.plan('all'), deltas, 60_000)
    await a.close()
    expect((await waiting).reached).toBe(false)
    expect((await a.acks.confirm({ needed: 2, others: ['c'] }, deltas, 60_000)).reached).toBe(false)
  })

  it('of a replica without gossip is met by itself', async () => {
    const alone = await Replica.open({
      retentionMs: 1,
      maxClockSkewMs: 1,
      settleTimeoutMs: 1,
      log: () => pino({ level: 'silent' }),
    })
    expect(alone.acks.plan('all').needed).toBe(1)
    expect(() => alone.acks.plan(2)).toThrow(expect.objectContaining({ code: 'ACK_UNREACHABLE' }))
    await alone.close()
  })
})
