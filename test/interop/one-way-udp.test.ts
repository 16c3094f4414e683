/**
 * A real Alertmanager and our gossip while datagrams from us are lost: each keeps the other alive over TCP, and neither
 * thinks ill of itself.
 */
import { expect, it, onTestFinished } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import type { GossipDelegate } from '../../src/gossip/core/delegate.ts'
import { classifyMeta, nativeMeta } from '../../src/gossip/core/native-meta.ts'
import { createGossip } from '../../src/gossip/io/driver.ts'
import type { Transport } from '../../src/gossip/io/transport.ts'
import { createUdpTcpTransport } from '../../src/gossip/io/udp-tcp-transport.ts'
import { ALERTMANAGER, startAlertmanager } from '../support/alertmanager.ts'
import { inCi, inLong, requirement } from '../support/requirement.ts'
import { untilAsync } from '../support/until-async.ts'

const PROBING_MS = inLong ? 60_000 : inCi ? 15_000 : 6_000

const silent: GossipDelegate = {
  localState: () => new Uint8Array(0),
  mergeRemoteState: () => undefined,
  userMessage: () => undefined,
  memberEvent: () => undefined,
  ackPayload: () => new Uint8Array(0),
  ackReceived: () => undefined,
}

requirement(ALERTMANAGER)('with our datagrams lost', () => {
  it('an Alertmanager and we keep each other alive over TCP, at health score 0', {
    timeout: PROBING_MS + 30_000,
  }, async () => {
    let dropped = 0
    const alertmanager = await startAlertmanager()
    onTestFinished(() => alertmanager.stop())
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined }
    const gossip = createGossip(
      { name: 'zz-mute', listen: '127.0.0.1:0', meta: nativeMeta(), classify: classifyMeta },
      silent,
      {
        clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
        random: seededRandom(1),
        log,
        transport: (listen) => {
          const inner = createUdpTcpTransport(listen)
          const transport: Transport = {
            bind: (handler) => inner.bind(handler),
            sendPacket: () => {
              dropped++
            },
            dial: (to, listener) => inner.dial(to, listener),
            close: () => inner.close(),
          }
          return transport
        },
      },
    )
    await gossip.start()
    onTestFinished(() => gossip.stop())
    expect((await gossip.join([alertmanager.clusterAddress])).contacted).toBe(1)

    const members = async (): Promise<number> => {
      const status = (await (await fetch(`${alertmanager.url}/api/v2/status`)).json()) as {
        cluster: { peers: unknown[] }
      }
      return status.cluster.peers.length
    }
    await untilAsync(async () => (await members()) === 2, 'both listed')
    const endMs = performance.now() + PROBING_MS
    while (performance.now() < endMs) {
      expect(await members()).toBe(2)
      expect(gossip.members().filter(({ liveness }) => liveness === 'alive')).toHaveLength(2)
      expect(gossip.healthScore()).toBe(0)
      const metrics = await (await fetch(`${alertmanager.url}/metrics`)).text()
      expect(metrics).toMatch(/^alertmanager_cluster_health_score 0$/m)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    expect(dropped).toBeGreaterThan(0)
  })
})
