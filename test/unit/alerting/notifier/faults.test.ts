/** Deaths, pauses and partitions: how often the receiver hears of one flush. */
import { describe, expect, it } from 'vitest'
import {
  type Answer,
  NotifierCluster,
  PAGER,
  type Sent,
  turnOrder,
  WORK,
} from '../../../support/notifier-cluster.ts'

const NAMES = ['ana', 'bo', 'cy']
const [FIRST, SECOND, THIRD] = turnOrder(NAMES)
const DETECTION_MS = 5000

function all(options: { afterMs?: number } = {}): NotifierCluster {
  const { afterMs } = options
  const receiver = (): Answer => ({ afterMs: afterMs ?? 5, outcome: { ok: true } })
  const cluster = new NotifierCluster({ names: NAMES, receiver })
  cluster.introduce()
  for (const name of NAMES) cluster.replica(name).start()
  return cluster
}

describe('a sender that is killed', () => {
  it('before its send: one, once its death is known', () => {
    const cluster = all()
    cluster.run(1)
    cluster.kill(FIRST)
    cluster.run(DETECTION_MS)
    expect(cluster.sends).toEqual([])
    cluster.declare(FIRST, 'dead')
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
    cluster.run(60_000)
    expect(cluster.sends).toHaveLength(1)
  })

  it('during its send, or after it and before it is logged: two', () => {
    for (const killedAfterMs of [4, 7]) {
      const cluster = all()
      cluster.run(killedAfterMs)
      cluster.kill(FIRST)
      cluster.run(DETECTION_MS)
      cluster.declare(FIRST, 'dead')
      cluster.run(60_000)
      expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
      const [a, b] = cluster.sends.map(({ order }) => order.notificationId)
      expect(a).toBe(b)
    }
  })

  it('after it is logged: one', () => {
    const cluster = all()
    cluster.run(10)
    cluster.kill(FIRST)
    cluster.run(DETECTION_MS)
    cluster.declare(FIRST, 'dead')
    cluster.run(60_000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
  })
})

describe('a sender that is stopped and goes on', () => {
  it('in the middle of its send: two, both logged', () => {
    const cluster = all({ afterMs: 2000 })
    cluster.run(100)
    cluster.stop(FIRST)
    cluster.run(DETECTION_MS)
    cluster.declare(FIRST, 'dead')
    cluster.run(10_000)
    cluster.goOn(FIRST)
    cluster.run(60_000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
    expect(cluster.replica(FIRST).result(1)).toEqual({ outcome: 'sent', reason: 'first' })
    expect(cluster.replica(FIRST).aborted).toEqual([])
  })

  it('between two attempts: it asks again first, and finds that another has done it', () => {
    let failures = 1
    const receiver = (): Answer =>
      failures-- > 0
        ? { afterMs: 5, outcome: { ok: false, retry: true, detail: '503' } }
        : { afterMs: 3000, outcome: { ok: true } }
    const cluster = new NotifierCluster({ names: NAMES, receiver })
    cluster.introduce()
    for (const name of NAMES) cluster.replica(name).start()
    cluster.run(100)
    expect(cluster.sends).toHaveLength(1)
    cluster.stop(FIRST)
    // Suspected, buried, alive again: it never hears of it.
    for (const name of [SECOND, THIRD]) {
      cluster.replica(name).sees(FIRST, 'dead')
      cluster.replica(name).sees(FIRST, 'alive')
    }
    cluster.run(6000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
    cluster.goOn(FIRST)
    cluster.run(60_000)
    expect(cluster.sends).toHaveLength(2)
    expect(cluster.replica(FIRST).notifier.stats.claims_lapsed).toBe(1)
    expect(cluster.replica(FIRST).result(1)).toMatchObject({ outcome: 'skipped' })
  })

  it('while it was asked for its claim: what was answered meanwhile is read before anybody is given up', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.replica(FIRST).start()
    cluster.run(0)
    cluster.stop(FIRST)
    cluster.run(3000)
    cluster.goOn(FIRST)
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
    expect(cluster.replica(FIRST).notifier.stats.failed_open).toBeUndefined()
  })

  it('after asking a second time: the answers are read before anybody is given up, too', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    let lost = 0
    cluster.drops = (_, from) => from === FIRST && lost++ < 2
    cluster.replica(FIRST).start()
    cluster.run(200)
    cluster.stop(FIRST)
    cluster.run(3000)
    cluster.goOn(FIRST)
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
    expect(cluster.replica(FIRST).notifier.stats.failed_open).toBeUndefined()
  })

  it.each([false, true])(
    'for longer than the lease while it was asked for: what was granted then counts for nothing (%s)',
    (readsFirst) => {
      const receiver = (): Answer => ({ afterMs: 60_000, outcome: { ok: true } })
      const cluster = new NotifierCluster({ names: NAMES, receiver })
      cluster.introduce()
      for (const name of [FIRST, SECOND]) cluster.replica(name).start({ timeoutMs: 120_000 })
      cluster.run(1)
      cluster.stop(FIRST)
      cluster.run(14_000)
      expect(cluster.sends).toMatchObject([{ by: SECOND }])
      cluster.goOn(FIRST, readsFirst)
      cluster.run(20_000)
      expect(cluster.sends).toHaveLength(1)
    },
  )

  it('for longer than the lease while it held a claim: it does not take it back', () => {
    const receiver = (): Answer => ({ afterMs: 60_000, outcome: { ok: true } })
    const cluster = new NotifierCluster({ names: NAMES, receiver })
    cluster.introduce()
    const { groupKey } = cluster.flush()
    const first = cluster.replica(FIRST)
    const request = { groupKey, receiver: PAGER, waitMs: 5000, leaseMs: 100_000 }
    const id = first.notifier.claim(request, cluster.nowMs)
    cluster.run(50)
    cluster.replica(SECOND).start({ timeoutMs: 120_000 })
    cluster.stop(FIRST)
    cluster.run(14_000)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
    cluster.goOn(FIRST)
    cluster.run(5000)
    expect(first.claimsLost).toEqual([id])
    expect(cluster.replica(SECOND).notifier.stats).toMatchObject({ claims_own_held: 1 })
    expect(cluster.replica(SECOND).notifier.stats.claims_lost).toBeUndefined()
  })
})

describe('a partition', () => {
  it('each side sends once; afterwards the worse of two that hold the claim gives way', () => {
    const receiver = (): Answer => ({ afterMs: 5, outcome: { ok: false, retry: true, detail: '500' } })
    const cluster = new NotifierCluster({ names: NAMES, receiver })
    cluster.introduce()
    cluster.partition([FIRST, THIRD], [SECOND])
    for (const name of NAMES) cluster.replica(name).start({ timeoutMs: 120_000 })
    cluster.run(10_000)
    expect([...new Set(cluster.sends.map(({ by }) => by))].sort((a, b) => (a < b ? -1 : 1))).toEqual(
      [FIRST, SECOND].sort((a, b) => (a < b ? -1 : 1)),
    )
    cluster.cut.clear()
    cluster.run(3100)
    const healedMs = cluster.nowMs
    cluster.run(40_000)
    const since = cluster.sends.filter(({ atMs }) => atMs > healedMs)
    expect(since.length).toBeGreaterThan(0)
    expect(new Set(since.map(({ by }) => by))).toEqual(new Set([FIRST]))
    expect(cluster.replica(SECOND).notifier.stats.claims_lost).toBe(1)
    expect(cluster.replica(SECOND).aborted).toEqual([])
  })

  it('a claim that was lost while its holder was sending is not retried, and its success is logged', () => {
    for (const ok of [true, false]) {
      const receiver = ({ by }: { by: string }): Answer =>
        by === SECOND
          ? { afterMs: 20_000, outcome: ok ? { ok } : { ok, retry: true, detail: '500' } }
          : { afterMs: 40_000, outcome: { ok: true } }
      const cluster = new NotifierCluster({ names: NAMES, receiver })
      cluster.introduce()
      cluster.partition([FIRST, THIRD], [SECOND])
      for (const name of NAMES) cluster.replica(name).start({ timeoutMs: 120_000 })
      cluster.run(5000)
      cluster.cut.clear()
      cluster.run(100_000)
      expect(cluster.sends.map(({ by }) => by)).toEqual([FIRST, SECOND])
      expect(cluster.replica(SECOND).result(1)).toMatchObject({ outcome: ok ? 'sent' : 'skipped' })
      expect(cluster.replica(SECOND).notifier.stats.claims_lost).toBe(1)
    }
  })

  it('two that do not hear each other while a third hears both: two at worst', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.partition([FIRST], [SECOND])
    for (const name of NAMES) cluster.replica(name).start()
    cluster.run(60_000)
    expect(cluster.sends.length).toBeLessThanOrEqual(2)
    expect(cluster.sends.length).toBeGreaterThanOrEqual(1)
  })
})

