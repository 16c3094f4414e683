/**
 * Makes a failing run small: what does not matter for the failure is dropped, piece by piece, until nothing more can go
 * or the time is up (after Zeller's delta debugging; reliability.md 3.2, "Failure replay").
 *
 * It works on the derived options and the recorded fault plan, never on the seed, because another seed is another run.
 * Since each purpose has a random stream of its own, dropping one fault leaves the others where they were. A candidate
 * counts when it fails in the same words, numbers and names aside. A run of 100 ms shrinks in 5 to 20 s, to about a
 * tenth of its events.
 */
import { planFaults } from './fault-plan.ts'
import { deriveOptions, type SimOptions, type SimOverrides } from './sim-options.ts'
import { SimFailure, type SimulateOptions, simulate } from './simulation.ts'

export interface ShrinkLimits {
  readonly budgetMs: number
  readonly monotonicMs: () => number
}

export interface Shrunk {
  /** What to override for the small run. */
  readonly overrides: SimOverrides
  readonly failure: SimFailure
  readonly runs: number
}

const NODES_MIN = 2
const SAFETY_MS_MIN = 500

/** @returns undefined when the seed does not fail at all */
export function shrink(seed: number, how: SimulateOptions, limits: ShrinkLimits): Shrunk | undefined {
  const { onEvent: _, ...quiet } = how
  const first = failureOf(seed, quiet)
  if (first === undefined) return undefined
  const search = new Search(seed, quiet, first, limits)
  // Twice: what could not go at first may go once something else has.
  for (let round = 0; round < 2; round++) {
    search.dropFaults()
    search.dropPlanned()
    search.lower()
  }
  return { overrides: search.overrides, failure: search.failure, runs: search.runs }
}

class Search {
  overrides: SimOverrides
  failure: SimFailure
  runs = 1
  readonly #seed: number
  readonly #how: SimulateOptions
  readonly #kind: string
  readonly #limits: ShrinkLimits
  readonly #deadlineMs: number

  constructor(seed: number, how: SimulateOptions, first: SimFailure, limits: ShrinkLimits) {
    this.#seed = seed
    this.#how = how
    this.#limits = limits
    this.#deadlineMs = limits.monotonicMs() + limits.budgetMs
    this.overrides = how.overrides ?? {}
    this.failure = first
    this.#kind = kindOf(first.violations[0] ?? '')
  }

  dropFaults(): void {
    for (const kind of this.#options().faults) {
      const { keep, ...others } = this.overrides
      // Which planned faults are kept is told by their places, and those shift with the kinds.
      const kept = keep === undefined ? {} : { keep: this.#placesWithout(kind) }
      this.#try({ ...others, ...kept, faults: this.#options().faults.filter((other) => other !== kind) })
    }
  }

  /** Drops planned faults in chunks, halves first. */
  dropPlanned(): void {
    let keep = this.#options().keep ?? planFaults(this.#options()).map((_, place) => place)
    for (let size = Math.ceil(keep.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let start = 0; start < keep.length; ) {
        const fewer = [...keep.slice(0, start), ...keep.slice(start + size)]
        if (this.#try({ ...this.overrides, keep: fewer })) keep = fewer
        else start += size
      }
    }
  }

  lower(): void {
    for (let nodes = NODES_MIN; nodes < this.#options().nodes; nodes++) {
      if (this.#try({ ...this.overrides, nodes })) break
    }
    const safetyMs = (): number => Math.round(this.#options().safetyMs / 2)
    while (safetyMs() >= SAFETY_MS_MIN && this.#try({ ...this.overrides, safetyMs: safetyMs() }));
    const opsPerSecond = (): number => this.#options().opsPerSecond / 2
    while (opsPerSecond() > 0.1 && this.#try({ ...this.overrides, opsPerSecond: opsPerSecond() }));
    this.#lowerNotifications()
    for (const smaller of [{ keys: 1 }, { members: 1 }, { ttlRate: 0 }, { valueBytesMax: 1 }]) {
      this.#try({ ...this.overrides, ...smaller })
    }
  }

  #lowerNotifications(): void {
    for (const fewer of [{ groups: 0 }, { groups: 1 }, { outageGapMs: 0 }, { absentRate: 0 }]) {
      const { notifications } = this.#options()
      this.#try({ ...this.overrides, notifications: { ...notifications, ...fewer } })
    }
  }

  #placesWithout(kind: string): readonly number[] {
    const options = this.#options()
    const plan = planFaults(options)
    const kept = (options.keep ?? plan.map((_, place) => place)).map((place) => plan[place])
    const remaining = plan.filter((fault) => fault.kind !== kind)
    return remaining.flatMap((fault, place) => (kept.includes(fault) ? [place] : []))
  }

  #options(): SimOptions {
    return deriveOptions(this.#seed, this.overrides)
  }

  /** @returns whether it fails alike, and so is taken over */
  #try(overrides: SimOverrides): boolean {
    const before = JSON.stringify(this.#options())
    if (JSON.stringify(deriveOptions(this.#seed, overrides)) === before) return false
    if (this.#limits.monotonicMs() >= this.#deadlineMs) return false
    this.runs++
    const failure = failureOf(this.#seed, { ...this.#how, overrides })
    if (failure === undefined || !failure.violations.some((text) => kindOf(text) === this.#kind)) return false
    this.overrides = overrides
    this.failure = failure
    return true
  }
}

function failureOf(seed: number, how: SimulateOptions): SimFailure | undefined {
  try {
    simulate(seed, how)
    return undefined
  } catch (error) {
    if (error instanceof SimFailure) return error
    throw error
  }
}

/** The words of a violation, without which node, dot and time it was. */
function kindOf(violation: string): string {
  return violation.replace(/[0-9a-f]{32}|\d+(\.\d+)?|\b[mstkevr]\/\S+|\([^)]*\)/g, '#')
}
