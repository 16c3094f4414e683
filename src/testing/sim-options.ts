/**
 * Everything that shapes one simulated run, derived from its seed.
 *
 * Swarm style (Groce et al., ISSTA 2012): each seed leaves a random half of the fault kinds out, because a run with
 * every fault at once explores less than many runs with few. The derived options are plain data; a failure prints
 * them, and the seed alone brings them back.
 */
import type { Random } from '../base/random.ts'
import { between, randomStream } from './random-streams.ts'
import { type DiskFaults, soundDisk } from './sim-disk.ts'
import { type LinkFaults, quietLink } from './sim-network.ts'

export const FAULT_KINDS = [
  'loss',
  'delay',
  'duplicate',
  'reorder',
  'mtu',
  'partition',
  'one-way',
  'crash',
  'stall',
  'clock',
  'slow-disk',
  'disk-error',
  /** A member leaves in order and comes back. */
  'leave',
  /** A node is away for a tenth to ten times the grace of tombstones. */
  'absence',
  /** All nodes die at once and boot within seconds. */
  'mass-restart',
  /** A node comes back with an empty disk. */
  'wipe',
  /** A node comes back with an older copy of its disk. */
  'restore',
  /** A node comes back with a copy of another one's disk; both live. */
  'clone',
  /** A disk that lied loses its last batches in a crash. */
  'lost-tail',
  /** Records or a batch in the middle are damaged when a node comes back. */
  'damage',
  /** A wall clock jumps further ahead than the others believe, or far back, until the node is restarted. */
  'wrong-clock',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface GossipTiming {
  readonly gossipIntervalMs: number
  readonly probeIntervalMs: number
  readonly probeTimeoutMs: number
  readonly pushPullIntervalMs: number
  /** Between attempts to reach remembered members that are not alive here. */
  readonly reconnectIntervalMs: number
  readonly streamTimeoutMs: number
}

/** Alerting on the cluster; nothing of it exists while there are no groups. */
export interface NotificationOptions {
  /** Groups of alerts that all nodes flush. */
  readonly groups: number
  /** When the first flush is due, and how long after each the next one of its group. */
  readonly firstMs: number
  readonly gapMs: number
  /** Nodes flush up to this much later than due. */
  readonly skewMaxMs: number
  /** Share of flushes that one of the nodes never undertakes. */
  readonly absentRate: number
  readonly repeatMs: number
  /** What a flush may take. */
  readonly timeoutMs: number
  /** What a send takes. */
  readonly sendMinMs: number
  readonly sendMaxMs: number
  /** Mean time between outages of the receiver; 0 for none. */
  readonly outageGapMs: number
}

export interface SimOptions {
  readonly seed: number
  readonly nodes: number
  /** For each node those it is configured to call. Default all. */
  readonly configuredPeers?: readonly (readonly number[])[]
  readonly faults: readonly FaultKind[]
  /** Length of the first phase: faults on, promises of safety checked throughout. */
  readonly safetyMs: number
  /** What the second phase may take at most: no faults, everything must come together. */
  readonly livenessMaxMs: number
  readonly link: LinkFaults
  readonly disk: DiskFaults
  /** Mean gap between faults of one scheduled kind (partition, crash, ...). */
  readonly faultGapMs: number
  /** Multiplies how long a scheduled fault lasts. */
  readonly faultLengthFactor: number
  /** Wall clocks are off by up to this, either way. */
  readonly clockOffsetMaxMs: number
  /** A wrong clock is off by between `maxClockSkewMs` and this. */
  readonly clockWrongMaxMs: number
  readonly maxClockSkewMs: number
  /** How long tombstones and expired entries are kept. */
  readonly tombstoneGraceMs: number
  /** Sweeps run on whole multiples of this by the wall clock; production's is a minute. */
  readonly sweepIntervalMs: number
  /** How often sessions are timed out and parked entries looked at. */
  readonly upkeepIntervalMs: number
  /** Clocks run fast or slow by up to this share. */
  readonly clockDriftMax: number
  readonly timing: GossipTiming
  /** Bytes of pending broadcasts a node may hold; small in some runs, so that it is reached. */
  readonly queueBytesMax: number
  /** Keys of peers' news that one batch to the disk takes; small in some runs, so that it is reached. */
  readonly dirtyKeysPerBatchMax: number
  readonly opsPerSecond: number
  readonly keys: number
  readonly members: number
  readonly valueBytesMax: number
  /** Share of operations that delete or remove. */
  readonly removeRate: number
  /** Share of puts that expire, and after how long at most. */
  readonly ttlRate: number
  readonly ttlMaxMs: number
  readonly notifications: NotificationOptions
  /** Which of the planned faults strike, by their places in the plan; all when left out. For a shrunk run. */
  readonly keep?: readonly number[]
}

/** Kinds that end a process or worse: each is part of a quarter of all runs instead of half, or nothing else would happen. */
export const RARE_KINDS: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'leave',
  'absence',
  'mass-restart',
  'wipe',
  'restore',
  'clone',
  'lost-tail',
  'damage',
  'wrong-clock',
])

