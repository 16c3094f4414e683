/** Claims by themselves, for senders outside the process. */
import { describe, expect, it } from 'vitest'
import {
  NotifierCluster,
  type NotifierReplica,
  PAGER,
  turnOrder,
  WORK,
} from '../../../support/notifier-cluster.ts'

const NAMES = ['ana', 'bo', 'cy']
const [FIRST, SECOND, THIRD] = turnOrder(NAMES)

function three(): NotifierCluster {
  const cluster = new NotifierCluster({ names: NAMES })
  cluster.introduce()
  return cluster
}

function claim(replica: NotifierReplica, { waitMs = 5000, leaseMs = 30_000 } = {}): number {
  const { groupKey } = replica.cluster.flush()
  return replica.notifier.claim({ groupKey, receiver: PAGER, waitMs, leaseMs }, replica.cluster.nowMs)
}

describe('a claim by itself', () => {
  it('is held after its turn, keeps flushes waiting, and its release lets them decide anew', () => {
    const cluster = three()
    const first = cluster.replica(FIRST)
    const id = claim(first)
    expect(first.claims.get(id)).toBeUndefined()
    cluster.run(10)
    expect(first.claims.get(id)).toEqual({ held: true })
    cluster.replica(SECOND).start()
    cluster.run(20_000)
    expect(cluster.sends).toEqual([])
    const entry = cluster.entry(cluster.flush())
    first.learn(WORK, entry)
    first.notifier.release(id, false, cluster.nowMs)
    cluster.run(10)
    cluster.replica(SECOND).learn(WORK, entry)
    expect(cluster.replica(SECOND).result(1)).toEqual({ outcome: 'skipped', reason: 'already-notified' })
    expect(first.notifier.stats).toMatchObject({ contenders: 0, claims_own: 0, claims_held: 1 })
  })

  it('released as failed, the next in order goes at once', () => {
    const cluster = three()
    const id = claim(cluster.replica(FIRST))
    cluster.replica(SECOND).start()
    cluster.run(10)
    cluster.replica(FIRST).notifier.release(id, true, cluster.nowMs)
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
  })

  it('is renewed for an hour and no longer, so that a sender that renews and does nothing else stops nobody for ever', () => {
    const cluster = three()
    const first = cluster.replica(FIRST)
    const id = claim(first)
    cluster.replica(SECOND).start({ timeoutMs: 7_200_000 })
    cluster.run(10)
    let renewals = 0
    while (first.notifier.renew(id, 30_000, cluster.nowMs)) {
      renewals++
      cluster.run(10_000)
      expect(renewals).toBeLessThan(400)
    }
    expect(cluster.nowMs).toBeGreaterThan(3_500_000)
    expect(first.claimsLost).toEqual([id])
    cluster.run(10)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
    expect(first.notifier.stats).toMatchObject({ contenders: 0, claims_own: 0 })
  })

  it('is lost with its lease, as a failure', () => {
    const cluster = three()
    const first = cluster.replica(FIRST)
    const id = claim(first, { leaseMs: 4000 })
    cluster.replica(SECOND).start()
    cluster.run(3500)
    expect(first.notifier.renew(id, 4000, cluster.nowMs)).toBe(true)
    cluster.run(3999)
    expect(first.claimsLost).toEqual([])
    cluster.run(10)
    expect(first.claimsLost).toEqual([id])
    expect(first.notifier.renew(id, 4000, cluster.nowMs)).toBe(false)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
  })

  it('is lost to another that holds it too, after a partition', () => {
    const cluster = three()
    cluster.partition([FIRST], [SECOND, THIRD])
    const ids = [claim(cluster.replica(FIRST)), claim(cluster.replica(SECOND))]
    cluster.run(4500)
    expect(cluster.replica(SECOND).claims.get(ids[1] ?? 0)).toEqual({ held: true })
    cluster.cut.clear()
    cluster.run(4000)
    expect(cluster.replica(FIRST).claimsLost).toEqual([])
    expect(cluster.replica(SECOND).claimsLost).toEqual(ids.slice(1))
    expect(cluster.replica(SECOND).notifier.stats.contenders).toBe(0)
  })

  it('that another holds is denied with its name when the wait is over', () => {
    const cluster = three()
    claim(cluster.replica(FIRST))
    cluster.run(10)
    const id = claim(cluster.replica(SECOND), { waitMs: 3000 })
    cluster.run(2999)
    expect(cluster.replica(SECOND).claims.get(id)).toBeUndefined()
    cluster.run(1)
    expect(cluster.replica(SECOND).claims.get(id)).toEqual({ held: false, holder: FIRST, reason: 'denied' })
  })

  it('whose turn does not come in time names nobody', () => {
    const cluster = three()
    const id = claim(cluster.replica(THIRD), { waitMs: 1500 })
    cluster.run(1500)
    expect(cluster.replica(THIRD).claims.get(id)).toEqual({
      held: false,
      holder: undefined,
      reason: 'timeout',
    })
  })

  it('is refused for a log entry that is newer than the one at its start, held here or elsewhere', () => {
    const cluster = three()
    const third = cluster.replica(THIRD)
    const here = claim(third)
    cluster.run(500)
    third.learn(WORK, cluster.entry(cluster.flush()))
    expect(third.claims.get(here)).toEqual({ held: false, holder: undefined, reason: 'newer-entry' })

    const elsewhere = three()
    elsewhere.replica(SECOND).log.set(WORK, elsewhere.entry(elsewhere.flush()))
    const id = claim(elsewhere.replica(FIRST))
    elsewhere.run(10)
    expect(elsewhere.replica(FIRST).claims.get(id)).toMatchObject({ held: false, reason: 'newer-entry' })
    expect(elsewhere.replica(FIRST).log.has(WORK)).toBe(true)
  })

  it('released before it is held is answered as closed, and so are all when the notifier closes', () => {
    const cluster = three()
    const third = cluster.replica(THIRD)
    const released = claim(third)
    cluster.run(10)
    third.notifier.release(released, false, cluster.nowMs)
    const closed = claim(third)
    third.notifier.close(cluster.nowMs)
    for (const id of [released, closed]) {
      expect(third.claims.get(id)).toEqual({ held: false, holder: undefined, reason: 'closed' })
    }
  })

  it('is renewed among the members for as long as its lease is, however long', () => {
    const cluster = three()
    claim(cluster.replica(FIRST), { leaseMs: 100_000 })
    cluster.run(10)
    cluster.replica(SECOND).start({ timeoutMs: 300_000 })
    cluster.run(99_000)
    expect(cluster.sends).toEqual([])
    cluster.run(1100)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
  })
})
