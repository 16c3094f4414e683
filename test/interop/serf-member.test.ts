/**
 * A library replica in a real Serf cluster: a member like any other, that shares nothing with it and goes unharmed by it.
 */
import { expect, it } from 'vitest'
import { ANY_PORT, alive, openEmbedded } from '../support/embedded.ts'
import { requirement } from '../support/requirement.ts'
import { AMONG_SERFS, SERF, startSerfAgent } from '../support/serf-agent.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

requirement(SERF)('in a Serf cluster', () => {
  it('a replica with its delegate version is a member, and tells it nothing', {
    timeout: 60_000,
  }, async () => {
    const agent = await startSerfAgent()
    const gossip = { ...ANY_PORT, ...AMONG_SERFS }
    const ana = await openEmbedded({ name: 'ana', gossip: { ...gossip, peers: [agent.address] } })
    const ben = await openEmbedded({ name: 'ben', gossip: { ...gossip, peers: [ana.gossipAddress ?? ''] } })
    await until(() => alive(ana).length === 3 && alive(ben).length === 3)
    await untilAsync(
      async () => ['ana alive', 'ben alive', 'serf-1 alive'].every((line) => agent.members().includes(line)),
      'the agent sees both replicas',
    )
    const endsAt = new Date(Date.now() + 60_000)
    await ana.silences.create({ matchers: ['a="b"'], endsAt, createdBy: 'x', comment: 'y' })
    await ana.map('m').set('k', 1, { ack: 'all' })
    await until(() => ben.map('m').get('k') === 1 && ben.silences.matching({ a: 'b' }).length === 1)
    expect(ana.owner('work')).not.toBe('serf-1')
    // What a replica sends to an address whose owner it does not know yet is for hearsay; Serf says so, once a join.
    const complaints = agent.log().match(/\[(?:ERR|WARN)\].*/g) ?? []
    expect(complaints.filter((line) => !line.includes('Remote state has bad type prefix'))).toEqual([])
    await ben.close()
    await until(() => alive(ana).length === 2)
    await untilAsync(async () => agent.members().includes('ben failed'), 'the agent sees one gone')
  })

  it('a replica without it stays apart', async () => {
    const agent = await startSerfAgent()
    const replica = await openEmbedded({ name: 'ana', gossip: { ...ANY_PORT, peers: [agent.address] } })
    await replica.join([agent.address])
    expect([alive(replica), agent.members()]).toEqual([['ana'], ['serf-1 alive']])
  })
})
