/** Turns, questions, answers, leases: ADR 7 sentence by sentence. */
import { describe, expect, it } from 'vitest'
import { decodeClaimFrame } from '../../../../src/alerting/notifier/claim-frames.ts'
import { type Answer, NotifierCluster, PAGER, turnOrder, WORK } from '../../../support/notifier-cluster.ts'

const NAMES = ['ana', 'bo', 'cy']
const [FIRST, SECOND, THIRD] = turnOrder(NAMES)

function slow(afterMs: number): (sent: unknown) => Answer {
  return () => ({ afterMs, outcome: { ok: true } })
}

function kindOf(frame: Uint8Array): string | undefined {
  return decodeClaimFrame(frame)?.kind
}

describe('turns', () => {
  it('before anybody has announced anything, all ask at once and the best lot sends', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    for (const replica of cluster.replicas.values()) replica.start()
    cluster.run(100)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
    expect(cluster.replica(FIRST).notifier.stats.yielded).toBeUndefined()
    for (const name of [SECOND, THIRD]) expect(cluster.replica(name).notifier.stats.yielded).toBe(1)
  })

  it('the question of a better lot is itself a no: its denial may get lost', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: slow(30_000) })
    cluster.drops = (bytes) => kindOf(bytes) === 'deny'
    for (const replica of cluster.replicas.values()) replica.start()
    cluster.run(60_000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
  })

  it('begin anew when a claim has failed, so that those behind the next do not ask', () => {
    const receiver = ({ by }: { by: string }): Answer =>
      by === FIRST
        ? { afterMs: 5000, outcome: { ok: false, retry: false, detail: 'no route' } }
        : { afterMs: 5, outcome: { ok: true } }
    const cluster = new NotifierCluster({ names: NAMES, receiver })
    cluster.introduce()
    for (const name of NAMES) cluster.replica(name).start()
    cluster.run(60_000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
    expect(cluster.replica(THIRD).notifier.stats.asks).toBeUndefined()
  })

  it('the first in order asks at once', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.replica(FIRST).start()
    cluster.run(3)
    expect(cluster.sends).toMatchObject([{ by: FIRST, atMs: 102 }])
  })

  it('the third in order waits two seconds where neither of those before it claims', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.replica(THIRD).start()
    cluster.run(1999)
    expect(cluster.sends).toEqual([])
    cluster.run(10)
    expect(cluster.sends).toMatchObject([{ by: THIRD }])
  })

  it('who does not notify for the receiver has no turn', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.replica(SECOND).notifier.advertise(PAGER, 0)
    cluster.replica(FIRST).notifier.advertise({ ...PAGER, idx: 1 }, 0)
    cluster.run(10)
    cluster.replica(SECOND).start()
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
  })

  it('a suspected owner is passed over at once, also when the suspicion comes while others wait', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.declare(FIRST, 'suspect')
    cluster.replica(SECOND).start()
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])

    const later = new NotifierCluster({ names: NAMES })
    later.introduce()
    later.replica(SECOND).start()
    later.run(300)
    later.declare(FIRST, 'suspect')
    later.run(5)
    expect(later.sends).toMatchObject([{ by: SECOND }])
  })

  it('an owner that has left or died is passed over at once', () => {
    for (const liveness of ['dead', 'left'] as const) {
      const cluster = new NotifierCluster({ names: NAMES })
      cluster.introduce()
      cluster.kill(FIRST)
      cluster.declare(FIRST, liveness)
      cluster.replica(SECOND).start()
      cluster.run(5)
      expect(cluster.sends).toMatchObject([{ by: SECOND }])
    }
  })

  it('after a failed release the next in order goes at once, and the one that failed is passed over', () => {
    const receiver = ({ by }: { by: string }): Answer =>
      by === FIRST
        ? { afterMs: 5, outcome: { ok: false, retry: false, detail: 'no route' } }
        : { afterMs: 5, outcome: { ok: true } }
    const cluster = new NotifierCluster({ names: NAMES, receiver })
    cluster.introduce()
    const [failing, second, third] = [FIRST, SECOND, THIRD].map((name) => cluster.replica(name).start())
    cluster.run(30)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
    expect(cluster.sends[1]?.atMs).toBeLessThan(cluster.nowMs)
    expect(cluster.replica(FIRST).result(failing ?? 0)).toEqual({
      outcome: 'failed',
      reason: 'send-failed',
      detail: 'no route',
    })
    expect(cluster.replica(SECOND).result(second ?? 0)).toEqual({ outcome: 'sent', reason: 'first' })
    expect(cluster.replica(THIRD).result(third ?? 0)).toMatchObject({ outcome: 'skipped' })
    expect(cluster.replica(SECOND).notifier.stats.takeovers).toBe(1)
  })

  it('nothing is decided before this replica has settled', () => {
    const cluster = new NotifierCluster({ names: ['ana'] })
    const ana = cluster.replica('ana')
    ana.isSettled = false
    const [first, second] = [ana.start(), ana.start({ groupKey: 'other', firing: [] })]
    cluster.run(5000)
    expect(cluster.sends).toEqual([])
    expect(ana.results.size).toBe(0)
    ana.isSettled = true
    cluster.run(210)
    expect(ana.result(first)).toMatchObject({ outcome: 'sent' })
    expect(ana.result(second)).toEqual({ outcome: 'skipped', reason: 'nothing-to-notify' })
  })

  it('a change of the members is a moment to look whether it has settled', () => {
    const cluster = new NotifierCluster({ names: ['ana'] })
    const ana = cluster.replica('ana')
    ana.isSettled = false
    ana.start()
    cluster.run(210)
    ana.isSettled = true
    ana.notifier.membersChanged(cluster.nowMs)
    cluster.run(0)
    expect(cluster.sends).toHaveLength(1)
  })
})

