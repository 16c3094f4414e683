/** What a long sync does to membership: nothing. */
import { afterEach, expect, it } from 'vitest'
import { until } from '../../../support/until.ts'
import { GossipRig, utf8 } from './gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

const CHUNK_BYTES = 64 * 1024
const CHUNKS = 1500
/** As anti-entropy keeps them. */
const IN_FLIGHT = 4

it('a hundred megabytes of reliable messages arrive, and nobody comes under suspicion', {
  timeout: 30_000,
}, async () => {
  // Probes twice as often as in production.
  const config = { gossipIntervalMs: 50, probeIntervalMs: 500, probeTimeoutMs: 400, pushPullIntervalMs: 0 }
  const a = await rig.started('a', { config })
  const b = await rig.started('b', { config })
  await b.gossip.join([a.at()])
  let received = 0
  b.delegate.userMessage = () => void received++
  b.delegate.payload = () => utf8('alive')
  a.delegate.events.length = 0
  const chunk = new Uint8Array(CHUNK_BYTES)
  for (let sent = 0; sent < CHUNKS; sent++) {
    await until(() => sent - received < IN_FLIGHT)
    a.gossip.sendReliable('b', chunk)
  }
  await until(() => received === CHUNKS)
  expect(a.gossip.stats().events.reliable_failed).toBeUndefined()
  expect([a.gossip.healthScore(), b.gossip.healthScore()]).toEqual([0, 0])
  expect([...a.delegate.events, ...b.delegate.events.slice(1)]).toEqual([])
  expect([a.sees('b'), b.sees('a')]).toEqual(['alive', 'alive'])
  await until(() => a.delegate.acks.length > 0)
})
