/** One flush: attempts, times, orders, results. */
import { describe, expect, it } from 'vitest'
import { WORK_BYTES_MAX } from '../../../../src/alerting/notifier/claim-frames.ts'
import { notificationId } from '../../../../src/alerting/notifier/notification-id.ts'
import { CONTENDERS_MAX } from '../../../../src/alerting/notifier/notifier.ts'
import { errorCode } from '../../../../src/base/errors.ts'
import { type Answer, NotifierCluster, turnOrder, WORK } from '../../../support/notifier-cluster.ts'

const NAMES = ['ana', 'bo', 'cy']
const [FIRST, SECOND] = turnOrder(NAMES)
const FAILS: Answer = { afterMs: 0, outcome: { ok: false, retry: true, detail: '500' } }

function single(receiver?: () => Answer): NotifierCluster {
  return new NotifierCluster(receiver === undefined ? { names: ['ana'] } : { names: ['ana'], receiver })
}

describe('a flush', () => {
  it('never ends in the turn in which it starts', () => {
    const cluster = single()
    const ana = cluster.replica('ana')
    const id = ana.start({ firing: [] })
    expect(ana.result(id)).toBeUndefined()
    expect(ana.notifier.dueMs).toBe(0)
    cluster.run(0)
    expect(ana.result(id)).toEqual({ outcome: 'skipped', reason: 'nothing-to-notify' })
  })

  it('tells its sender why, what was notified last, and the number of the attempt', () => {
    const cluster = single()
    const ana = cluster.replica('ana')
    const last = cluster.entry({ ...cluster.flush(), firing: [11n] })
    ana.log.set(WORK, last)
    ana.start()
    cluster.run(0)
    expect(cluster.sends[0]?.order).toEqual({
      reason: 'new-alerts',
      last,
      attempt: 1,
      notificationId: notificationId(WORK, last.timestampNs, cluster.flush()),
    })
  })

  it('is tried again after 0.5 s, then 1.5 times as long each time, up to a minute', () => {
    const cluster = single(() => FAILS)
    cluster.replica('ana').start({ timeoutMs: 3_600_000 })
    cluster.run(1_000_000)
    const gaps = cluster.sends.slice(1).map(({ atMs }, n) => atMs - (cluster.sends[n]?.atMs ?? 0))
    expect(gaps.slice(0, 3)).toEqual([500, 750, 1125])
    expect(Math.max(...gaps)).toBe(60_000)
    expect(cluster.sends.map(({ order }) => order.attempt)).toEqual(cluster.sends.map((_, n) => n + 1))
  })

  it('keeps its claim while it is tried again', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: () => FAILS })
    for (const name of NAMES) cluster.replica(name).start({ timeoutMs: 300_000 })
    cluster.run(140_000)
    expect(new Set(cluster.sends.map(({ by }) => by)).size).toBe(1)
  })

  it('fails when its time is up between attempts, and says why the last one failed', () => {
    const cluster = single(() => FAILS)
    const ana = cluster.replica('ana')
    const id = ana.start({ timeoutMs: 3000 })
    cluster.run(3000)
    expect(ana.result(id)).toEqual({ outcome: 'failed', reason: 'timeout', detail: '500' })
    expect(ana.aborted).toEqual([])
  })

  it('is aborted when its time is up during a send; what comes of it later changes nothing', () => {
    const cluster = single(() => ({ afterMs: 5000, outcome: { ok: true } }))
    const ana = cluster.replica('ana')
    const id = ana.start({ timeoutMs: 3000 })
    cluster.run(10_000)
    expect(ana.aborted).toEqual([id])
    expect(ana.result(id)).toMatchObject({ outcome: 'failed', reason: 'timeout' })
  })

  it('that has been sent in time waits 5 s longer for its log entry', () => {
    const cluster = single(() => ({ afterMs: 2999.5, outcome: { ok: true } }))
    const ana = cluster.replica('ana')
    const id = ana.start({ timeoutMs: 3000 })
    cluster.run(3100)
    expect(ana.result(id)).toEqual({ outcome: 'sent', reason: 'first' })

    const stuck = single()
    stuck.writeEntry = () => {}
    const other = stuck.replica('ana').start({ timeoutMs: 3000 })
    stuck.run(7999)
    expect(stuck.replica('ana').result(other)).toBeUndefined()
    stuck.run(1)
    expect(stuck.replica('ana').result(other)).toEqual({ outcome: 'sent', reason: 'first' })
    expect(stuck.replica('ana').notifier.stats.log_failures).toBe(1)
  })

  it('that waits for another until its time is up says for whom', () => {
    const cluster = new NotifierCluster({ names: NAMES, receiver: () => FAILS })
    cluster.introduce()
    cluster.replica(FIRST).start({ timeoutMs: 100_000 })
    const id = cluster.replica(SECOND).start({ timeoutMs: 20_000 })
    cluster.run(20_000)
    expect(cluster.replica(SECOND).result(id)).toEqual({
      outcome: 'failed',
      reason: 'timeout',
      detail: `${FIRST} claims it`,
    })
  })

  it('is skipped as soon as the log has it, also between attempts', () => {
    const cluster = single(() => FAILS)
    const ana = cluster.replica('ana')
    const id = ana.start()
    cluster.run(100)
    ana.learn(WORK, cluster.entry(cluster.flush()))
    expect(ana.result(id)).toEqual({ outcome: 'skipped', reason: 'already-notified' })
    expect(ana.notifier.stats.claims_own).toBe(0)
  })

  it('of the same work on the same replica waits for the first, then decides anew', () => {
    const cluster = single(() => ({ afterMs: 1000, outcome: { ok: true } }))
    const ana = cluster.replica('ana')
    const ids = [ana.start(), ana.start(), ana.start({ firing: [11n, 12n, 13n] })]
    cluster.run(999)
    expect(cluster.sends).toHaveLength(1)
    cluster.run(10_000)
    expect(ids.map((id) => ana.result(id)?.outcome)).toEqual(['sent', 'skipped', 'sent'])
  })

  it('that is called off is left to the others at once', () => {
    const cluster = new NotifierCluster({
      names: NAMES,
      receiver: () => ({ afterMs: 1000, outcome: { ok: true } }),
    })
    cluster.introduce()
    const id = cluster.replica(FIRST).start()
    cluster.replica(SECOND).start()
    cluster.run(100)
    cluster.replica(FIRST).notifier.cancel(id, cluster.nowMs)
    cluster.run(10)
    expect(cluster.replica(FIRST).aborted).toEqual([id])
    expect(cluster.replica(FIRST).result(id)).toMatchObject({ outcome: 'failed', reason: 'closed' })
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
  })

  it('that has been sent is not called off, for it has to be logged', () => {
    const cluster = single()
    const ana = cluster.replica('ana')
    const id = ana.start()
    cluster.run(5)
    ana.notifier.cancel(id, cluster.nowMs)
    cluster.run(100)
    expect(ana.result(id)).toMatchObject({ outcome: 'sent' })
  })

  it('that waits in the queue of its replica can be called off without harm to the one before it', () => {
    const cluster = new NotifierCluster({
      names: NAMES,
      receiver: () => ({ afterMs: 1000, outcome: { ok: true } }),
    })
    cluster.introduce()
    cluster.replica(SECOND).start()
    cluster.replica(FIRST).start()
    const second = cluster.replica(FIRST).start()
    cluster.run(100)
    cluster.replica(FIRST).notifier.cancel(second, cluster.nowMs)
    cluster.run(5000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
  })
})

