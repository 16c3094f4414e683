/** With Alertmanagers in the cluster, which know no claims. */
import { describe, expect, it } from 'vitest'
import { NotifierCluster, turnOrder, WORK } from '../../../support/notifier-cluster.ts'

const NAMES = ['m-ana', 'm-bo', 'm-cy']
const [FIRST, SECOND, THIRD] = turnOrder(NAMES)
const PEER_TIMEOUT_MS = 2000

function mixed(foreign: readonly string[]): NotifierCluster {
  const cluster = new NotifierCluster({ names: NAMES, foreign, peerTimeoutMs: PEER_TIMEOUT_MS })
  cluster.introduce()
  return cluster
}

describe('foreign members', () => {
  it('that sort before the claimant are waited for, once each', () => {
    const cluster = mixed(['a', 'b', 'z'])
    cluster.replica(FIRST).start()
    cluster.run(3999)
    expect(cluster.sends).toEqual([])
    expect(cluster.replica(FIRST).notifier.stats.claims_own_held).toBe(1)
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: FIRST, atMs: 4100 }])
  })

  it('that sort behind it are not, and neither are members of our own', () => {
    const cluster = mixed(['z'])
    cluster.replica(FIRST).start()
    cluster.run(5)
    expect(cluster.sends).toHaveLength(1)
  })

  it('sort by their bytes', () => {
    // U+1F600 sorts before U+FB01 by UTF-16 units and after it by bytes.
    const cluster = new NotifierCluster({ names: ['\u{fb01}'], foreign: ['\u{1f600}'], peerTimeoutMs: 1000 })
    cluster.replica('\u{fb01}').start()
    cluster.run(0)
    expect(cluster.sends).toHaveLength(1)
  })

  it('never wait as long as a claimant does, which takes the first place of those that granted it', () => {
    // The Alertmanager is at the second place, so it waits for once its peer timeout. The claimant must not do the same.
    const cluster = new NotifierCluster({ names: ['a', 'z'], foreign: ['m'], peerTimeoutMs: PEER_TIMEOUT_MS })
    cluster.introduce()
    cluster.replica('z').start()
    cluster.run(1500)
    expect(cluster.sends).toMatchObject([{ by: 'z' }])

    const between = new NotifierCluster({
      names: ['a', 'x', 'z'],
      foreign: ['b', 'y'],
      peerTimeoutMs: PEER_TIMEOUT_MS,
    })
    between.kill('a')
    between.replica('z').start()
    // a:0 does not answer, b:1, x:2 grants it, y:3
    between.run(2 * PEER_TIMEOUT_MS - 1)
    expect(between.sends).toEqual([])
    between.run(1)
    expect(between.sends).toMatchObject([{ by: 'z' }])
  })

  it('that are dead are not waited for, and one that dies no longer', () => {
    const cluster = mixed(['a', 'b'])
    cluster.replica(FIRST).sees('a', 'dead', false)
    cluster.replica(FIRST).start()
    cluster.run(1000)
    cluster.replica(FIRST).sees('b', 'dead', false)
    expect(cluster.sends).toMatchObject([{ by: FIRST, atMs: 1100 }])
  })

  it('that send meanwhile are heard through the log: the claimant skips and the others too', () => {
    const cluster = mixed(['a'])
    for (const name of NAMES) cluster.replica(name).start()
    cluster.run(500)
    const entry = cluster.entry(cluster.flush())
    for (const name of NAMES) cluster.replica(name).learn(WORK, entry)
    cluster.run(60_000)
    expect(cluster.sends).toEqual([])
    for (const name of NAMES) {
      expect(cluster.replica(name).result(1)).toEqual({ outcome: 'skipped', reason: 'already-notified' })
    }
  })

  it('the log is read once more at the end of the wait', () => {
    const cluster = mixed(['a'])
    cluster.replica(FIRST).start()
    cluster.run(500)
    // No word of the change.
    cluster.replica(FIRST).log.set(WORK, cluster.entry(cluster.flush()))
    cluster.run(5000)
    expect(cluster.sends).toEqual([])
    expect(cluster.replica(FIRST).result(1)).toMatchObject({ outcome: 'skipped' })
  })

  it('among our own, those that did not answer count as they would without claims', () => {
    const names = ['a-silent', 'm']
    const alone = new NotifierCluster({ names, peerTimeoutMs: PEER_TIMEOUT_MS })
    alone.kill('a-silent')
    alone.replica('m').start()
    alone.run(3005)
    expect(alone.sends).toHaveLength(1)

    const cluster = new NotifierCluster({ names, foreign: ['z'], peerTimeoutMs: 2 * PEER_TIMEOUT_MS })
    cluster.kill('a-silent')
    cluster.replica('m').start()
    cluster.run(3999)
    expect(cluster.sends).toEqual([])
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: 'm', atMs: 4000 }])
  })

  it('take at most half of the time of a flush: late is better than never', () => {
    const cluster = mixed(['a', 'b', 'c', 'd', 'e', 'f'])
    cluster.replica(FIRST).start({ timeoutMs: 10_000 })
    cluster.run(5005)
    expect(cluster.sends).toMatchObject([{ by: FIRST, atMs: 5100 }])
    expect(cluster.replica(FIRST).notifier.stats.foreign_waits_cut).toBe(1)
  })

  it('who takes over from a dead claimant has waited for them already', () => {
    const cluster = mixed(['a'])
    for (const name of [FIRST, SECOND]) cluster.replica(name).start()
    cluster.run(1000)
    cluster.kill(FIRST)
    cluster.run(4000)
    cluster.replica(SECOND).sees(FIRST, 'dead')
    cluster.replica(THIRD).sees(FIRST, 'dead')
    cluster.run(5)
    expect(cluster.sends).toMatchObject([{ by: SECOND, atMs: 5102 }])
  })

  it('a claim that is lost during the wait is waited for like any other', () => {
    const cluster = mixed(['a'])
    cluster.partition([FIRST, THIRD], [SECOND])
    for (const name of [FIRST, SECOND]) cluster.replica(name).start({ timeoutMs: 100_000 })
    cluster.run(500)
    cluster.cut.clear()
    cluster.options.names.forEach((name) => {
      cluster.replica(name).sees('a', 'alive', false)
    })
    cluster.run(60_000)
    expect(cluster.sends.length).toBe(1)
  })
})
