/**
 * Which faults strike when: the whole schedule of a run, drawn before it starts, as data that can be printed and cut.
 *
 * Link and disk faults (loss, delay, errors, ...) hold during the whole first phase and are part of the options; this
 * plan holds what begins and ends: partitions, one-way cuts, crashes, stalls, absences, harmed disks, wrong clocks. Each
 * kind draws from a stream of its own. All of them end with the first phase at the latest.
 *
 * Disks are harmed on a minority of nodes only, those with the lowest numbers: when every copy of a removal is destroyed,
 * what was removed may rightly come back, and nothing could be promised.
 */
import { type Random, shuffle } from '../base/random.ts'
import { between, exponential, logUniform, randomStream } from './random-streams.ts'
import type { FaultKind, SimOptions } from './sim-options.ts'

/** How a disk is harmed while its node is down. */
export type DiskHarm = 'wipe' | 'restore' | 'clone' | 'lost-tail' | 'damage'

interface Span {
  readonly atMs: number
  readonly untilMs: number
}

export type PlannedFault = Span &
  /** Nodes of different sides hear nothing from each other. */
  (
    | {
        readonly kind: 'partition'
        readonly side: readonly number[]
      }
    /** What `from` sends to `to` is lost; the other direction works. */
    | {
        readonly kind: 'one-way'
        readonly from: number
        readonly to: number
      }
    /** The process is killed and started again on its disk. */
    | {
        readonly kind: 'crash' | 'absence'
        readonly node: number
      }
    /** The process is stopped; what arrives waits (SIGSTOP, or a blocked event loop). */
    | {
        readonly kind: 'stall'
        readonly node: number
      }
    /** The node says goodbye, ends, and is started again. */
    | {
        readonly kind: 'leave'
        readonly node: number
      }
    /** All are killed; each is started again within this time. */
    | { readonly kind: 'mass-restart' }
    /** The process is killed, its disk harmed, and it is started again. */
    | {
        readonly kind: DiskHarm
        readonly node: number
        /** How much: of the time since the start to go back (restore), of eight batches or records to lose. */
        readonly share: number
        /** Whose disk is copied (clone). */
        readonly from: number
      }
    /** The wall clock is off by `byMs`, until the node is restarted with its usual one. */
    | {
        readonly kind: 'wrong-clock'
        readonly node: number
        readonly byMs: number
      }
  )

const HARMS: readonly DiskHarm[] = ['wipe', 'restore', 'clone', 'lost-tail', 'damage']
/** Mean gap of the rarer kinds, in gaps of the others. */
const RARE = 2.5
const HOUR_MS = 3_600_000

/** @returns the faults in order of time */
export function planFaults(options: SimOptions): readonly PlannedFault[] {
  const planned: PlannedFault[] = []
  if (options.nodes > 1) planned.push(...drawCuts(options))
  planned.push(...drawEnds(options))
  if (options.nodes > 2) planned.push(...HARMS.flatMap((kind) => drawHarms(options, kind)))
  planned.push(...drawClocks(options))
  return planned.sort((a, b) => a.atMs - b.atMs)
}

/** Nodes whose disks may be harmed. */
export function fragileNodes(options: SimOptions): number {
  return Math.floor((options.nodes - 1) / 2)
}

function drawCuts(options: SimOptions): PlannedFault[] {
  const partitions = draw(options, 'partition', 1, (random, span) => {
    const order = shuffle([...Array(options.nodes).keys()], random)
    const side = order.slice(0, 1 + random.below(options.nodes - 1))
    return { kind: 'partition', ...span(500, 12_000), side: side.sort((a, b) => a - b) }
  })
  const oneWay = draw(options, 'one-way', 1, (random, span) => {
    const [from = 0, to = 0] = shuffle([...Array(options.nodes).keys()], random)
    return { kind: 'one-way', ...span(500, 8000), from, to }
  })
  return [...partitions, ...oneWay]
}

function drawEnds(options: SimOptions): PlannedFault[] {
  const { nodes, tombstoneGraceMs, safetyMs } = options
  return [
    ...draw(options, 'crash', 1, (random, span) => ({
      kind: 'crash',
      ...span(10, 6000),
      node: random.below(nodes),
    })),
    ...draw(options, 'stall', 1, (random, span) => ({
      kind: 'stall',
      ...span(100, 3000),
      node: random.below(nodes),
    })),
    ...draw(options, 'leave', RARE, (random, span) => ({
      kind: 'leave',
      ...span(100, 6000),
      node: random.below(nodes),
    })),
    ...draw(options, 'mass-restart', 2 * RARE, (_random, span) => ({
      kind: 'mass-restart',
      ...span(50, 5000),
    })),
    ...draw(options, 'absence', RARE, (random, span) => {
      const { atMs } = span(0, 0)
      const awayMs = logUniform(random, 0.1 * tombstoneGraceMs, 10 * tombstoneGraceMs)
      return { kind: 'absence', atMs, untilMs: Math.min(safetyMs, atMs + awayMs), node: random.below(nodes) }
    }),
  ]
}

function drawHarms(options: SimOptions, kind: DiskHarm): PlannedFault[] {
  const drawn = draw(options, kind, RARE, (random, span) => ({
    kind,
    ...span(10, 4000),
    node: random.below(fragileNodes(options)),
    share: random.next(),
    from: random.below(options.nodes),
  }))
  // A replica gives up its actor once in ten minutes at most (store/shadow-watch.ts): the second clone would stay unnoticed.
  return kind === 'clone' ? drawn.slice(0, 1) : drawn
}

function drawClocks(options: SimOptions): PlannedFault[] {
  return draw(options, 'wrong-clock', RARE, (random, span) => {
    const aheadMs = Math.round(between(random, options.maxClockSkewMs, options.clockWrongMaxMs))
    return {
      kind: 'wrong-clock',
      ...span(500, 8000),
      node: random.below(options.nodes),
      byMs: random.next() < 0.6 ? aheadMs : -HOUR_MS,
    }
  })
}

type DrawSpan = (minMs: number, maxMs: number) => Span

function draw(
  options: SimOptions,
  kind: PlannedFault['kind'] & FaultKind,
  gapFactor: number,
  make: (random: Random, span: DrawSpan) => PlannedFault,
): PlannedFault[] {
  if (!options.faults.includes(kind)) return []
  const { safetyMs, faultLengthFactor } = options
  const gapMs = options.faultGapMs * gapFactor
  const random = randomStream(options.seed, 'faults', kind)
  const drawn: PlannedFault[] = []
  for (let atMs = exponential(random, gapMs); atMs < safetyMs; atMs += exponential(random, gapMs)) {
    const startMs = atMs
    const span: DrawSpan = (minMs, maxMs) => ({
      atMs: startMs,
      untilMs: Math.min(safetyMs, startMs + between(random, minMs, maxMs) * faultLengthFactor),
    })
    drawn.push(make(random, span))
  }
  return drawn
}

/** One line for a person. */
export function describeFault(fault: PlannedFault): string {
  const when = `${(fault.atMs / 1000).toFixed(2)}s..${(fault.untilMs / 1000).toFixed(2)}s ${fault.kind}`
  switch (fault.kind) {
    case 'partition':
      return `${when} of [${fault.side.join(' ')}] from the rest`
    case 'one-way':
      return `${when} n${fault.from} -x-> n${fault.to}`
    case 'mass-restart':
      return when
    case 'wrong-clock':
      return `${when} n${fault.node} by ${(fault.byMs / 1000).toFixed(1)} s`
    case 'clone':
      return `${when} n${fault.node} from n${fault.from}`
    default:
      return `${when} n${fault.node}`
  }
}
