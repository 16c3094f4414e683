/** Who notifies for what, as members tell each other. */
import { describe, expect, it } from 'vitest'
import { decodeClaimFrame, RECEIVERS_MAX } from '../../../../src/alerting/notifier/claim-frames.ts'
import { NotifierCluster, PAGER, turnOrder } from '../../../support/notifier-cluster.ts'

const NAMES = ['ana', 'bo', 'cy']
const [FIRST, SECOND, THIRD] = turnOrder(NAMES)

function announcements(cluster: NotifierCluster, from: string, to?: string): number {
  return cluster.frames.filter(
    (frame) =>
      frame.from === from &&
      (to === undefined || frame.to === to) &&
      decodeClaimFrame(frame.bytes)?.kind === 'announce',
  ).length
}

describe('announcements', () => {
  it('go to all members once, however often a receiver is advertised', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.replica(FIRST).notifier.advertise(PAGER, 0)
    cluster.replica(FIRST).notifier.advertise(PAGER, 0)
    expect(announcements(cluster, FIRST)).toBe(2)
  })

  it('are repeated every 15 s, so that one that was lost costs waiting for a while only', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.loss = 1
    cluster.replica(FIRST).notifier.advertise(PAGER, 0)
    cluster.run(10_000)
    cluster.loss = 0
    cluster.run(5100)
    cluster.replica(SECOND).start()
    cluster.run(900)
    expect(cluster.sends).toEqual([])
    cluster.run(200)
    expect(cluster.sends).toMatchObject([{ by: SECOND }])
  })

  it('reach a member that joins', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    for (const liveness of ['left', 'alive'] as const) cluster.declare(THIRD, liveness)
    expect(announcements(cluster, FIRST, THIRD)).toBe(2)
    expect(announcements(cluster, FIRST, SECOND)).toBe(1)
  })

  it('reach a member that restarts before anybody has seen it die', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.run(2000)
    cluster.kill(SECOND)
    cluster.replica(SECOND).restart()
    cluster.replica(SECOND).start()
    cluster.run(900)
    // It did not know of the first in order when it started, and does since.
    cluster.replica(SECOND).start({ groupKey: 'next' })
    expect(announcements(cluster, FIRST, SECOND)).toBe(2)
  })

  it('of a member that has gone are forgotten', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    cluster.introduce()
    cluster.kill(FIRST)
    cluster.declare(FIRST, 'left')
    cluster.declare(FIRST, 'alive')
    cluster.replica(SECOND).start()
    cluster.run(3005)
    // Silent, and so failed open, but not waited for as one before us.
    expect(cluster.sends).toMatchObject([{ by: SECOND, atMs: 3100 }])
  })

  it('of a member whose frame comes before the news that it has joined count as well', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    const second = cluster.replica(SECOND)
    second.sees(FIRST, 'left')
    second.peers.set(FIRST, { name: FIRST, isSelf: false, isNative: true, liveness: 'alive' })
    cluster.replica(FIRST).notifier.advertise(PAGER, 0)
    cluster.run(10)
    expect(second.notifier.stats.frames_from_strangers).toBeUndefined()
    second.start()
    cluster.run(900)
    expect(cluster.sends).toEqual([])
  })

  it(`hold ${RECEIVERS_MAX} receivers; more are notified for all the same`, () => {
    const cluster = new NotifierCluster({ names: ['ana'] })
    const { notifier } = cluster.replica('ana')
    for (let idx = 0; idx <= RECEIVERS_MAX; idx++) notifier.advertise({ ...PAGER, idx }, 0)
    expect(notifier.stats.overflows).toBe(1)
    cluster.replica('ana').start({ receiver: { ...PAGER, idx: RECEIVERS_MAX } })
    cluster.run(10)
    expect(cluster.sends).toHaveLength(1)
  })
})
