/** A replica with a key in a real Serf cluster that is encrypted (memberlist 0.2.2), and outside of it without. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { EmbeddedReplica } from '../../src/index.ts'
import { ANY_PORT, alive, openEmbedded } from '../support/embedded.ts'
import { requirement } from '../support/requirement.ts'
import { AMONG_SERFS, SERF, type SerfAgent, startSerfAgent } from '../support/serf-agent.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

const newKey = (): string => randomBytes(32).toString('base64')

function open(name: string, keys: readonly string[] | undefined, peer?: string): Promise<EmbeddedReplica> {
  const gossip = { ...ANY_PORT, ...AMONG_SERFS, peers: peer === undefined ? [] : [peer] }
  return openEmbedded({ name, gossip, ...(keys && { keys }) })
}

async function seeEachOther(agent: SerfAgent, ...replicas: readonly EmbeddedReplica[]): Promise<void> {
  await until(() => replicas.every((replica) => alive(replica).length === replicas.length + 1))
  const wanted = [...replicas.map(({ name }) => `${name} alive`), 'serf-1 alive']
  await untilAsync(async () => wanted.every((line) => agent.members().includes(line)), 'the agent sees all')
}

requirement(SERF)('with an encrypted Serf agent', () => {
  it('a replica with its key is a member like any other', { timeout: 60_000 }, async () => {
    const key = newKey()
    const agent = await startSerfAgent([`-encrypt=${key}`])
    const ana = await open('ana', [key], agent.address)
    const ben = await open('ben', [key], ana.gossipAddress)
    await seeEachOther(agent, ana, ben)
    await ben.close()
    // Whoever finds it out tells the other by gossip, under the key.
    await untilAsync(
      async () => agent.members().includes('ben failed') || agent.members().includes('ben left'),
      'the agent misses ben',
    )
    await until(() => alive(ana).length === 2)
    expect(agent.members()).toContain('ana alive')
    expect(agent.log()).not.toMatch(/\[ERR\].*crypt/)
  })

  it('a replica and an agent whose primary keys differ are members while each has both', {
    timeout: 60_000,
  }, async () => {
    const [old, young] = [newKey(), newKey()]
    const file = join(tempDir(), 'keyring.json')
    writeFileSync(file, JSON.stringify([young, old]), { mode: 0o600 })
    const agent = await startSerfAgent([`-keyring-file=${file}`])
    await seeEachOther(agent, await open('ana', [old, young], agent.address))
  })

  it('a replica without a key, or with another, stays apart, whoever calls', {
    timeout: 60_000,
  }, async () => {
    const agent = await startSerfAgent([`-encrypt=${newKey()}`])
    for (const keys of [undefined, [newKey()]]) {
      const replica = await open('ana', keys)
      expect((await replica.join([agent.address])).contacted).toBe(0)
      expect(await agent.join(replica.gossipAddress ?? '')).toMatch(/Failed to join.*(encrypt|decrypt)/)
      expect([alive(replica), agent.members()]).toEqual([['ana'], ['serf-1 alive']])
      await replica.close()
    }
  })
})
