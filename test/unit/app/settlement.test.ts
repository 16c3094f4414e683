import { afterEach, describe, expect, it } from 'vitest'
import { Settlement } from '../../../src/app/settlement.ts'
import { systemClock } from '../../../src/app/system-clock.ts'
import { until } from '../../support/until.ts'
import { GossipRig } from '../gossip/io/gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

describe('settlement', () => {
  it('with nobody to ask is reached at once', async () => {
    const { gossip } = await rig.started('alone')
    const settlement = new Settlement(gossip, systemClock, { peers: [], timeoutMs: 60_000 })
    await expect(settlement.run()).resolves.toBe('settled')
    expect([settlement.settled, settlement.reason()]).toEqual([true, undefined])
  })

  it('takes an exchange with every member, those included that only a peer told of', async () => {
    const told = await rig.started('told')
    const peer = await rig.started('peer')
    await told.gossip.join([peer.at()])
    const late = await rig.started('late')
    const settlement = new Settlement(late.gossip, systemClock, { peers: [peer.at()], timeoutMs: 60_000 })
    const run = settlement.run()
    expect(settlement.reason()).toContain('settling')
    await expect(run).resolves.toBe('settled')
    expect(late.delegate.merged.map(({ state }) => state)).toContain('state of told')
  })

  it('ends quietly when gossip stops in the middle of it', async () => {
    const late = await rig.started('late')
    for (const name of ['a', 'b', 'c']) await late.gossip.join([(await rig.started(name)).at()])
    await until(() => late.sees('c') === 'alive')
    const run = new Settlement(late.gossip, systemClock, { peers: [], timeoutMs: 60_000 }).run()
    await late.gossip.stop()
    await expect(run).resolves.toBeDefined()
  })
})
