/** What an operator is shown of names used twice and of broken paths, and that neither harms state or readiness. */
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { clusterView } from '../../../src/app/cluster-view.ts'
import { Replica } from '../../../src/app/replica.ts'
import { openWeb } from '../../../src/app/web.ts'
import type { GossipConfig } from '../../../src/gossip/core/config.ts'
import { until } from '../../support/until.ts'

async function replicaOf(
  name: string,
  peers: readonly string[] = [],
  config: Partial<GossipConfig> = { pushPullIntervalMs: 200 },
): Promise<Replica> {
  const replica = await Replica.open({
    name,
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 5000,
    gossip: { listen: '127.0.0.1:0', peers, config },
    log: () => pino({ level: 'silent' }),
  })
  onTestFinished(() => replica.close())
  await replica.settle()
  return replica
}

function at(replica: Replica): string {
  return replica.gossipAddress ?? ''
}

it('of two replicas of one name both say so, the one whom nobody lists is not ready, and no state is mixed up', async () => {
  const c = await replicaOf('c')
  const first = await replicaOf('x', [at(c)])
  const second = await replicaOf('x', [at(c)])
  const replicas = [c, first, second]
  await until(() => [first, second].every((replica) => clusterView(replica).sharedNames().length === 1))
  expect(clusterView(second).sharedNames()).toMatchObject([
    { name: 'x', isSelf: true, isUnlisted: true, address: at(second), otherAddress: at(first) },
  ])
  expect(clusterView(first).sharedNames()).toMatchObject([{ isUnlisted: false, otherAddress: at(second) }])
  for (const replica of [first, second]) {
    const [warning = ''] = clusterView(replica).warnings()
    expect(warning).toContain(at(first))
    expect(warning).toContain(at(second))
    expect(warning).toContain('--cluster.peer-name')
  }
  expect(first.readiness()).toEqual({ ready: true, reasons: [] })
  expect(second.readiness().reasons).toEqual([expect.stringContaining(`the process at ${at(first)} for x`)])

  await Promise.all(
    replicas.flatMap((replica, i) =>
      Array.from({ length: 50 }, (_, n) =>
        replica.store.kv.put('m', `${i}-${n}`, { contentType: 'text/plain', bytes: Uint8Array.of(i, n) }),
      ),
    ),
  )
  const listed = (replica: Replica): string[] =>
    replica.store.kv.list('m', { limit: 1000 }).items.map(({ key, version }) => `${key} ${version}`)
  await until(() => [c, first].every((replica) => listed(replica).length === 150))
  expect(listed(first)).toEqual(listed(c))
  expect(new Set(listed(c).map((line) => line.split('.').at(-1))).size).toBe(3)
  expect(listed(c)).toEqual(expect.arrayContaining(listed(second)))
})

it('who died stays in sight after gossip has dropped it, and a replica that finds nobody says so', async () => {
  const gossipToTheDeadMs = 50
  const config = { pushPullIntervalMs: 200, probeIntervalMs: 100, probeTimeoutMs: 50, gossipToTheDeadMs }
  const b = await replicaOf('b')
  const c = await replicaOf('c', [at(b)], config)
  expect(clusterView(c).warnings()).toEqual([])
  await b.gossip?.stop()
  const view = clusterView(c)
  await until(() => view.lost().length === 1)
  expect(view.members().map(({ name }) => name)).toEqual(['c'])
  const since = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(view.lost()).toEqual([{ name: 'b', state: 'lost', address: at(b), since }])
  expect(view.warnings()).toContainEqual(
    expect.stringMatching(
      /^1 of 2 known members is unreachable: b at 127.0.0.1:\d+ \(since \d\d:\d\d:\d\d UTC\)$/,
    ),
  )
  expect(c.readiness().ready).toBe(true)
  await until(() => view.warnings().length === 2)
  expect(view.warnings()[1]).toBe(
    `this replica is alone: the one peer it calls cannot be joined: ${at(b)}: the connection was refused: nobody listens there`,
  )
})

it('over HTTP members have their paths, and status and cluster their warnings', async () => {
  const a = await replicaOf('a')
  const b = await replicaOf('b', [at(a)])
  await until(() =>
    clusterView(b)
      .members()
      .every(({ isSelf, udp }) => isSelf || udp?.state === 'ok'),
  )
  const web = await openWeb(b, { listen: '127.0.0.1:0', externalUrl: undefined, routePrefix: '/' })
  onTestFinished(() => web.close())
  const get = async (path: string): Promise<unknown> => (await fetch(`${web.url}${path}`)).json()
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(await get('/api/v1/cluster')).toMatchObject({
    warnings: [],
    sharedNames: [],
    members: expect.arrayContaining([
      expect.objectContaining({ name: 'a', udp: { state: 'ok', since: time, heardAt: time } }),
      expect.not.objectContaining({ udp: expect.anything() }),
    ]),
  })
  expect(await get('/api/v1/status')).toMatchObject({ ready: true, warnings: [] })
  const metrics = await (await fetch(`${web.url}/metrics`)).text()
  expect(metrics).toContain('hearsay_cluster_paths{transport="udp",state="ok"} 1')
  expect(metrics).toContain('hearsay_cluster_paths{transport="tcp",state="failing"} 0')
  expect(metrics).toContain('hearsay_cluster_shared_names{whose="own"} 0')
})
