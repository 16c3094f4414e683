/**
 * How fast news spreads, and what it costs: hearsay's rules beside memberlist's, on the same machines and virtual network.
 *
 * The table is simulated (src/testing/spread-measure.ts): 1 ms one way, one update of 100 bytes at a time, and a minute of
 * probes before the lossy rows. "All" is the time until the last member has it, over the updates that reached all; "left"
 * is the share of updates that gossip alone did not bring to everybody. Sends are copies of one update for each member
 * that held it, beside memberlist's budget of retransmitMult * ceil(log10(n + 1)). Equal seeds give equal tables.
 *
 * The burst is real: drivers of this process on loopback, of which one sends all updates of 100 bytes in one turn. To
 * hearsay members they go as batches by stream, to other programs (as which our drivers are made to look) packet by packet.
 *
 * Run: `npm run bench -- spread [--nodes 3,10,50,100,1000] [--updates N] [--seed 1] [--only simulated|burst]`.
 */
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/base/random.ts'
import { decodeBatch, isBatch } from '../src/gossip/core/batch-frame.ts'
import { lanDefaults } from '../src/gossip/core/config.ts'
import type { GossipDelegate, PeerClass } from '../src/gossip/core/delegate.ts'
import { nativeMeta } from '../src/gossip/core/native-meta.ts'
import { retransmitLimit } from '../src/gossip/core/scaling.ts'
import { createGossip } from '../src/gossip/io/driver.ts'
import { endpointToText } from '../src/gossip/io/endpoint-text.ts'
import type { Gossip } from '../src/gossip/io/gossip.ts'
import { measureSpread } from '../src/testing/spread-measure.ts'

const LOSSES = [0, 0.3]
const RULES = ['hearsay', 'memberlist'] as const
const WARM_UP_MS = 60_000
/** Divided by the number of members: a thousand of them are slow to simulate. */
const MEMBER_UPDATES = 50_000
const UPDATES_MAX = 2000

const BURSTS = [1000, 5000]
const BURST_BYTES = 100
const BURST_TIMEOUT_MS = 60_000

// --- the table

function simulated(nodeCounts: readonly number[], updatesWanted: number | undefined, seed: number): void {
  console.log(
    "simulated, 1 ms one way. all: ms until the last member has an update; sends/holder: copies sent by each that held it (of memberlist's budget);\n" +
      'most: copies by one holder; left: updates that gossip alone did not bring to all, which push-pull or sync does later',
  )
  console.log('   N  loss  rules           all p50      p99   sends/holder (budget)   most     left')
  for (const nodes of nodeCounts) {
    const updates = updatesWanted ?? Math.min(UPDATES_MAX, Math.ceil(MEMBER_UPDATES / nodes))
    const budget = retransmitLimit(lanDefaults().retransmitMult, nodes)
    for (const lossRate of LOSSES) {
      for (const rules of RULES) {
        const warmUpMs = lossRate > 0 ? WARM_UP_MS : 0
        const figures = measureSpread({ nodes, rules, latencyMs: 1, lossRate, seed, updates, warmUpMs })
        const left = `${((100 * figures.left) / updates).toFixed(2)} % of ${updates}`
        console.log(
          [
            String(nodes).padStart(4),
            `${Math.round(lossRate * 100)} %`.padStart(5),
            rules.padEnd(10),
            `${figures.p50Ms.toFixed(1)} ms`.padStart(11),
            `${figures.p99Ms.toFixed(1)} ms`.padStart(9),
            `${figures.sendsPerHolder.toFixed(2)} (${budget})`.padStart(16),
            String(figures.sendsMax).padStart(13),
            left.padStart(18),
          ].join(' '),
        )
      }
    }
  }
}

// --- the burst

interface Member {
  readonly gossip: Gossip
  readonly heard: Set<string>
}

function member(name: string, peerClass: PeerClass): Member {
  const heard = new Set<string>()
  const hear = (payload: Uint8Array): void => {
    const text = Buffer.from(payload).toString('latin1')
    if (heard.has(text)) return
    heard.add(text)
    gossip.broadcast({ audience: peerClass, payload: payload.slice(), isRelayed: true })
  }
  const delegate: GossipDelegate = {
    localState: () => new Uint8Array(0),
    mergeRemoteState: () => undefined,
    userMessage: (payload) => {
      for (const one of isBatch(payload) ? (decodeBatch(payload) ?? []) : [payload]) hear(one)
    },
    memberEvent: () => undefined,
    ackPayload: () => new Uint8Array(0),
    ackReceived: () => undefined,
  }
  const silent = (): void => undefined
  const gossip = createGossip(
    { name, listen: '127.0.0.1:0', meta: nativeMeta(), classify: () => peerClass },
    delegate,
    {
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      random: seededRandom(name.length),
      log: { debug: silent, info: silent, warn: silent },
    },
  )
  return { gossip, heard }
}

async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const startMs = performance.now()
  while (!condition()) {
    if (performance.now() - startMs > timeoutMs) return false
    await new Promise((resolve) => setImmediate(resolve))
  }
  return true
}

async function burst(nodes: number, peerClass: PeerClass, updates: number): Promise<void> {
  const members = Array.from({ length: nodes }, (_, index) => member(`m${index}`, peerClass))
  try {
    await Promise.all(members.map(({ gossip }) => gossip.start()))
    const [author, ...others] = members
    if (author === undefined) return
    const address = endpointToText(author.gossip.advertise())
    for (const { gossip } of others) await gossip.join([address])
    const knowsAll = ({ gossip }: Member): boolean =>
      gossip.members().filter(({ liveness }) => liveness === 'alive').length === nodes
    await until(() => members.every(knowsAll), BURST_TIMEOUT_MS)
    const random = seededRandom(updates)
    const startMs = performance.now()
    for (let i = 0; i < updates; i++) {
      const payload = Uint8Array.from({ length: BURST_BYTES }, () => random.below(0x80))
      // Not the first byte of a batch.
      payload[0] = 0x2e
      author.gossip.broadcast({ audience: peerClass, payload })
    }
    const complete = await until(() => others.every(({ heard }) => heard.size >= updates), BURST_TIMEOUT_MS)
    const tookMs = performance.now() - startMs
    const least = Math.min(...others.map(({ heard }) => heard.size))
    console.log(
      `burst of ${updates} on ${nodes} drivers, by ${peerClass === 'native' ? 'stream' : 'packet'}: ${
        complete
          ? `all arrived after ${tookMs.toFixed(0)} ms`
          : `${updates - least} missing after ${BURST_TIMEOUT_MS} ms`
      }`,
    )
  } finally {
    await Promise.all(members.map(({ gossip }) => gossip.stop()))
  }
}

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3,10,50,100,1000' },
    updates: { type: 'string' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
  allowPositionals: true,
})
const updates = values.updates === undefined ? undefined : Number(values.updates)
if (values.only !== 'burst') simulated(values.nodes.split(',').map(Number), updates, Number(values.seed))
if (values.only !== 'simulated') {
  for (const nodes of [3, 10]) {
    for (const peerClass of ['native', 'foreign'] as const) {
      for (const size of BURSTS) await burst(nodes, peerClass, size)
    }
  }
}
