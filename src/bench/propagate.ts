/**
 * How long one update takes to be readable on all three replicas, measured from outside: the clock starts when the
 * write is sent and stops when the last replica has answered a read with it. Reads are polled back to back.
 */
import type { Random } from '../base/random.ts'
import { quantile } from './quantile.ts'
import type { Trio } from './trio.ts'

export interface PropagateResult {
  readonly label: string
  readonly rounds: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const REPLICAS = [0, 1, 2]
const GIVE_UP_MS = 90_000
/** A pause drawn from this range keeps rounds from falling into step with the peers' ticks. */
const PAUSE_MS_MAX = 220

export async function propagate(trio: Trio, rounds: number, random: Random): Promise<PropagateResult> {
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    await new Promise((resolve) => setTimeout(resolve, random.next() * PAUSE_MS_MAX))
    const startMs = performance.now()
    const id = await trio.write(round, round)
    await Promise.all(REPLICAS.map((replica) => until(() => trio.visible(replica, id), startMs + GIVE_UP_MS)))
    samples.push(performance.now() - startMs)
  }
  samples.sort((a, b) => a - b)
  return {
    label: trio.label,
    rounds,
    p50Ms: quantile(samples, 0.5),
    p99Ms: quantile(samples, 0.99),
    maxMs: quantile(samples, 1),
  }
}

async function until(condition: () => Promise<boolean>, deadlineMs: number): Promise<void> {
  while (!(await condition())) {
    if (performance.now() > deadlineMs) return
  }
}
