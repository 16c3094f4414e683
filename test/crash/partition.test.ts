/**
 * A network cut in two between real processes, for so long that each side has declared the other dead and, in the long
 * version, forgotten it: afterwards both sides find each other by themselves and hold the same. Writes go on on both sides.
 *
 * The cut swallows packets without a sign, so that calls hang. It lasts 10 s with HEARSAY_TEST=ci, with faster probes than
 * usual, so that everybody is declared dead in it; and 10 minutes with HEARSAY_TEST=long, with default flags.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { fetchJson } from '../support/mixed-cluster.ts'
import { NET_NAMESPACES, NetNamespaces } from '../support/net-namespaces.ts'
import { ReplicaProcess } from '../support/replica-process.ts'
import { inCi, inLong, type Requirement, requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const CUT_MS = inLong ? 600_000 : 10_000
const FAST = ['--cluster.probe-interval=200ms', '--cluster.probe-timeout=100ms']
const FLAGS = ['--log.level=warn', ...(inLong ? [] : FAST)]
const WRITE_GAP_MS = 100
const SIDE = [0]

interface ClusterBody {
  readonly members: readonly { readonly name: string; readonly state: string }[]
}

const NEEDED: Requirement = inCi
  ? NET_NAMESPACES
  : { name: 'time', present: false, install: 'HEARSAY_TEST=ci', isOptional: true }

let networks: NetNamespaces | undefined
const replicas: ReplicaProcess[] = []

afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.kill()))
  networks?.remove()
})

async function liveMembers({ url }: ReplicaProcess): Promise<number> {
  const { members } = await fetchJson<ClusterBody>(`${url}/api/v1/cluster`)
  return members.filter(({ state }) => state === 'alive' || state === 'suspect').length
}

function allSee(counts: readonly number[]): Promise<boolean> {
  return Promise.all(replicas.map(liveMembers)).then((seen) => seen.join() === counts.join())
}

/** Everything in the map, as text. */
async function contents({ url }: ReplicaProcess): Promise<string> {
  const items: object[] = []
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: { items: object[]; next?: string } = await fetchJson(
      `${url}/api/v1/kv/cut?values=true&limit=1000&after=${encodeURIComponent(after)}`,
    )
    items.push(...page.items)
    after = page.next
  }
  return JSON.stringify(items)
}

/** How many keys are in the map: cheap, where to read them all over and over would be most of what the replicas do. */
async function count({ url }: ReplicaProcess): Promise<number> {
  const { maps }: { maps: { name: string; count: number }[] } = await fetchJson(`${url}/api/v1/kv`)
  return maps.find(({ name }) => name === 'cut')?.count ?? 0
}

/** Writes to every replica in turn: a key of its own, and one that all write. */
async function write(stop: () => boolean): Promise<Set<string>> {
  const acknowledged = new Set<string>()
  for (let i = 0; !stop(); i++) {
    for (const [index, { url }] of replicas.entries()) {
      for (const key of [`own-${index}-${i}`, 'contested']) {
        const response = await fetch(`${url}/api/v1/kv/cut/${key}`, { method: 'PUT', body: `${index} ${i}` })
        if (response.ok) acknowledged.add(key)
        await response.arrayBuffer()
      }
    }
    await pause(WRITE_GAP_MS)
  }
  return acknowledged
}

requirement(NEEDED)('after the network was cut in two', () => {
  it('both sides find each other again and hold the same', { timeout: CUT_MS + 120_000 }, async () => {
    const net = new NetNamespaces(3)
    networks = net
    for (const host of net.hosts) {
      const peers = replicas.map(({ gossipAddress }) => gossipAddress)
      replicas.push(await ReplicaProcess.start({ storagePath: tempDir(), host, peers, flags: FLAGS }))
    }
    await untilAsync(() => allSee([3, 3, 3]), 'one cluster')

    net.cut(SIDE)
    const cutAt = performance.now()
    let healed = false
    const writes = write(() => healed)
    await untilAsync(() => allSee([1, 2, 2]), 'two clusters', 60_000)
    await pause(Math.max(0, cutAt + CUT_MS - performance.now()))
    const [alone, other] = await Promise.all(replicas.map(contents))
    expect(alone).not.toBe(other)
    const cutMs = performance.now() - cutAt
    net.heal()
    healed = true

    const isContact = async (): Promise<boolean> =>
      (await Promise.all(replicas.map(liveMembers))).some((seen, i) => seen > (SIDE.includes(i) ? 1 : 2))
    const contactMs = await untilAsync(isContact, 'contact', 20_000)
    const acknowledged = await writes
    const isComplete = async (): Promise<boolean> =>
      (await Promise.all(replicas.map(count))).every((keys) => keys === acknowledged.size)
    const equalMs = await untilAsync(isComplete, `${acknowledged.size} keys everywhere`, 20_000)
    const isEqual = async (): Promise<boolean> =>
      new Set(await Promise.all(replicas.map(contents))).size === 1
    await untilAsync(isEqual, 'equal contents')
    const whole = await Promise.all(replicas.slice(0, 1).map(contents))
    for (const key of acknowledged) expect(whole[0]).toContain(`"${key}"`)
    await untilAsync(() => allSee([3, 3, 3]), 'one cluster again')
    process.stderr.write(
      `cut for ${Math.round(cutMs / 1000)} s, ${acknowledged.size} keys written meanwhile: ` +
        `contact after ${Math.round(contactMs)} ms, complete everywhere ${Math.round(equalMs)} ms later\n`,
    )
  })
})
