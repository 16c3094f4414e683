import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../../support/until.ts'
import { fastOptions, GossipRig } from './gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

describe('reconnect loops', () => {
  it('a dead member that comes back without calling anybody is found, even after it was reaped', async () => {
    const config = { ...fastOptions('a').config, gossipToTheDeadMs: 50 }
    const a = await rig.started('a', { reconnectIntervalMs: 50, config })
    const b = await rig.started('b')
    const at = b.at()
    await b.gossip.join([a.at()])
    await until(() => a.sees('b') === 'alive')
    await b.gossip.stop()
    await until(() => a.delegate.events.some(({ type }) => type === 'leave') && a.sees('b') === undefined)
    expect(a.gossip.stats().remembered).toBe(1)
    await until(() => (a.gossip.stats().events['reconnect-failed'] ?? 0) > 0)
    const again = await rig.started('b', { listen: at })
    await until(() => a.sees('b') === 'alive' && again.sees('a') === 'alive')
    expect(a.gossip.stats().remembered).toBe(0)
    expect(a.gossip.stats().events.reconnected).toBe(1)
  })

  it('a configured peer that starts later is joined by its name, and once', async () => {
    const port = await (async () => {
      const probe = await rig.started('probe')
      await probe.gossip.stop()
      return probe.gossip.advertise().port
    })()
    let lookups = 0
    const lookup = async (): Promise<string[]> => {
      lookups++
      return ['127.0.0.1']
    }
    const a = await rig.started('a', { refreshIntervalMs: 20, peers: [`b.example:${port}`] }, { lookup })
    await until(() => (a.gossip.stats().events['refresh-failed'] ?? 0) > 1)
    const late = await rig.started('late', { listen: `127.0.0.1:${port}` })
    await until(() => a.sees('late') === 'alive' && late.sees('a') === 'alive')
    const seen = lookups
    await until(() => lookups > seen + 5)
    expect(a.gossip.stats().events['refresh-joined']).toBe(1)
  })

  it('after a leave nobody is called any more', async () => {
    const a = await rig.started('a', {
      reconnectIntervalMs: 20,
      refreshIntervalMs: 20,
      peers: ['127.0.0.1:1'],
    })
    await until(() => (a.gossip.stats().events['refresh-failed'] ?? 0) > 0)
    await a.gossip.leave(1000)
    await until(() => a.gossip.stats().outboundOpen === 0)
    const { dialled } = a.gossip.stats().streams
    const quietUntil = performance.now() + 100
    await until(() => performance.now() > quietUntil)
    expect(a.gossip.stats().streams.dialled).toBe(dialled)
  })
})