describe('closing', () => {
  it('ends all as closed, releases what is held, and the others go at once without waiting for turns', () => {
    const cluster = new NotifierCluster({
      names: NAMES,
      receiver: () => ({ afterMs: 1000, outcome: { ok: true } }),
    })
    cluster.introduce()
    const sending = cluster.replica(FIRST).start()
    const queued = cluster.replica(FIRST).start()
    cluster.replica(SECOND).start()
    cluster.run(100)
    cluster.replica(FIRST).notifier.close(cluster.nowMs)
    cluster.run(10)
    for (const id of [sending, queued]) {
      expect(cluster.replica(FIRST).result(id)).toMatchObject({ outcome: 'failed', reason: 'closed' })
    }
    expect(cluster.sends).toMatchObject([{ by: FIRST }, { by: SECOND }])
    expect(cluster.replica(FIRST).notifier.stats).toMatchObject({ contenders: 0, claims_own: 0 })
    cluster.replica(SECOND).start({ groupKey: 'another' })
    cluster.run(10)
    expect(cluster.sends.at(-1)).toMatchObject({ by: SECOND, work: 'another:pager/webhook/0' })
  })
})

describe('bounds', () => {
  it(`holds ${CONTENDERS_MAX} flushes and refuses the next by its code`, () => {
    const cluster = single()
    const ana = cluster.replica('ana')
    ana.isSettled = false
    for (let n = 0; n < CONTENDERS_MAX; n++) ana.start({ groupKey: `g${n}` })
    let thrown: unknown
    try {
      ana.start({ groupKey: 'one more' })
    } catch (error) {
      thrown = error
    }
    expect(errorCode(thrown)).toBe('NOTIFIER_OVERLOADED')
    ana.isSettled = true
    cluster.run(10_000)
    expect(ana.results.size).toBe(CONTENDERS_MAX)
    expect(cluster.sends).toHaveLength(CONTENDERS_MAX)
    expect(ana.notifier.stats).toMatchObject({ contenders: 0, claims_own: 0, alarms: 1 })
  })

  it('refuses a group key that does not fit a frame', () => {
    const ana = single().replica('ana')
    let thrown: unknown
    try {
      ana.start({ groupKey: 'x'.repeat(WORK_BYTES_MAX) })
    } catch (error) {
      thrown = error
    }
    expect(errorCode(thrown)).toBe('NOTIFIER_WORK_TOO_LONG')
  })
})

