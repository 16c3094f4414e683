/**
 * Which faults strike when: the whole schedule of a run, drawn before it starts, as data that can be printed and cut.
 *
 * Link and disk faults (loss, delay, errors, ...) hold during the whole first phase and are part of the options; this
 * plan holds what begins and ends: partitions, one-way cuts, crashes, stalls. Each kind draws from a stream of its
 * own. All of them end with the first phase at the latest.
 */
import { shuffle } from '../base/random.ts'
import { between, exponential, randomStream } from './random-streams.ts'
import type { FaultKind, SimOptions } from './sim-options.ts'

export type PlannedFault =
  /** Nodes of different sides hear nothing from each other. */
  | {
      readonly kind: 'partition'
      readonly atMs: number
      readonly untilMs: number
      readonly side: readonly number[]
    }
  /** What `from` sends to `to` is lost; the other direction works. */
  | {
      readonly kind: 'one-way'
      readonly atMs: number
      readonly untilMs: number
      readonly from: number
      readonly to: number
    }
  /** The process is killed and started again on its disk. */
  | { readonly kind: 'crash'; readonly atMs: number; readonly untilMs: number; readonly node: number }
  /** The process is stopped; what arrives waits (SIGSTOP, or a blocked event loop). */
  | { readonly kind: 'stall'; readonly atMs: number; readonly untilMs: number; readonly node: number }

/** @returns the faults in order of time */
export function planFaults(options: SimOptions): readonly PlannedFault[] {
  const planned: PlannedFault[] = []
  if (options.nodes > 1) {
    planned.push(...draw(options, 'partition', 500, 12_000), ...draw(options, 'one-way', 500, 8000))
  }
  planned.push(...draw(options, 'crash', 10, 6000), ...draw(options, 'stall', 100, 3000))
  return planned.sort((a, b) => a.atMs - b.atMs)
}

function draw(
  options: SimOptions,
  kind: PlannedFault['kind'] & FaultKind,
  lengthMinMs: number,
  lengthMaxMs: number,
): PlannedFault[] {
  if (!options.faults.includes(kind)) return []
  const random = randomStream(options.seed, 'faults', kind)
  const drawn: PlannedFault[] = []
  for (let atMs = exponential(random, options.faultGapMs); atMs < options.safetyMs; ) {
    const untilMs = Math.min(
      options.safetyMs,
      atMs + between(random, lengthMinMs, lengthMaxMs) * options.faultLengthFactor,
    )
    const order = shuffle([...Array(options.nodes).keys()], random)
    const [node = 0, other = 0] = order
    if (kind === 'partition') {
      const side = order.slice(0, 1 + random.below(options.nodes - 1))
      drawn.push({ kind, atMs, untilMs, side: side.sort((a, b) => a - b) })
    } else if (kind === 'one-way') drawn.push({ kind, atMs, untilMs, from: node, to: other })
    else drawn.push({ kind, atMs, untilMs, node })
    atMs += exponential(random, options.faultGapMs)
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
    default:
      return `${when} n${fault.node}`
  }
}