describe('asking', () => {
  it('a claim is held when all have granted it, suspected members included', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.declare(THIRD, 'suspect')
    cluster.stop(THIRD)
    cluster.replica(FIRST).start()
    cluster.run(900)
    expect(cluster.sends).toEqual([])
    cluster.goOn(THIRD)
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
    expect(cluster.replica(FIRST).notifier.stats.failed_open).toBeUndefined()
  })

  it.each([
    ['alive', 3000],
    ['suspect', 1000],
  ] as const)(
    'who does not answer is asked again after 200 ms; who is %s is no longer waited for after %i ms',
    (liveness, waitMs) => {
      const cluster = new NotifierCluster({ names: NAMES })
      cluster.introduce()
      cluster.kill(THIRD)
      cluster.declare(THIRD, liveness)
      const before = cluster.frames.length
      cluster.replica(FIRST).start()
      cluster.run(waitMs - 5)
      const asked = cluster.frames
        .slice(before)
        .filter(({ to, bytes }) => to === THIRD && kindOf(bytes) === 'ask')
      expect(asked).toHaveLength(2)
      expect(cluster.sends).toEqual([])
      cluster.run(10)
      expect(cluster.sends).toMatchObject([{ by: FIRST, atMs: 100 + waitMs }])
      expect(cluster.replica(FIRST).notifier.stats.failed_open).toBe(1)
      expect(cluster.replica(FIRST).notes).toContain('failed_open')
    },
  )

  it('a question that was lost is answered the second time', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    let lost = 0
    cluster.drops = (bytes, _, to) => kindOf(bytes) === 'ask' && to === SECOND && lost++ === 0
    cluster.replica(FIRST).start()
    cluster.run(210)
    expect(cluster.sends).toMatchObject([{ by: FIRST, atMs: 302 }])
  })

  it('a member that dies while it is asked is waited for until that is known', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.kill(THIRD)
    cluster.replica(FIRST).start()
    cluster.run(300)
    cluster.declare(THIRD, 'dead')
    expect(cluster.sends).toMatchObject([{ by: FIRST, atMs: 400 }])
  })

  it('a member that joins meanwhile is asked as well', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.declare(THIRD, 'left')
    for (const replica of cluster.replicas.values()) if (replica.name !== THIRD) replica.sees(THIRD, 'left')
    cluster.introduce()
    cluster.stop(SECOND)
    cluster.replica(FIRST).start()
    cluster.run(50)
    cluster.declare(THIRD, 'alive')
    const asked = cluster.frames.filter(({ to, bytes }) => to === THIRD && kindOf(bytes) === 'ask')
    expect(asked).toHaveLength(1)
  })

  it('a claim that is held is denied to everybody, better lots included', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: slow(30_000) })
    cluster.introduce()
    cluster.replica(THIRD).start()
    cluster.run(2500)
    expect(cluster.sends).toMatchObject([{ by: THIRD }])
    for (const name of [FIRST, SECOND]) cluster.replica(name).start()
    cluster.run(60_000)
    expect(cluster.sends).toHaveLength(1)
  })

  it('is denied by those that were told of it, where asker and holder do not hear each other', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: slow(30_000) })
    cluster.introduce()
    // The holder has the worse lot, so it is for being held that it stays.
    cluster.replica(SECOND).start()
    cluster.run(1500)
    cluster.partition([FIRST], [SECOND])
    const late = cluster.replica(FIRST).start()
    cluster.run(20_000)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
    expect(cluster.replica(FIRST).result(late)).toBeUndefined()
    expect(cluster.replica(FIRST).notifier.stats.asks).toBeLessThanOrEqual(2)
  })

  it('a denial for the sake of one that has itself granted us is out of date, whichever comes first', () => {
    const receiver = ({ by }: { by: string }): Answer =>
      by === FIRST
        ? { afterMs: 5, outcome: { ok: false, retry: false, detail: 'no route' } }
        : { afterMs: 5, outcome: { ok: true } }
    for (let seed = 1; seed <= 20; seed++) {
      const cluster = new NotifierCluster({ names: NAMES, receiver, seed, latencyMs: [1, 20] })
      cluster.introduce()
      cluster.drops = (bytes, _, to) => kindOf(bytes) === 'release' && to === THIRD
      for (const name of [FIRST, SECOND]) cluster.replica(name).start()
      cluster.run(150)
      expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
      expect(cluster.replica(SECOND).notifier.stats.denials_stale).toBeGreaterThan(0)
    }
  })

  it('a denial for the sake of one that dies meanwhile is asked for anew', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.drops = (_, from, to) => from === FIRST && to === SECOND
    cluster.replica(FIRST).start()
    cluster.run(0)
    cluster.replica(SECOND).sees(FIRST, 'suspect')
    cluster.replica(SECOND).start()
    cluster.run(0.5)
    cluster.kill(FIRST)
    cluster.run(500)
    expect(cluster.sends).toEqual([])
    cluster.declare(FIRST, 'dead')
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
    expect(cluster.replica(SECOND).notifier.stats.failed_open).toBeUndefined()
  })

  it('a question that comes once more after the news that it is held changes nothing', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: slow(30_000) })
    cluster.introduce()
    const questions: Uint8Array[] = []
    cluster.drops = (bytes, from, to) => {
      if (from === SECOND && to === THIRD && kindOf(bytes) === 'ask') questions.push(bytes)
      return false
    }
    cluster.replica(SECOND).start()
    cluster.run(1500)
    const [first] = questions
    if (first !== undefined) cluster.replica(THIRD).notifier.heard(first, cluster.nowMs)
    cluster.partition([FIRST], [SECOND])
    cluster.kill(FIRST)
    cluster.replica(FIRST).restart()
    cluster.replica(FIRST).start()
    cluster.run(1400)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
  })

  it('a denial for the sake of one that is known to be dead does not hold us up for longer than silence', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: slow(30_000) })
    cluster.introduce()
    cluster.replica(FIRST).start()
    cluster.run(50)
    cluster.kill(FIRST)
    cluster.replica(SECOND).sees(FIRST, 'dead')
    const second = cluster.replica(SECOND).start()
    cluster.run(3050)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
    expect(second).toBe(1)
  })

  it('a release that overtakes its own question leaves no claim behind', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    const late: (() => void)[] = []
    cluster.drops = (bytes, from, to) => {
      if (kindOf(bytes) !== 'ask' || to !== THIRD || from !== FIRST) return false
      late.push(() => cluster.replica(THIRD).notifier.heard(bytes, cluster.nowMs))
      return true
    }
    cluster.replica(FIRST).start({ timeoutMs: 500 })
    cluster.run(600)
    expect(late.length).toBeGreaterThan(0)
    for (const deliver of late) deliver()
    cluster.drops = () => false
    expect(cluster.replica(THIRD).notifier.stats.asks_stale).toBe(late.length)
    cluster.replica(THIRD).start()
    cluster.run(2100)
    expect(cluster.sends).toMatchObject([{ by: THIRD }])
  })
})