/** Share of runs that are ten times as long and as quiet: there partitions outlast suspicion and reaping of the dead. */
const LONG_RATE = 0.05
const LONG_FACTOR = 10
/** Share of runs with so many keys that states may differ in more than the first sketch can tell. */
const MANY_RATE = 0.1
const MANY = 400
/** Where somebody is away for long, and the grace is longer still, a run is not stretched beyond this. */
const ABSENCE_MS_MAX = 60_000
/** Share of runs with notifications. */
const NOTIFIES_RATE = 0.4
/** No run is as long, and no clock as wrong. */
const NEVER_REPEATED_MS = 86_400_000
/** Production's default; honest clocks differ by less than 9 s here. */
const MAX_CLOCK_SKEW_MS = 10_000

/** Options a caller may fix instead of deriving them. */
export type SimOverrides = Partial<Omit<SimOptions, 'seed'>>

/** @returns the options of `seed`; overriding one leaves the others as the seed gives them */
export function deriveOptions(seed: number, overrides: SimOverrides = {}): SimOptions {
  const faults = overrides.faults ?? deriveFaults(seed)
  const size = randomStream(seed, 'options', 'size')
  const load = randomStream(seed, 'options', 'load')
  const clock = randomStream(seed, 'options', 'clock')
  const skewed = faults.includes('clock')
  const quiet = randomStream(seed, 'options', 'length').next() < LONG_RATE ? LONG_FACTOR : 1
  const lifetimes = deriveLifetimes(randomStream(seed, 'options', 'lifetimes'), faults)
  const safetyMs = Math.round(between(size, 6000, 20_000) * quiet)
  return {
    seed,
    nodes: 3 + size.below(3),
    faults,
    safetyMs: faults.includes('absence')
      ? Math.max(safetyMs, Math.min(6 * lifetimes.tombstoneGraceMs, ABSENCE_MS_MAX))
      : safetyMs,
    livenessMaxMs: 120_000,
    link: deriveLink(randomStream(seed, 'options', 'link'), faults),
    disk: deriveDisk(randomStream(seed, 'options', 'disk'), faults),
    faultGapMs: Math.round(between(randomStream(seed, 'options', 'gap'), 1500, 8000) * quiet),
    faultLengthFactor: quiet,
    clockOffsetMaxMs: skewed ? Math.round(between(clock, 10, 4500)) : 0,
    clockDriftMax: skewed ? between(clock, 0, 0.01) : 0,
    maxClockSkewMs: MAX_CLOCK_SKEW_MS,
    upkeepIntervalMs: 1000,
    ...lifetimes,
    timing: deriveTiming(randomStream(seed, 'options', 'timing')),
    queueBytesMax: load.next() < 0.3 ? 2000 : 8 * 1024 * 1024,
    opsPerSecond: between(load, 2, 30) / quiet,
    keys: load.next() < MANY_RATE ? MANY : 1 + load.below(8),
    members: 1 + load.below(8),
    valueBytesMax: load.next() < 0.8 ? 64 : 3000,
    removeRate: between(load, 0.2, 0.5),
    dirtyKeysPerBatchMax: load.next() < 0.3 ? 2 : 1000,
    ttlRate: load.next() < 0.7 ? between(load, 0.1, 0.6) : 0,
    ttlMaxMs: Math.round(between(load, 500, 8000) * quiet),
    notifications: deriveNotifications(randomStream(seed, 'options', 'notifications'), faults, quiet),
    ...overrides,
  }
}

function deriveFaults(seed: number): FaultKind[] {
  return FAULT_KINDS.filter(
    (kind) => randomStream(seed, 'swarm', kind).next() < (RARE_KINDS.has(kind) ? 0.25 : 0.5),
  )
}