describe('the name of a notification', () => {
  it('is the same whatever the order of its alerts, and another for other alerts, entries and works', () => {
    const base = notificationId('w', 1n, { firing: [1n, 2n ** 64n - 1n], resolved: [3n] })
    expect(base).toMatch(/^[0-9a-f]{16}$/)
    expect(notificationId('w', 1n, { firing: [2n ** 64n - 1n, 1n], resolved: [3n] })).toBe(base)
    const others = [
      notificationId('v', 1n, { firing: [1n, 2n ** 64n - 1n], resolved: [3n] }),
      notificationId('w', 2n, { firing: [1n, 2n ** 64n - 1n], resolved: [3n] }),
      notificationId('w', undefined, { firing: [1n, 2n ** 64n - 1n], resolved: [3n] }),
      notificationId('w', 1n, { firing: [1n], resolved: [2n ** 64n - 1n, 3n] }),
      notificationId('w', 1n, { firing: [], resolved: [1n, 2n ** 64n - 1n, 3n] }),
    ]
    expect(new Set([base, ...others]).size).toBe(6)
  })
  it('is another when the same alerts are notified again after the log has forgotten them', () => {
    const cluster = single()
    const { repeatIntervalMs } = cluster.flush()
    const ana = cluster.replica('ana')
    ana.start()
    cluster.run(1000)
    ana.log.delete(WORK)
    cluster.run(2 * repeatIntervalMs)
    ana.start()
    cluster.run(2 * repeatIntervalMs + 1000)
    const [first, second, ...others] = cluster.sends.map(({ order }) => order)
    expect([first?.reason, second?.reason, others]).toEqual(['first', 'first', []])
    expect(second?.notificationId).not.toBe(first?.notificationId)
  })
})