describe('a suspicion', () => {
  it('is seen by the next flush, though nobody tells of it', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    // Gossip tells who comes and goes, and no more.
    const { peers } = cluster.replica(SECOND)
    peers.set(FIRST, { name: FIRST, isSelf: false, isNative: true, liveness: 'suspect' })
    cluster.replica(SECOND).start()
    cluster.run(50)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
    peers.set(FIRST, { name: FIRST, isSelf: false, isNative: true, liveness: 'alive' })
    cluster.run(200)
    cluster.replica(SECOND).start({ firing: [99n] })
    cluster.run(50)
    expect(cluster.sends).toHaveLength(1)
  })
})

describe('the log rides along', () => {
  it('an entry that gossip lost stops the second webhook, and comes with the denial', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.spreads = false
    cluster.replica(FIRST).start()
    cluster.run(1000)
    const late = cluster.replica(SECOND).start({ firing: [11n] })
    cluster.run(1100)
    expect(cluster.sends).toHaveLength(1)
    expect(cluster.replica(SECOND).result(late)).toEqual({ outcome: 'skipped', reason: 'already-notified' })
    expect(cluster.replica(SECOND).log.has(WORK)).toBe(true)
    expect(cluster.replica(SECOND).notifier.stats.newer_entries).toBe(1)
  })

  it('a newer entry that still leaves something to notify does not', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.spreads = false
    cluster.replica(FIRST).start()
    cluster.run(1000)
    cluster.replica(SECOND).start({ firing: [11n, 99n] })
    cluster.run(1100)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND, order: { reason: 'new-alerts' } }])
    expect(cluster.sends[1]?.order.last?.firing).toEqual([11n, 12n])
  })

  it('who is denied for it withdraws, so that others do not wait for its lease', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.spreads = false
    cluster.replica(FIRST).log.set(WORK, cluster.entry({ ...cluster.flush(), firing: [11n] }))
    cluster.replica(SECOND).start({ firing: [11n] })
    cluster.run(1100)
    cluster.replica(THIRD).start({ firing: [11n, 99n] })
    cluster.run(2200)
    expect(cluster.sends).toMatchObject([{ by: THIRD }])
  })

  it('an entry that does not come, or cannot be joined, is waited for a second and no more', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.spreads = false
    cluster.recordOf = () => undefined
    cluster.replica(FIRST).start()
    cluster.run(1000)
    cluster.replica(SECOND).start({ firing: [11n] })
    cluster.run(2020)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
  })

  it('who hears by a release of an entry that does not come asks, and gets it with the denial', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.spreads = false
    cluster.replica(FIRST).start()
    for (const name of [SECOND, THIRD]) cluster.replica(name).start({ firing: [11n] })
    cluster.run(10_000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
    for (const name of [SECOND, THIRD]) {
      expect(cluster.replica(name).result(1)).toEqual({ outcome: 'skipped', reason: 'already-notified' })
    }
  })

  it('after a release for success the others wait for the entry, not for a turn', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.spreads = false
    for (const name of [FIRST, SECOND])
      cluster.replica(name).start({ firing: name === FIRST ? [11n] : [], resolved: [11n] })
    cluster.run(20)
    expect(cluster.sends).toHaveLength(1)
    cluster.replica(SECOND).learn(WORK, cluster.entry({ ...cluster.flush(), firing: [], resolved: [11n] }))
    expect(cluster.replica(SECOND).result(1)).toMatchObject({ outcome: 'skipped' })
  })
})

