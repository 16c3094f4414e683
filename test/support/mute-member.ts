/** A hearsay member that gossips and holds no state, and that can be stopped without a farewell, as a kill would. */
import { onTestFinished } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { classifyMeta, nativeMeta } from '../../src/gossip/core/native-meta.ts'
import { createGossip } from '../../src/gossip/io/driver.ts'

const silent = (): undefined => undefined
const nothing = (): Uint8Array => new Uint8Array(0)

/** @returns how to stop it; it stops with the test at the latest */
export async function startMember(name: string, peers: readonly string[]): Promise<() => Promise<void>> {
  const gossip = createGossip(
    { name, listen: '127.0.0.1:0', meta: nativeMeta(), classify: classifyMeta, peers },
    {
      localState: nothing,
      mergeRemoteState: silent,
      userMessage: silent,
      memberEvent: silent,
      ackPayload: nothing,
      ackReceived: silent,
    },
    {
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      random: seededRandom(1),
      log: { debug: silent, info: silent, warn: silent },
    },
  )
  onTestFinished(() => gossip.stop())
  await gossip.start()
  await gossip.join(peers)
  return () => gossip.stop()
}
