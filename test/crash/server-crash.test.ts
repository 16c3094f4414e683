/**
 * `kill -9` of whole servers under load through HTTP: after each restart every acknowledged write is there with its
 * exact bytes, and none is that nobody made. One replica again and again (8 times, 30 with HEARSAY_TEST=ci, 1,000 with HEARSAY_TEST=long); then three
 * in a cluster, one after the other and all at once. A failure prints the seed of the kill moments.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { freePort } from '../support/free-port.ts'
import { type ReplicaOptions, ReplicaProcess } from '../support/replica-process.ts'
import { inCi, inLong } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'
import { fingerprint, observe, ServerLoad } from './server-load.ts'

const ROUNDS = inLong ? 1000 : inCi ? 20 : 8
/** Six kills each. */
const CLUSTER_ROUNDS = inLong ? 100 : inCi ? 4 : 1
const PAUSE_MS = 40
const SEED = Number(process.env.HEARSAY_SEED ?? Date.now() % 1_000_000)

const running = new Set<ReplicaProcess>()

async function start(options: ReplicaOptions): Promise<ReplicaProcess> {
  const replica = await ReplicaProcess.start(options)
  running.add(replica)
  return replica
}

afterEach(async () => {
  await Promise.all([...running].map((replica) => replica.kill()))
  running.clear()
})

describe('one replica killed under load', () => {
  it(
    'has every acknowledged write, byte for byte, and invents none',
    async () => {
      const random = seededRandom(SEED)
      const options = { storagePath: tempDir(), clustered: false, flags: ['--log.level=warn'] }
      const load = new ServerLoad('a')
      for (let round = 0; round < ROUNDS; round++) {
        // Every fourth one dies somewhere in its recovery before it is loaded.
        if (round % 4 === 3) {
          const early = await ReplicaProcess.launch(options)
          running.add(early)
          await pause(random.below(600))
          await early.kill()
        }
        const replica = await start(options)
        expect(load.settle(await observe(replica.url)), `round ${round}, HEARSAY_SEED=${SEED}`).toEqual([])
        expect(replica.output).toBe(banner(replica))
        load.start(replica.url)
        await load.acknowledges(1 + random.below(80))
        await pause(random.below(20))
        await replica.kill()
        await load.stopped()
      }
      const last = await start(options)
      expect(load.settle(await observe(last.url)), `at the end, HEARSAY_SEED=${SEED}`).toEqual([])
      expect(load.ledger.acks).toBeGreaterThan(ROUNDS * 20)
      process.stdout.write(`server: ${ROUNDS} kills, ${load.ledger.acks} acknowledged writes, all present\n`)
    },
    30_000 + ROUNDS * 5000,
  )
})

describe('three replicas of a cluster killed under load', () => {
  it(
    'lose no acknowledged write, one after the other and all at once, and are equal in the end',
    async () => {
      const random = seededRandom(SEED + 1)
      const plans = await clusterPlans()
      const loads = ['a', 'b', 'c'].map((owner) => new ServerLoad(owner, PAUSE_MS))
      let replicas = await Promise.all(plans.map(start))
      for (let round = 0; round < CLUSTER_ROUNDS; round++) {
        for (const [i, load] of loads.entries()) load.start(replicas[i]?.url ?? '')
        for (const [i, plan] of plans.entries()) {
          await loads[i]?.acknowledges(1 + random.below(60))
          await replicas[i]?.kill()
          await loads[i]?.stopped()
          const restarted = await start(plan)
          replicas = replicas.with(i, restarted)
          expect(
            loads[i]?.settle(await observe(restarted.url)),
            `replica ${i}, HEARSAY_SEED=${SEED}`,
          ).toEqual([])
          loads[i]?.start(restarted.url)
        }
        await loads[2]?.acknowledges(1 + random.below(60))
        await Promise.all(replicas.map((replica) => replica.kill()))
        await Promise.all(loads.map((load) => load.stopped()))
        replicas = await Promise.all(plans.map(start))
        for (const [i, load] of loads.entries()) {
          const found = await observe(replicas[i]?.url ?? '')
          expect(load.settle(found), `all killed, replica ${i}, HEARSAY_SEED=${SEED}`).toEqual([])
        }
        await untilAsync(async () => {
          const [first, ...others] = await Promise.all(replicas.map(({ url }) => fingerprint(url)))
          return others.every((other) => other === first)
        }, `three equal replicas, HEARSAY_SEED=${SEED}`)
        // What each of them acknowledged is now on every one.
        for (const { url } of replicas) {
          const found = await observe(url)
          for (const load of loads) expect(load.settle(found), `everywhere, HEARSAY_SEED=${SEED}`).toEqual([])
        }
      }
      const acks = loads.reduce((sum, { ledger }) => sum + ledger.acks, 0)
      expect(acks).toBeGreaterThan(CLUSTER_ROUNDS * 100)
      process.stdout.write(
        `cluster: ${6 * CLUSTER_ROUNDS} kills, ${acks} acknowledged writes on each replica\n`,
      )
    },
    60_000 + CLUSTER_ROUNDS * 60_000,
  )
})

async function clusterPlans(): Promise<ReplicaOptions[]> {
  const ports = await Promise.all([1, 2, 3].map(async () => [await freePort(), await freePort()] as const))
  return ports.map(([httpPort, gossipPort]) => ({
    storagePath: tempDir(),
    httpPort,
    gossipPort,
    peers: ports.filter(([other]) => other !== httpPort).map(([, port]) => `127.0.0.1:${port}`),
    flags: ['--log.level=warn'],
  }))
}

/** All that a healthy start prints at level warn: in particular no damaged record and no new identity. */
function banner(replica: ReplicaProcess): string {
  const name = /^(\S+) serves/.exec(replica.output)?.[1]
  return `${name} serves ${replica.url} alone, without gossip\n`
}
