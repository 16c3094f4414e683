/**
 * A library replica in a real Serf cluster: a member like any other, that shares nothing with it and goes unharmed by it.
 */
import { execFileSync, spawn } from 'node:child_process'
import { expect, it, onTestFinished } from 'vitest'
import { ANY_PORT, alive, openEmbedded } from '../support/embedded.ts'
import { freePort } from '../support/free-port.ts'
import { commandExists, requirement } from '../support/requirement.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

const SERF = { name: 'serf', present: commandExists('serf'), install: 'apt-get install serf' }

interface Agent {
  readonly address: string
  /** `name status` each. */
  members(): readonly string[]
  log(): string
}

async function startAgent(): Promise<Agent> {
  const [bind, rpc] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  const args = ['agent', '-node=serf-1', `-bind=${bind}`, `-rpc-addr=${rpc}`, '-log-level=debug']
  const child = spawn('serf', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (log += text.toString()))
  onTestFinished(async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  })
  const members = (): readonly string[] =>
    execFileSync('serf', ['members', `-rpc-addr=${rpc}`], { encoding: 'utf8', stdio: 'pipe' })
      .split('\n')
      .flatMap((line) => /^(\S+)\s+\S+\s+(\S+)/.exec(line)?.slice(1, 3).join(' ') ?? [])
  await untilAsync(async () => members().length === 1, 'the agent answers')
  return { address: bind, members, log: () => log }
}

requirement(SERF)('in a Serf cluster', () => {
  it('a replica with its delegate version is a member, and tells it nothing', {
    timeout: 60_000,
  }, async () => {
    const agent = await startAgent()
    const gossip = { ...ANY_PORT, foreignState: 'none', delegateVersion: [2, 5, 5] } as const
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
    const agent = await startAgent()
    const replica = await openEmbedded({ name: 'ana', gossip: { ...ANY_PORT, peers: [agent.address] } })
    await replica.join([agent.address])
    expect([alive(replica), agent.members()]).toEqual([['ana'], ['serf-1 alive']])
  })
})
