/**
 * Suspicion: how long to doubt a silent member before declaring it dead.
 *
 * Think of a colleague who misses a meeting. One missing reply proves little, so we wait; each other colleague who
 * also failed to reach them shortens the wait. With nobody agreeing we wait the full maximum, and never less than
 * the minimum.
 *
 * The curve is logarithmic in the number of confirmations, so the first one buys the most. With 3 confirmations
 * wanted, minimum 2 s and maximum 30 s the waits after 0..3 of them are 30, 16, 7.81 and 2 s (memberlist-wire.md 5.3).
 *
 * Pure: the caller supplies the time and keeps the deadline. Not handled here: refutation (member-rules.ts), doubt in
 * ourselves (awareness.ts), whose confirmation counts (member-rules.ts).
 */

export interface SuspicionBounds {
  readonly minMs: number
  readonly maxMs: number
  /** Confirmations that bring the wait down to `minMs`. Zero starts there. */
  readonly confirmationsMax: number
}

export interface SuspicionKnobs {
  readonly suspicionMult: number
  readonly suspicionMaxTimeoutMult: number
  readonly probeIntervalMs: number
}

/** Shortest wait: mult x log10(members), at least mult, probe intervals. The scale is cut to three decimals as Go does. */
export function suspicionMinMs(mult: number, memberCount: number, probeIntervalMs: number): number {
  const scale = Math.max(1, Math.log10(Math.max(1, memberCount)))
  return (mult * Math.floor(scale * 1000) * probeIntervalMs) / 1000
}

/** @param memberCount known members, self and not yet reaped dead ones included */
export function suspicionBounds(knobs: SuspicionKnobs, memberCount: number): SuspicionBounds {
  const minMs = suspicionMinMs(knobs.suspicionMult, memberCount, knobs.probeIntervalMs)
  const wanted = knobs.suspicionMult - 2
  // Fewer possible confirmers (all but self and the accused) than wanted: waiting for them would be pointless.
  const confirmationsMax = memberCount - 2 < wanted ? 0 : Math.max(0, wanted)
  return { minMs, maxMs: minMs * knobs.suspicionMaxTimeoutMult, confirmationsMax }
}

/** Total wait from the first accusation on. Never increases with `confirmations`. */
export function suspicionWaitMs(bounds: SuspicionBounds, confirmations: number): number {
  const { minMs, maxMs, confirmationsMax } = bounds
  if (confirmationsMax < 1) return minMs
  const share = Math.log(confirmations + 1) / Math.log(confirmationsMax + 1)
  return Math.max(minMs, Math.floor(maxMs - (maxMs - minMs) * share))
}

/** One running doubt. */
export class Suspicion {
  readonly #bounds: SuspicionBounds
  readonly #startedAtMs: number
  /** The accuser first: its own repeats never count as confirmation. */
  readonly #voices: Set<string>

  constructor(accuser: string, bounds: SuspicionBounds, startedAtMs: number) {
    this.#bounds = bounds
    this.#startedAtMs = startedAtMs
    this.#voices = new Set([accuser])
  }

  get confirmations(): number {
    return this.#voices.size - 1
  }

  get deadlineMs(): number {
    return this.#startedAtMs + suspicionWaitMs(this.#bounds, this.confirmations)
  }

  /** True when `from` is new information worth passing on; at most `confirmationsMax` are. */
  confirm(from: string): boolean {
    if (this.confirmations >= this.#bounds.confirmationsMax || this.#voices.has(from)) return false
    this.#voices.add(from)
    return true
  }
}
