/**
 * How one update spreads: when each member has it, what it costs, and how often gossip leaves somebody out.
 *
 * Updates are told one after the other, each by a member chosen at random and at a time of its own, when the one before
 * has left all queues. What "all" means: the time from telling until the last member has it, over the updates that
 * reached all. The others are left to anti-entropy, and are counted.
 *
 * Worked numbers, 1 ms one way, nothing lost, memberlist's rules: p50 102 ms for 3 members, 0.3 s for 10, 1 s for 1,000.
 */
import { assert } from '../base/assert.ts'
import { decodeBatch, isBatch } from '../gossip/core/batch-frame.ts'
import { randomStream } from './random-streams.ts'
import { SpreadCluster, type SpreadOptions } from './spread-cluster.ts'

export interface SpreadPlan extends SpreadOptions {
  /** Told one after the other. */
  readonly updates: number
  /** Virtual time before the first one, in which the members get to know their network by probes. Default 0. */
  readonly warmUpMs?: number
  /** Of one update; default 100. */
  readonly updateBytes?: number
}

export interface SpreadFigures {
  /** Of the time until the last member has it; NaN when no update reached all. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Time until each member has it, over all members but the author, updates that reached all or not. */
  readonly memberP50Ms: number
  readonly memberP99Ms: number
  /** Copies of the update, by datagram or stream, for each update. */
  readonly sendsPerUpdate: number
  /** The same for each member that held it: comparable to the retransmission budget. */
  readonly sendsPerHolder: number
  /** The most that one member sent of one update. */
  readonly sendsMax: number
  /** Updates that some member never got by gossip. */
  readonly left: number
  readonly updates: number
}

const IDLE_CHECK_MS = 20
/** No update is under way this long: it is given up by all in a few seconds. */
const UPDATE_TIME_MAX_MS = 60_000
/** A tick: any moment between two of them is as likely as any other. */
const PAUSE_MAX_MS = 200

interface Running {
  readonly id: number
  readonly toldAtMs: number
  readonly heardAtMs: Float64Array
  readonly sends: Uint16Array
}

/** @throws AssertionError when an update keeps circulating for a minute of virtual time */
export function measureSpread(plan: SpreadPlan): SpreadFigures {
  const { nodes, updates, updateBytes = 100, warmUpMs = 0 } = plan
  const random = randomStream(plan.seed, 'updates')
  let running: Running | undefined
  const each = (payload: Uint8Array, use: (one: Uint8Array, update: Running) => void): void => {
    const payloads = isBatch(payload) ? (decodeBatch(payload) ?? []) : [payload]
    for (const one of payloads) if (running !== undefined && idOf(one) === running.id) use(one, running)
  }
  const cluster = new SpreadCluster(plan, {
    sent: (from, payload) =>
      each(payload, (_, { sends }) => {
        sends[from] = (sends[from] ?? 0) + 1
      }),
    heard: (node, payload) =>
      each(payload, (one, { heardAtMs }) => {
        if (!Number.isNaN(heardAtMs[node])) return
        heardAtMs[node] = cluster.clock.nowMs
        cluster.say(node, one, true)
      }),
  })
  const { clock } = cluster
  clock.runUntil(clock.nowMs + warmUpMs)
  const done: Running[] = []
  for (let id = 1; id <= updates; id++) {
    clock.runUntil(clock.nowMs + random.next() * PAUSE_MAX_MS)
    const author = random.below(nodes)
    const heardAtMs = new Float64Array(nodes).fill(Number.NaN)
    heardAtMs[author] = clock.nowMs
    running = { id, toldAtMs: clock.nowMs, heardAtMs, sends: new Uint16Array(nodes) }
    cluster.say(author, payloadOf(id, updateBytes))
    const deadlineMs = clock.nowMs + UPDATE_TIME_MAX_MS
    do {
      clock.runUntil(clock.nowMs + IDLE_CHECK_MS)
      assert(clock.nowMs < deadlineMs, 'an update leaves all queues within a minute')
    } while (!cluster.isIdle)
    done.push(running)
  }
  return figuresOf(done)
}

function figuresOf(updates: readonly Running[]): SpreadFigures {
  const toAll: number[] = []
  const toEach: number[] = []
  let sends = 0
  let holders = 0
  let sendsMax = 0
  for (const update of updates) {
    const delays = [...update.heardAtMs].map((atMs) => atMs - update.toldAtMs)
    const reached = delays.filter((delayMs) => !Number.isNaN(delayMs))
    if (reached.length === delays.length) toAll.push(Math.max(...reached))
    toEach.push(...reached.filter((delayMs) => delayMs > 0))
    holders += reached.length
    sends += update.sends.reduce((sum, count) => sum + count, 0)
    sendsMax = Math.max(sendsMax, ...update.sends)
  }
  return {
    p50Ms: quantile(toAll, 0.5),
    p99Ms: quantile(toAll, 0.99),
    memberP50Ms: quantile(toEach, 0.5),
    memberP99Ms: quantile(toEach, 0.99),
    sendsPerUpdate: sends / updates.length,
    sendsPerHolder: sends / holders,
    sendsMax,
    left: updates.length - toAll.length,
    updates: updates.length,
  }
}

function quantile(values: number[], share: number): number {
  values.sort((a, b) => a - b)
  return values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN
}

function payloadOf(id: number, length: number): Uint8Array {
  const payload = new Uint8Array(Math.max(4, length)).fill(0x2e)
  new DataView(payload.buffer).setUint32(0, id)
  return payload
}

function idOf(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(0)
}