/**
 * Short enough that tombstones are collected during runs. Where wall clocks go wrong the grace outlasts them, as 24 hours
 * outlast any clock that is off by less than a day: else a clock ahead would collect what has not expired.
 */
function deriveLifetimes(
  random: Random,
  faults: readonly FaultKind[],
): Pick<SimOptions, 'tombstoneGraceMs' | 'sweepIntervalMs' | 'clockWrongMaxMs'> {
  const graceMs = between(random, 1500, faults.includes('absence') ? 6000 : 15_000)
  const sweepIntervalMs = 200 * (1 + random.below(10))
  const wrongMs = Math.round(between(random, 1.5, 4) * MAX_CLOCK_SKEW_MS)
  const wrong = faults.includes('wrong-clock')
  return {
    tombstoneGraceMs: Math.round(wrong ? 2 * wrongMs : graceMs),
    sweepIntervalMs,
    clockWrongMaxMs: wrong ? wrongMs : 0,
  }
}

function deriveLink(random: Random, faults: readonly FaultKind[]): LinkFaults {
  const loss = between(random, 0.01, 0.3)
  const delayMs = between(random, 5, 150)
  const duplicate = between(random, 0.01, 0.3)
  const reorder = between(random, 0.05, 0.5)
  const reorderMs = between(random, 10, 800)
  const mtu = 500 + random.below(900)
  const quiet = quietLink()
  return {
    lossRate: faults.includes('loss') ? loss : 0,
    delayMinMs: quiet.delayMinMs,
    delayMaxMs: faults.includes('delay') ? delayMs : quiet.delayMaxMs,
    duplicateRate: faults.includes('duplicate') ? duplicate : 0,
    reorderRate: faults.includes('reorder') ? reorder : 0,
    reorderMaxMs: faults.includes('reorder') ? reorderMs : 0,
    mtuBytes: faults.includes('mtu') ? mtu : quiet.mtuBytes,
  }
}

function deriveDisk(random: Random, faults: readonly FaultKind[]): DiskFaults {
  const sound = soundDisk()
  const meanMs = between(random, 2, 30)
  const stallRate = between(random, 0.01, 0.1)
  const stallMaxMs = between(random, 100, 2000)
  const errorRate = between(random, 0.005, 0.05)
  const slow = faults.includes('slow-disk')
  return {
    writeMeanMs: slow ? meanMs : sound.writeMeanMs,
    stallRate: slow ? stallRate : 0,
    stallMaxMs: slow ? stallMaxMs : 0,
    errorRate: faults.includes('disk-error') ? errorRate : 0,
  }
}

/** Repeats only where clocks are right: else nobody could say which are due. */
function deriveNotifications(
  random: Random,
  faults: readonly FaultKind[],
  quiet: number,
): NotificationOptions {
  const skewed = faults.includes('clock') || faults.includes('wrong-clock')
  const notifies = random.next() < NOTIFIES_RATE
  const gapMs = Math.round(between(random, 3000, 6000) * quiet)
  const repeats = random.next() < 0.5 && !skewed
  const breaks = random.next() < 0.2
  return {
    groups: notifies ? 1 + random.below(4) : 0,
    firstMs: 1500 + random.below(2000),
    gapMs,
    skewMaxMs: random.next() < 0.5 ? 20 : 700,
    absentRate: 0.2,
    repeatMs: repeats ? Math.round(2.5 * gapMs) : NEVER_REPEATED_MS,
    timeoutMs: 60_000,
    sendMinMs: 5,
    sendMaxMs: random.next() < 0.6 ? 300 : 4000,
    outageGapMs: breaks ? 10_000 : 0,
  }
}

/** Alertmanager's timing, with state exchanges and reconnects often enough to matter in a short run. */
function deriveTiming(random: Random): GossipTiming {
  return {
    gossipIntervalMs: 200,
    probeIntervalMs: 1000,
    probeTimeoutMs: 500,
    pushPullIntervalMs: Math.round(between(random, 3000, 15_000)),
    reconnectIntervalMs: Math.round(between(random, 2000, 10_000)),
    streamTimeoutMs: 10_000,
  }
}

/** Whom a node is configured to call, itself perhaps included. */
export function configuredPeersOf({ nodes, configuredPeers }: SimOptions, index: number): readonly number[] {
  return configuredPeers?.[index] ?? Array.from({ length: nodes }, (_, peer) => peer)
}
