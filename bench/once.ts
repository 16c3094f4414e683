/**
 * How often a notification is sent twice, by what goes wrong in the meantime: the table in docs/reference/notifications.md.
 *
 * Three replicas in the simulator (virtual time, production cores) flush one group within 20 ms of
 * each other; a send takes 200 ms, of which the message has left after 20 and arrived after 120. Each run strikes one flush
 * and looks at that one. All is drawn from the seed, so the same runs give the same table on any machine.
 *
 * Run: `npm run bench -- once [--runs 500] [--only NAME]`.
 */
import { parseArgs } from 'node:util'
import {
  deliveriesOf,
  deriveOptions,
  type FlushAttempt,
  type FlushRecord,
  type LinkFaults,
  type NotificationOptions,
  quietLink,
  SimCluster,
  soundDisk,
} from '../src/testing/index.ts'

const NODES = 3
const STRUCK = 1
/** The flush that is struck is due here, when all members have long known each other. */
const FIRST_MS = 5000
const GAP_MS = 90_000
const SEND_MS = 200
const STRUCK_AT_MS: number = FIRST_MS + STRUCK * GAP_MS

/** @param random in [0, 1), drawn for this run */
type Strike = (cluster: SimCluster, random: () => number) => void

interface Scenario {
  readonly name: string
  readonly what: string
  readonly link?: Partial<LinkFaults>
  /** Prepares what will go wrong. */
  readonly strike?: Strike
}

interface Tally {
  runs: number
  none: number
  twice: number
  more: number
  /** From the first order to that of another replica, where there was one. */
  readonly takeOversMs: number[]
  /** From the moment it was due to the first order to send. */
  readonly delaysMs: number[]
}

/** Acts at a random moment of the send: before it, the claim goes on without this node; after it, the log has it. */
function duringSend(cluster: SimCluster, random: () => number, act: (attempt: FlushAttempt) => void): void {
  let struck = false
  cluster.notifications?.ledger.onMoment((moment, attempt) => {
    if (struck || moment !== 'ordered' || attempt.record.plan.number !== STRUCK) return
    struck = true
    cluster.clock.after(random() * SEND_MS, () => act(attempt))
  })
}

function pause(lastsMs: number): Strike {
  return (cluster, random) =>
    duringSend(cluster, random, ({ node }) => {
      if (cluster.node(node).process === undefined) return
      cluster.stall(node)
      cluster.clock.after(lastsMs, () => cluster.resume(node))
    })
}

/** One node is cut off from the other two; the flush falls into a random moment of it. */
function partition(lastsMs: number): Strike {
  return (cluster, random) => {
    const atMs = STRUCK_AT_MS - random() * lastsMs
    const alone = Math.floor(random() * NODES)
    cluster.clock.at(atMs, () => {
      const heal = cluster.partition([alone])
      cluster.clock.after(lastsMs, heal)
    })
  }
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'none', what: 'nothing' },
  { name: 'loss-5', what: '5 % of packets lost', link: { lossRate: 0.05 } },
  { name: 'loss-30', what: '30 % of packets lost', link: { lossRate: 0.3 } },
  { name: 'pause-5', what: 'sender paused for 5 s at a random moment of its send', strike: pause(5000) },
  { name: 'pause-20', what: 'sender paused for 20 s at a random moment of its send', strike: pause(20_000) },
  { name: 'partition-10', what: 'one cut off for 10 s around the flush', strike: partition(10_000) },
  { name: 'partition-60', what: 'one cut off for 60 s around the flush', strike: partition(60_000) },
  {
    name: 'crash',
    what: 'sender killed at a random moment of its send',
    strike: (cluster, random) =>
      duringSend(cluster, random, ({ node }) => {
        if (cluster.node(node).process !== undefined) cluster.kill(node)
      }),
  },
  {
    name: 'crash-idle',
    what: 'one killed before the flush, its death not known yet',
    strike: (cluster, random) => {
      const node = Math.floor(random() * NODES)
      cluster.clock.at(STRUCK_AT_MS - random() * 5000, () => cluster.kill(node))
    },
  },
]

