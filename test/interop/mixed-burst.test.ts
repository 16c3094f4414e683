/** A burst into hearsay, and how soon real Alertmanagers have all of it. */
import { afterEach, expect, it } from 'vitest'
import { ALERTMANAGER } from '../support/alertmanager.ts'
import { MixedCluster, metric, postSilence } from '../support/mixed-cluster.ts'
import { inCi, requirement } from '../support/requirement.ts'
import { untilAsync } from '../support/until-async.ts'

const CONNECTIONS = 32
/** From the last acknowledgement. A developer's machine may be busy with something else. */
const LIMIT_MS = inCi ? 1000 : 3000

async function post(urls: readonly string[], count: number, extra: object): Promise<void> {
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < count) {
      const index = next++
      await postSilence(urls[index % urls.length] ?? '', `host-${index}`, extra)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, writer))
}

requirement(ALERTMANAGER)('a burst into hearsay', () => {
  let cluster = new MixedCluster()

  afterEach(async () => {
    const complaints = await cluster.stop()
    cluster = new MixedCluster()
    expect(complaints).toEqual([])
  })

  it.each([
    ['1,000 silences', 1000, {}],
    ['300 silences above 700 bytes', 300, { comment: 'x'.repeat(1200) }],
  ])(
    'of %s is at every Alertmanager within a second, and dials none of them for each',
    async (_what, count, extra) => {
      const alertmanagers = [await cluster.alertmanager(), await cluster.alertmanager()]
      await cluster.replica()
      await cluster.replica()
      await cluster.whole()
      await post(
        cluster.replicas.map(({ url }) => url),
        count,
        extra,
      )
      const ackedMs = performance.now()
      for (const { url } of alertmanagers) {
        const holdsAll = async (): Promise<boolean> =>
          (await metric(url, 'alertmanager_silences', '{state="active"}')) === count
        await untilAsync(holdsAll, `${count} silences at ${url}`)
      }
      expect(performance.now() - ackedMs).toBeLessThan(LIMIT_MS)
      for (const { url } of cluster.replicas) {
        const dialled = await metric(url, 'hearsay_gossip_streams_total', '{outcome="dialled"}')
        // Each took half of them, and has three peers: less than every other silence dials.
        expect(dialled).toBeLessThan(((count / 2) * 3) / 2)
      }
    },
  )
})
