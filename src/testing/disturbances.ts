/**
 * What went wrong in a run and when, as the oracles of notifications count it: each disturbance of a flush may cost a
 * duplicate, and without any there must be none.
 */
export type DisturbanceKind = 'cut' | 'kill' | 'leave' | 'stall' | 'harm' | 'clock'

export interface Disturbance {
  readonly kind: DisturbanceKind
  readonly atMs: number
  /** Undefined while it goes on. */
  untilMs: number | undefined
}

export class Disturbances {
  readonly #all: Disturbance[] = []

  begin(kind: DisturbanceKind, atMs: number): Disturbance {
    const disturbance: Disturbance = { kind, atMs, untilMs: undefined }
    this.#all.push(disturbance)
    return disturbance
  }

  /** Those that were going on at any time from `fromMs` to `toMs`. */
  during(fromMs: number, toMs: number): readonly Disturbance[] {
    return this.#all.filter(({ atMs, untilMs }) => atMs <= toMs && (untilMs ?? toMs) >= fromMs)
  }
}