describe('a link that is cut for long', () => {
  it('what was granted by a member that has since been taken for dead counts for nothing', () => {
    const receiver = (): Answer => ({ afterMs: 90_000, outcome: { ok: true } })
    const cluster = new NotifierCluster({ names: NAMES, receiver })
    cluster.introduce()
    cluster.replica(SECOND).start({ timeoutMs: 300_000 })
    cluster.run(1500)
    cluster.partition([FIRST], [SECOND])
    cluster.replica(FIRST).sees(SECOND, 'dead')
    cluster.replica(SECOND).sees(FIRST, 'dead')
    cluster.replica(FIRST).start({ timeoutMs: 300_000 })
    cluster.run(5000)
    expect(cluster.sends).toMatchObject([{ by: SECOND }, { by: FIRST }])
    cluster.replica(SECOND).sees(FIRST, 'alive')
    cluster.run(5000)
    expect(cluster.replica(SECOND).notifier.stats.claims_lost).toBe(1)
  })
})

describe('a receiver that one replica cannot reach', () => {
  const FAILS: Answer = { afterMs: 5, outcome: { ok: false, retry: true, detail: 'connect timed out' } }
  const HANGS: Answer = { afterMs: 1e9, outcome: { ok: true } }
  const answers = { 'fails at once': FAILS, 'never answers': HANGS }

  it.each(Object.entries(answers))(
    'and that %s is reached by the next one, before the time of all is up',
    (_, answer) => {
      const receiver = ({ by }: Sent): Answer =>
        by === FIRST ? answer : { afterMs: 5, outcome: { ok: true } }
      const cluster = new NotifierCluster({ names: NAMES, receiver })
      cluster.introduce()
      for (const name of NAMES) cluster.replica(name).start({ timeoutMs: 300_000 })
      cluster.run(400_000)
      const byOthers = cluster.sends.filter(({ by }) => by !== FIRST)
      expect(byOthers).toMatchObject([{ by: SECOND }])
      // Half of the time is the first one's: who fails for a minute has no second sender.
      expect(byOthers[0]?.atMs).toBeGreaterThan(140_000)
      expect(cluster.replica(FIRST).result(1)).toEqual({ outcome: 'skipped', reason: 'already-notified' })
      expect(cluster.replica(FIRST).notifier.stats.hand_overs).toBe(1)
      expect(cluster.replica(FIRST).aborted).toHaveLength(answer === HANGS ? 1 : 0)
    },
  )

  it('is tried by one at a time, again by the first when the others have not come to it, and not given up alone', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: () => FAILS })
    cluster.introduce()
    cluster.replica(FIRST).start({ timeoutMs: 300_000 })
    cluster.run(299_000)
    expect(cluster.sends.filter(({ atMs }) => atMs > 160_000).length).toBeGreaterThan(0)
    expect(cluster.replica(FIRST).result(1)).toBeUndefined()

    const alone = new NotifierCluster({ names: ['ana'], receiver: () => HANGS })
    alone.replica('ana').start({ timeoutMs: 300_000 })
    alone.run(299_000)
    expect(alone.replica('ana').aborted).toEqual([])
  })
})

describe('a disk that is full', () => {
  it('its notification is not sent again by those that would send the very same', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.replica(FIRST).isDiskFull = true
    for (const name of NAMES) cluster.replica(name).start()
    cluster.run(60_000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
    expect(cluster.replica(FIRST).notifier.stats.log_failures).toBe(1)
    expect(cluster.replica(SECOND).result(1)).toEqual({ outcome: 'skipped', reason: 'already-notified' })
    expect(cluster.replica(SECOND).log.has(WORK)).toBe(false)
  })

  it('is by those that would send something else', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.replica(FIRST).isDiskFull = true
    cluster.replica(FIRST).start()
    cluster.replica(SECOND).start({ firing: [11n, 12n, 13n] })
    cluster.run(60_000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
  })
})