describe('the lease', () => {
  it('is renewed while its holder works: a send of two minutes finds no second sender', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: slow(120_000) })
    for (const replica of cluster.replicas.values()) replica.start({ timeoutMs: 300_000 })
    cluster.run(200_000)
    expect(cluster.sends).toHaveLength(1)
  })

  it('runs out after 10 s without renewal, and the next goes at once', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: slow(120_000) })
    cluster.introduce()
    for (const name of [FIRST, SECOND]) cluster.replica(name).start()
    cluster.run(50)
    cluster.stop(FIRST)
    cluster.run(9500)
    expect(cluster.sends).toHaveLength(1)
    cluster.run(3600)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
    expect(cluster.replica(SECOND).notifier.stats.leases_expired).toBe(1)
  })

  it('ends with its holder, and the next goes as soon as the death is known', () => {
    for (const liveness of ['dead', 'left'] as const) {
      const cluster = new NotifierCluster({ names: NAMES, receiver: slow(120_000) })
      cluster.introduce()
      for (const name of NAMES) cluster.replica(name).start()
      cluster.run(50)
      cluster.kill(FIRST)
      cluster.run(4000)
      cluster.declare(FIRST, liveness)
      cluster.run(5)
      expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
    }
  })

  it('ends when its holder is seen to have restarted', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: slow(120_000) })
    cluster.introduce()
    for (const name of [FIRST, SECOND]) cluster.replica(name).start()
    cluster.run(50)
    cluster.kill(FIRST)
    cluster.replica(FIRST).restart()
    cluster.replica(FIRST).notifier.advertise(PAGER, cluster.nowMs)
    cluster.run(1010)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
    expect(cluster.replica(SECOND).notifier.stats.restarts_seen).toBe(1)
  })
})
