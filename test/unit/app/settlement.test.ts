/** Ready on evidence: nobody to hear, everybody heard, or the time is up. */
import { afterEach, describe, expect, it } from 'vitest'
import { Settlement, type SettlementOptions } from '../../../src/app/settlement.ts'
import { systemClock } from '../../../src/app/system-clock.ts'
import type { Gossip } from '../../../src/gossip/io/gossip.ts'
import { until } from '../../support/until.ts'
import { GossipRig, utf8 } from '../gossip/io/gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

const GRACE_MS = 300
const FOREIGN = { meta: utf8('') }
/** Nobody listens there. */
const NOBODY = '127.0.0.1:1'

function settlementOf(gossip: Gossip, options: Partial<SettlementOptions> = {}): Settlement {
  const syncedWith = (name: string): boolean => gossip.exchangedWith(name)
  return new Settlement(gossip, systemClock, {
    peers: [],
    timeoutMs: 60_000,
    syncedWith,
    graceMs: GRACE_MS,
    askAgainMs: 100,
    ...options,
  })
}

describe('settlement', () => {
  it('with nobody to ask is reached at once', async () => {
    const { gossip } = await rig.started('alone')
    const settlement = settlementOf(gossip)
    const startedMs = performance.now()
    await expect(settlement.run()).resolves.toBe('settled')
    expect(performance.now() - startedMs).toBeLessThan(GRACE_MS)
    expect([settlement.settled, settlement.reason()]).toEqual([true, undefined])
  })

  it('takes an exchange with every member, those included that only a peer told of, and with each only one', async () => {
    const told = await rig.started('told')
    const peer = await rig.started('peer')
    await told.gossip.join([peer.at()])
    const late = await rig.started('late')
    const settlement = settlementOf(late.gossip, { peers: [peer.at()] })
    const run = settlement.run()
    expect(settlement.reason()).toContain('settling')
    await expect(run).resolves.toBe('settled')
    expect(late.delegate.merged.map(({ state }) => state)).toEqual(['state of peer', 'state of told'])
  })

  it('of a hearsay member an exchange is not enough: what it held must be here', async () => {
    const peer = await rig.started('peer')
    const late = await rig.started('late')
    const synced = new Set<string>()
    const settlement = settlementOf(late.gossip, {
      peers: [peer.at()],
      syncedWith: (name) => synced.has(name),
    })
    const run = settlement.run()
    await until(() => late.gossip.exchangedWith('peer'))
    await until(() => settlement.reason() === 'settling: the state of peer is not here yet')
    expect(settlement.settled).toBe(false)
    synced.add('peer')
    await expect(run).resolves.toBe('settled')
  })

  it('a hearsay member that gave nothing is asked again after a while, since a session may have broken', async () => {
    const peer = await rig.started('peer')
    const late = await rig.started('late')
    const run = settlementOf(late.gossip, {
      peers: [peer.at()],
      syncedWith: () => late.delegate.asked.length > 2,
    }).run()
    await expect(run).resolves.toBe('settled')
  })

  it('of an Alertmanager the complete exchange is enough', async () => {
    const alertmanager = await rig.started('am', FOREIGN)
    const late = await rig.started('late')
    const run = settlementOf(late.gossip, { peers: [alertmanager.at()], syncedWith: () => false }).run()
    await expect(run).resolves.toBe('settled')
    expect(late.delegate.merged.map(({ state }) => state)).toEqual(['state of am'])
  })

  it('waits no longer than the timeout for a member that gives nothing, and says so', async () => {
    const peer = await rig.started('peer')
    const late = await rig.started('late')
    const settlement = settlementOf(late.gossip, {
      peers: [peer.at()],
      timeoutMs: 300,
      syncedWith: () => false,
    })
    await expect(settlement.run()).resolves.toBe('gave-up')
    expect(settlement.reason()).toBeUndefined()
  })

  it('calls a configured peer that does not answer again for a while, and then does without', async () => {
    const { gossip } = await rig.started('alone')
    const settlement = settlementOf(gossip, { peers: [NOBODY] })
    const run = settlement.run()
    expect(settlement.reason()).toBe('settling: calling 1 configured peers')
    const startedMs = performance.now()
    await expect(run).resolves.toBe('settled')
    expect(performance.now() - startedMs).toBeGreaterThan(GRACE_MS)
  })

  it('waits for a peer that is there with another label, says why, and is done when the label is right', async () => {
    const other = await rig.started('other', { label: 'other' })
    const at = other.at()
    const late = await rig.started('late')
    const settlement = settlementOf(late.gossip, { peers: [at, NOBODY], graceMs: 50, callLateMs: 20 })
    const run = settlement.run()
    await until(() => (late.gossip.stats().events.push_pull_failed ?? 0) > 20)
    expect(settlement.settled).toBe(false)
    expect(settlement.reason()).toMatch(`settling: the peer at ${at} cannot be joined: it closes`)
    await other.gossip.stop()
    await rig.started('other', { listen: at })
    await expect(run).resolves.toBe('settled')
    expect(late.sees('other')).toBe('alive')
  })

  it('waits no longer than the timeout for a peer that is there with another label', async () => {
    const other = await rig.started('other', { label: 'other' })
    const late = await rig.started('late')
    const run = settlementOf(late.gossip, { peers: [other.at()], graceMs: 50, timeoutMs: 400 }).run()
    await expect(run).resolves.toBe('gave-up')
  })

  it('hears remembered peers although the configured ones are out of date', async () => {
    const peer = await rig.started('peer')
    const late = await rig.started('late')
    const settlement = settlementOf(late.gossip, { peers: [NOBODY], remembered: [NOBODY, peer.at()] })
    const run = settlement.run()
    expect(settlement.reason()).toBe('settling: calling 1 configured and 2 remembered peers')
    await expect(run).resolves.toBe('settled')
    expect(late.delegate.merged.map(({ state }) => state)).toEqual(['state of peer'])
  })

  it('does without remembered peers that are gone for good, after having called them for a while', async () => {
    const { gossip } = await rig.started('alone')
    const settlement = settlementOf(gossip, { remembered: Array.from({ length: 20 }, () => NOBODY) })
    const run = settlement.run()
    expect(settlement.reason()).toBe('settling: calling 20 remembered peers')
    await expect(run).resolves.toBe('settled')
    expect(gossip.stats().streams.dialled).toBeLessThanOrEqual(2 + GRACE_MS / 200)
  })

  it('replicas that start together see each other before one of them is ready', async () => {
    const early = await rig.started('early')
    const late = rig.node('late', { listen: '127.0.0.1:0' })
    // The port that `late` will have, known before it listens there.
    await late.gossip.start()
    const at = late.at()
    await late.gossip.stop()
    const run = settlementOf(early.gossip, { peers: [at], graceMs: 10_000 }).run()
    await until(() => (early.gossip.stats().events.push_pull_failed ?? 0) > 0)
    await rig.started('heir', { listen: at })
    await expect(run).resolves.toBe('settled')
    expect(early.delegate.merged.map(({ state }) => state)).toEqual(['state of heir'])
  })

  it('does without a member that its peers list and that is not there', async () => {
    const peer = await rig.started('peer', { config: { probeIntervalMs: 1e6, pushPullIntervalMs: 0 } })
    const gone = await rig.started('gone')
    await gone.gossip.join([peer.at()])
    await gone.gossip.stop()
    const late = await rig.started('late', { config: { probeIntervalMs: 1e6, pushPullIntervalMs: 0 } })
    await expect(settlementOf(late.gossip, { peers: [peer.at()] }).run()).resolves.toBe('settled')
    expect(late.sees('gone')).toBe('alive')
  })

  it('ends quietly when gossip stops in the middle of it', async () => {
    const late = await rig.started('late')
    for (const name of ['a', 'b', 'c']) await late.gossip.join([(await rig.started(name)).at()])
    await until(() => late.sees('c') === 'alive')
    const run = settlementOf(late.gossip, { syncedWith: () => false }).run()
    await late.gossip.stop()
    await expect(run).resolves.toBeDefined()
  })

  it('ends when it is stopped, whatever is missing', async () => {
    const peer = await rig.started('peer')
    const late = await rig.started('late')
    await late.gossip.join([peer.at()])
    const settlement = settlementOf(late.gossip, { syncedWith: () => false })
    const run = settlement.run()
    settlement.stop()
    await expect(run).resolves.toBe('gave-up')
  })
})
