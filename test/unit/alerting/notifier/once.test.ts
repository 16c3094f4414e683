/** No faults: one replica sends, whoever it is, whenever the others begin. */
import { describe, expect, it } from 'vitest'
import { notificationKey } from '../../../../src/alerting/core/receiver.ts'
import { rendezvousOrder } from '../../../../src/base/rendezvous.ts'
import { NotifierCluster, PAGER } from '../../../support/notifier-cluster.ts'

const NAMES = ['ana', 'bo', 'cy']
const WORK = notificationKey('{}:{alertname="Disk"}', PAGER)
const ORDER = rendezvousOrder(WORK, NAMES)

function outcomes(cluster: NotifierCluster): string[] {
  return [...cluster.replicas.values()].flatMap(({ results }) =>
    [...results.values()].map(({ outcome, reason }) => `${outcome} ${reason}`),
  )
}

describe('without faults', () => {
  it('one of three that begin at once sends, and the others find it in the log', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    for (const replica of cluster.replicas.values()) replica.start()
    cluster.run(60_000)
    expect(cluster.sends).toHaveLength(1)
    expect(outcomes(cluster).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      'sent first',
      'skipped already-notified',
      'skipped already-notified',
    ])
  })

  it('a single replica without gossip sends at once', () => {
    const cluster = new NotifierCluster({ names: ['ana'] })
    cluster.replica('ana').start()
    cluster.run(0)
    expect(cluster.sends).toHaveLength(1)
    cluster.run(100)
    expect(outcomes(cluster)).toEqual(['sent first'])
  })

  it('an owner that never flushes stops nobody: the second in order sends after a second', () => {
    const cluster = new NotifierCluster({ names: NAMES })
    for (const replica of cluster.replicas.values()) replica.notifier.advertise(PAGER, 0)
    cluster.run(100)
    const [owner, ...others] = ORDER
    for (const name of others) cluster.replica(name).start()
    cluster.run(60_000)
    expect(owner).not.toBe(cluster.sends[0]?.by)
    expect(cluster.sends).toMatchObject([{ by: others[0] }])
    expect(cluster.sends[0]?.atMs).toBeGreaterThanOrEqual(1100)
    expect(cluster.sends[0]?.atMs).toBeLessThan(1150)
  })
})
