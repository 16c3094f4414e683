/**
 * What went wrong in a run and when, as the oracle of notifications counts it (flush-oracle.ts).
 */
export type DisturbanceKind = 'cut' | 'kill' | 'leave' | 'stall' | 'harm' | 'clock'

export interface Disturbance {
  readonly kind: DisturbanceKind
  /** Undefined for what is between nodes. */
  readonly node: number | undefined
  readonly atMs: number
  /** Undefined while it goes on. */
  untilMs: number | undefined
}

export class Disturbances {
  readonly #all: Disturbance[] = []

  begin(kind: DisturbanceKind, atMs: number, node?: number): Disturbance {
    const disturbance: Disturbance = { kind, node, atMs, untilMs: undefined }
    this.#all.push(disturbance)
    return disturbance
  }

  /** Those that were going on at any time from `fromMs` to `toMs`. */
  during(fromMs: number, toMs: number): readonly Disturbance[] {
    return this.#all.filter(({ atMs, untilMs }) => atMs <= toMs && (untilMs ?? toMs) >= fromMs)
  }
}
