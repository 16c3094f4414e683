/** Silences in a mixed cluster over their life: edited and ended on either side, and through restarts of either. */
import { afterEach, expect, it } from 'vitest'
import { ALERTMANAGER } from '../support/alertmanager.ts'
import {
  expireSilence,
  fetchJson,
  MixedCluster,
  members,
  metric,
  postSilence,
  type ShownSilence,
  seen,
} from '../support/mixed-cluster.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const EVERY_SECOND = '--cluster.reconnect-interval=1s'

async function shown(url: string, id: string): Promise<ShownSilence> {
  return fetchJson<ShownSilence>(`${url}/api/v2/silence/${id}`)
}

function commented(url: string, id: string, comment: string): Promise<number> {
  return untilAsync(async () => (await shown(url, id)).comment === comment, `${comment} at ${url}`)
}

requirement(ALERTMANAGER)('silences of a mixed cluster', () => {
  let cluster = new MixedCluster()

  afterEach(async () => {
    const complaints = await cluster.stop()
    cluster = new MixedCluster()
    expect(complaints).toEqual([])
  })

  it('are edited in place, replaced and ended by either side, whoever made them', async () => {
    await cluster.alertmanager()
    await cluster.alertmanager()
    await cluster.replica()
    await cluster.replica()
    await cluster.whole()
    const { urls } = cluster
    for (const [index, origin] of urls.entries()) {
      const editor = urls[(index + 2) % urls.length] ?? origin
      const id = await postSilence(origin, `host-${index}`)
      await seen(editor, id, 'active')
      const { matchers, startsAt, endsAt } = await shown(editor, id)
      const edit = { id, matchers, startsAt, endsAt, comment: `edited by ${editor}` }
      expect(await postSilence(editor, '', edit)).toBe(id)
      for (const url of urls) await commented(url, id, edit.comment)
      const other = [{ name: 'instance', value: 'other', isRegex: true, isEqual: false }]
      const replacement = await postSilence(editor, '', { ...edit, matchers: other })
      expect(replacement).not.toBe(id)
      for (const url of urls) {
        await seen(url, id, 'expired')
        await seen(url, replacement, 'active')
      }
      await expireSilence(origin, replacement)
      for (const url of urls) await seen(url, replacement, 'expired')
    }
  })

  it('hold what was changed while one side was away, after its restart', async () => {
    const away = tempDir()
    const first = await cluster.alertmanager({ storagePath: away })
    const second = await cluster.alertmanager()
    const storagePath = tempDir()
    const one = await cluster.replica({ storagePath, flags: [EVERY_SECOND] })
    await cluster.whole()
    const [kept, ended] = [await postSilence(one.url, 'kept'), await postSilence(first.url, 'ended')]
    for (const url of cluster.urls) for (const id of [kept, ended]) await seen(url, id, 'active')

    await first.stop()
    cluster.forget(first)
    await expireSilence(one.url, ended)
    const whileAway = await postSilence(one.url, 'while the Alertmanager was away')
    const { httpPort, clusterPort } = first
    const again = await cluster.alertmanager({
      storagePath: away,
      httpPort,
      clusterPort,
      peers: [second.clusterAddress],
    })
    await seen(again.url, kept, 'active')
    await seen(again.url, whileAway, 'active')
    await seen(again.url, ended, 'expired')

    await one.stop()
    cluster.forget(one)
    await expireSilence(again.url, kept)
    const sinceThen = await postSilence(second.url, 'while hearsay was away', { comment: 'x'.repeat(2000) })
    const back = await cluster.replica({ storagePath })
    await seen(back.url, kept, 'expired')
    await seen(back.url, sinceThen, 'active')
    await seen(back.url, whileAway, 'active')
  })

  it('come back to Alertmanagers that crashed and were emptied, from a replica that stayed up', async () => {
    const first = await cluster.alertmanager()
    const second = await cluster.alertmanager()
    const one = await cluster.replica({ flags: [EVERY_SECOND] })
    await cluster.whole()
    const ids = [
      await postSilence(first.url, 'small'),
      await postSilence(second.url, 'big', { comment: 'x'.repeat(3000) }),
    ]
    for (const id of ids) await seen(one.url, id, 'active')
    for (const crashed of [first, second]) {
      await crashed.kill()
      cluster.forget(crashed)
    }
    // The first calls the replica; the second calls nobody: the replica finds it where it was.
    const { httpPort, clusterPort } = second
    const calling = await cluster.alertmanager({ peers: [one.gossipAddress] })
    const silent = await cluster.alertmanager({ httpPort, clusterPort, peers: [] })
    for (const id of ids) {
      expect(await seen(calling.url, id, 'active')).toBeLessThan(2000)
      await seen(silent.url, id, 'active', 60_000)
    }
  }, 120_000)

  it('cost no Alertmanager its position: replicas that do not notify sort last', async () => {
    const first = await cluster.alertmanager()
    const second = await cluster.alertmanager()
    const positions = (): Promise<number[]> =>
      Promise.all([first, second].map(({ url }) => metric(url, 'alertmanager_peer_position')))
    await members(first.url, 2)
    await members(second.url, 2)
    const before = await positions()
    expect([...before].sort()).toEqual([0, 1])
    await cluster.replica()
    await cluster.replica()
    await cluster.whole()
    expect(await positions()).toEqual(before)
  })
})