const STEADY: NotificationOptions = {
  groups: 1,
  firstMs: FIRST_MS,
  gapMs: GAP_MS,
  skewMaxMs: 20,
  absentRate: 0,
  repeatMs: 3_600_000,
  timeoutMs: 60_000,
  sendMinMs: SEND_MS,
  sendMaxMs: SEND_MS,
  outageGapMs: 0,
}

/** Numbers of a run, by mulberry32. */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** @returns the flush that was struck; undefined when the draw of the seed gives one that sends nothing */
function play(scenario: Scenario, seed: number): { record: FlushRecord; takeOverMs: number } | undefined {
  const link = { ...quietLink(), ...scenario.link }
  const options = deriveOptions(seed, {
    nodes: NODES,
    faults: [],
    safetyMs: STRUCK_AT_MS + 1000,
    queueBytesMax: 8 * 1024 * 1024,
    link,
    notifications: STEADY,
  })
  const cluster = new SimCluster({ options })
  const record = cluster.notifications?.ledger.records[STRUCK]
  if (record?.plan.sends !== true) return undefined
  cluster.setFaults(link, soundDisk())
  for (let index = 0; index < NODES; index++) cluster.boot(index)
  cluster.beginFlushes()
  scenario.strike?.(cluster, numbers(seed))
  let takeOverMs = Number.NaN
  cluster.notifications?.ledger.onMoment((moment, attempt, atMs) => {
    const first = record.attempts.flatMap(({ sends }) => sends)[0]
    if (moment === 'ordered' && attempt.record === record && attempt !== first?.attempt)
      takeOverMs = atMs - (first?.orderedAtMs ?? atMs)
  })
  cluster.runUntil(STRUCK_AT_MS + 90_000)
  return { record, takeOverMs }
}

function measure(scenario: Scenario, runs: number): Tally {
  const tally: Tally = { runs: 0, none: 0, twice: 0, more: 0, takeOversMs: [], delaysMs: [] }
  for (let seed = 0; tally.runs < runs; seed++) {
    const played = play(scenario, seed)
    if (played === undefined) continue
    const deliveries = deliveriesOf(played.record)
    tally.runs++
    if (deliveries.length === 0) tally.none++
    if (deliveries.length === 2) tally.twice++
    if (deliveries.length > 2) tally.more++
    if (!Number.isNaN(played.takeOverMs)) tally.takeOversMs.push(played.takeOverMs)
    const orders = played.record.attempts.flatMap(({ sends }) => sends.map(({ orderedAtMs }) => orderedAtMs))
    tally.delaysMs.push(Math.min(...orders) - played.record.plan.atMs)
  }
  return tally
}

function quantile(values: readonly number[], share: number): string {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  if (value === undefined) return ''
  return value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`
}

function percent(count: number, runs: number): string {
  return `${((100 * count) / runs).toFixed(1)} %`
}

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '500' }, only: { type: 'string' } },
})
console.log(
  '| what goes wrong | runs | never sent | twice | more often | first send begins, p50, p99 | another begins after it, p50, p99 |',
)
console.log('|---|---|---|---|---|---|---|')
for (const scenario of SCENARIOS) {
  if (values.only !== undefined && values.only !== scenario.name) continue
  const { runs, none, twice, more, takeOversMs, delaysMs } = measure(scenario, Number(values.runs))
  const rates = [none, twice, more].map((count) => percent(count, runs)).join(' | ')
  const delays = `${quantile(delaysMs, 0.5)}, ${quantile(delaysMs, 0.99)}`
  const seconds =
    takeOversMs.length === 0 ? '' : `${quantile(takeOversMs, 0.5)}, ${quantile(takeOversMs, 0.99)}`
  console.log(`| ${scenario.what} | ${runs} | ${rates} | ${delays} | ${seconds} |`)
}
