/**
 * Gossip beside HashiCorp's memberlist, in one run on this machine: real sockets on loopback, default settings on both sides.
 *
 * Burst: one of three members is handed 1,000 or 5,000 updates of 100 bytes in one turn; how long until the other two have
 * all. Hearsay's three run in one process and in three; memberlist's in one (its ticks are the bound, not the machine), with
 * a delegate that relays on first sight, as Alertmanager's does, and is given up after a minute.
 *
 * Spread: one update at a time, by a random member, a random while after the one before has left all queues; how long until
 * the last of N has it. Memberlist's members tick at phases of their own; several clusters run at once, for more samples.
 * Beside it the simulator's figure for memberlist's rules, which must be within 15 % of the real one.
 *
 * Needs Go and memberlist (see test/parity/go-program.ts). Run: `npm run bench -- gossip [--only burst|spread]
 * [--nodes 3,10,50] [--updates 40] [--go-updates 20]`. Takes about three minutes; `--go-updates` is for each cluster of memberlist's.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/base/random.ts'
import { measureSpread } from '../src/testing/spread-measure.ts'
import { withDefaults } from '../test/parity/fast-peers.ts'
import { GoProgram } from '../test/parity/go-program.ts'
import { goOptions } from '../test/parity/go-subject.ts'
import {
  CountingMember,
  type CountingMember as Member,
  pause,
  reached,
  startMembers,
  stopMembers,
  wallMs,
} from './gossip-cluster.ts'

const BURSTS = [1000, 5000]
const BURST_MEMBERS = 3
const BURST_REPEATS = 5
const BYTES = 100
const GIVE_UP_MS = 60_000
const SPREAD_TIMEOUT_MS = 10_000
const PAUSE_MAX_MS = 1000
/** Divided by N: large clusters differ less from each other, and take longer. */
const SIMULATED_CLUSTERS = 200
/** Clusters of N at once; more would disturb each other on two cores. */
const GO_CLUSTERS: Readonly<Record<number, number>> = { 3: 30, 10: 10, 50: 2 }
const TOLERANCE = 0.15

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** On stderr, so that the tables can be piped. */
const progress = (text: string): void => console.error(`  ${text}`)

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`

// Hearsay, members in this process.

async function burstInOneProcess(updates: number): Promise<number> {
  const members = await startMembers(BURST_MEMBERS, GIVE_UP_MS)
  try {
    const [author, ...others] = members
    const startMs = wallMs()
    for (let number = 0; number < updates; number++) author?.say(number, BYTES)
    const complete = await reached(() => others.every((one) => one.heardAtMs.size === updates), GIVE_UP_MS)
    return complete ? Math.max(...others.map((one) => one.lastHeardMs)) - startMs : Number.POSITIVE_INFINITY
  } finally {
    await stopMembers(members)
  }
}

/** @returns -1 for an update that gossip did not bring to all */
async function spreadInOneProcess(nodes: number, updates: number): Promise<readonly number[]> {
  const members = await startMembers(nodes, GIVE_UP_MS)
  const random = seededRandom(nodes)
  const toAllMs: number[] = []
  try {
    for (let number = 0; number < updates; number++) {
      await reached(() => members.every((one) => one.isIdle), SPREAD_TIMEOUT_MS)
      await pause(random.next() * PAUSE_MAX_MS)
      const startMs = wallMs()
      members[random.below(nodes)]?.say(number, BYTES)
      const toAll = await reached(() => members.every((one) => one.heardAtMs.has(number)), SPREAD_TIMEOUT_MS)
      toAllMs.push(toAll ? Math.max(...members.map((one) => one.heardAtMs.get(number) ?? 0)) - startMs : -1)
    }
  } finally {
    await stopMembers(members)
  }
  return toAllMs
}

// Hearsay, a process a member: this program again, told what to do by its parent.

type Order =
  | { readonly do: 'join'; readonly address: string }
  | { readonly do: 'say'; readonly updates: number }
  | { readonly do: 'tell' }

interface Told {
  readonly address: string
  readonly liveMembers: number
  readonly heard: number
  readonly lastHeardMs: number
  readonly atMs: number
}

async function serveParent(): Promise<void> {
  const member: Member = new CountingMember(`process-${process.pid}`, process.pid)
  await member.gossip.start()
  const tell = (atMs: number): void => {
    const { address, liveMembers, lastHeardMs, heardAtMs } = member
    process.send?.({ address, liveMembers, lastHeardMs, heard: heardAtMs.size, atMs } satisfies Told)
  }
  process.on('disconnect', () => process.exit(0))
  process.on('message', (order: Order) => {
    const atMs = wallMs()
    if (order.do === 'join') void member.gossip.join([order.address]).then(() => tell(atMs))
    else {
      if (order.do === 'say') for (let i = 0; i < order.updates; i++) member.say(i, BYTES)
      tell(atMs)
    }
  })
  tell(wallMs())
}

class MemberProcess {
  readonly #child: ChildProcess
  told: Told | undefined

  constructor() {
    this.#child = fork(process.argv[1] ?? '', ['--member'])
    this.#child.on('message', (told: Told) => {
      this.told = told
    })
  }

  /** @returns what it says of itself once it runs */
  async first(): Promise<Told> {
    await reached(() => this.told !== undefined, GIVE_UP_MS)
    if (this.told === undefined) throw new Error('a member process says nothing')
    return this.told
  }

  ask(order: Order): Promise<Told> {
    this.told = undefined
    this.#child.send(order)
    return this.first()
  }

  /** Asks again and again. */
  async until(holds: (told: Told) => boolean): Promise<Told> {
    const deadlineMs = performance.now() + GIVE_UP_MS
    for (;;) {
      const told = await this.ask({ do: 'tell' })
      if (holds(told) || performance.now() > deadlineMs) return told
      await pause(20)
    }
  }

  end(): void {
    this.#child.disconnect()
  }
}

async function burstInThreeProcesses(updates: number): Promise<number> {
  const members = Array.from({ length: BURST_MEMBERS }, () => new MemberProcess())
  try {
    const addresses: string[] = []
    for (const member of members) addresses.push((await member.first()).address)
    const [author, ...others] = members
    for (const member of others) await member.ask({ do: 'join', address: addresses[0] ?? '' })
    for (const member of members) await member.until(({ liveMembers }) => liveMembers === BURST_MEMBERS)
    const startMs = (await author?.ask({ do: 'say', updates }))?.atMs ?? Number.NaN
    const told = await Promise.all(others.map((member) => member.until(({ heard }) => heard === updates)))
    if (told.some(({ heard }) => heard < updates)) return Number.POSITIVE_INFINITY
    return Math.max(...told.map(({ lastHeardMs }) => lastHeardMs)) - startMs
  } finally {
    for (const member of members) member.end()
  }
}

// Memberlist.

/** DefaultLANConfig, but for push-pull, which carries no user state here; each made at a random moment of a tick. */
async function goCluster(program: GoProgram, prefix: string, nodes: number): Promise<readonly string[]> {
  const random = seededRandom(nodes + prefix.length)
  const options = withDefaults({
    name: '',
    compress: true,
    gossipIntervalMs: 200,
    gossipNodes: 3,
    probeIntervalMs: 1000,
    probeTimeoutMs: 500,
    suspicionMult: 4,
    pushPullIntervalMs: 0,
  })
  const peers = Array.from({ length: nodes }, (_, i) => `${prefix}-${i}`)
  const ports = await Promise.all(
    peers.map(async (peer) => {
      await pause(random.next() * 200)
      const own = { ...goOptions({ ...options, name: peer }), relaysFirstSight: true, countsOnly: true }
      return ((await program.ask('create', { peer, options: own })) as { port: number }).port
    }),
  )
  const addresses = [`127.0.0.1:${ports[0]}`]
  for (const peer of peers.slice(1)) await program.ask('join', { peer, addresses })
  const deadlineMs = performance.now() + GIVE_UP_MS
  for (const peer of peers) {
    // Its gossip of members leaves somebody out now and then, which is left to push-pull; a second join is one.
    while (((await program.ask('members', { peer })) as unknown[]).length < nodes) {
      if (performance.now() > deadlineMs) throw new Error(`${peer} does not know all ${nodes}`)
      await pause(500)
      await program.ask('join', { peer, addresses })
    }
  }
  return peers
}

interface GoReceived {
  readonly distinct: number
  readonly lastMs: number
}

async function burstOnGo(updates: number): Promise<string> {
  const program = await GoProgram.start()
  try {
    const [author = '', ...others] = await goCluster(program, 'go', BURST_MEMBERS)
    const { startMs } = (await program.ask('burst', {
      peer: author,
      burst: { count: updates, bytes: BYTES },
    })) as { startMs: number }
    for (;;) {
      const got = (await Promise.all(
        others.map((peer) => program.ask('received', { peer })),
      )) as readonly GoReceived[]
      const least = Math.min(...got.map(({ distinct }) => distinct))
      if (least === updates) return ms(Math.max(...got.map(({ lastMs }) => lastMs)) - startMs)
      if (wallMs() - startMs > GIVE_UP_MS) {
        return `> ${GIVE_UP_MS / 1000} s; by then ${got.map(({ distinct }) => distinct).join(' and ')} of ${updates}`
      }
      await pause(50)
    }
  } finally {
    await program.end()
  }
}

async function spreadOnGo(nodes: number, updates: number): Promise<readonly number[]> {
  const program = await GoProgram.start()
  const spread = { updates, bytes: BYTES, pauseMaxMs: PAUSE_MAX_MS, timeoutMs: SPREAD_TIMEOUT_MS }
  try {
    const clusters = Array.from({ length: GO_CLUSTERS[nodes] ?? 1 }, (_, i) => i)
    const each = await Promise.all(
      clusters.map(async (number) => {
        const peers = await goCluster(program, `cluster-${number}`, nodes)
        // News of the members themselves fills the first packets.
        await pause(8000)
        return (await program.ask('spread', { peers, spread })) as number[]
      }),
    )
    return each.flat()
  } finally {
    await program.end()
  }
}

// Tables.

async function bursts(): Promise<void> {
  console.log('\n| burst on 3 members | hearsay, one process | hearsay, three processes | memberlist |')
  console.log('|---|---|---|---|')
  progress('bursts on memberlist, at most a minute')
  const onGo = await Promise.all(BURSTS.map((updates) => burstOnGo(updates)))
  for (const [index, updates] of BURSTS.entries()) {
    progress(`bursts of ${updates} on hearsay`)
    const columns: string[] = []
    for (const burst of [burstInOneProcess, burstInThreeProcesses]) {
      const took: number[] = []
      for (let i = 0; i < BURST_REPEATS; i++) took.push(await burst(updates))
      columns.push(`${ms(quantile(took, 0.5))} (${took.map((value) => value.toFixed(0)).join(', ')})`)
    }
    console.log(`| ${updates} updates | ${columns.join(' | ')} | ${onGo[index]} |`)
  }
}

/** p50 and p99 of what reached all, and how much did not. */
function spreadColumns(toAllMs: readonly number[]): string {
  const reachedAll = toAllMs.filter((value) => value >= 0)
  const left = toAllMs.length - reachedAll.length
  const p50 = `${ms(quantile(reachedAll, 0.5))} (${toAllMs.length} updates${left > 0 ? `, ${left} not to all` : ''})`
  return `${p50} | ${ms(quantile(reachedAll, 0.99))}`
}

/** Each cluster has ticks of its own phases, so the figure is the mean over many. */
function simulatedP50Ms(nodes: number): number {
  const clusters = Math.max(5, Math.ceil(SIMULATED_CLUSTERS / nodes))
  const p50s = Array.from(
    { length: clusters },
    (_, seed) =>
      measureSpread({ nodes, rules: 'memberlist', latencyMs: 1, lossRate: 0, seed, updates: 60 }).p50Ms,
  )
  return p50s.reduce((sum, value) => sum + value, 0) / clusters
}

async function spreads(nodeCounts: readonly number[], updates: number, goUpdates: number): Promise<void> {
  console.log(
    '\n| one update to all of N | hearsay p50 | p99 | memberlist p50 | p99 | simulated p50 | off by |',
  )
  console.log('|---|---|---|---|---|---|---|')
  for (const nodes of nodeCounts) {
    progress(`spread on ${nodes}: hearsay, ${updates} updates`)
    const ours = await spreadInOneProcess(nodes, updates)
    progress(
      `spread on ${nodes}: memberlist, ${GO_CLUSTERS[nodes] ?? 1} clusters at once, ${goUpdates} updates each`,
    )
    const theirs = await spreadOnGo(nodes, goUpdates)
    progress(`spread on ${nodes}: simulated`)
    const simulated = simulatedP50Ms(nodes)
    const realP50Ms = quantile(
      theirs.filter((value) => value >= 0),
      0.5,
    )
    const offBy = simulated / realP50Ms - 1
    const verdict = `${(100 * offBy).toFixed(0)} %${Math.abs(offBy) > TOLERANCE ? ', TOO MUCH' : ''}`
    console.log(
      `| ${nodes} | ${spreadColumns(ours)} | ${spreadColumns(theirs)} | ${ms(simulated)} | ${verdict} |`,
    )
  }
}

const { values } = parseArgs({
  options: {
    member: { type: 'boolean', default: false },
    only: { type: 'string' },
    nodes: { type: 'string', default: '3,10,50' },
    updates: { type: 'string', default: '40' },
    'go-updates': { type: 'string', default: '20' },
  },
})
if (values.member) await serveParent()
else {
  progress(
    'bursts (about 65 s, memberlist is given up after 60 s; --only burst) and spread (about 2 min; --only spread) on hearsay and memberlist',
  )
  if (values.only !== 'spread') await bursts()
  if (values.only !== 'burst') {
    await spreads(values.nodes.split(',').map(Number), Number(values.updates), Number(values['go-updates']))
  }
}
