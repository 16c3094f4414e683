/**
 * How often a line of a log is worth repeating: once a period for each name, and the next line says how many were left out.
 *
 * For what goes on as long as nobody does anything about it, such as a limit that is reached: one line a minute tells a
 * person all there is to know, and the metrics count everything. Names come from a closed set in this program.
 */
export class LineRation {
  readonly #periodMs: number
  readonly #last = new Map<string, { atMs: number; leftOut: number }>()

  constructor(periodMs: number) {
    this.#periodMs = periodMs
  }

  /**
   * @param nowMs monotonic
   * @returns how many lines of this name were left out since the last one; undefined: leave this one out too
   */
  take(name: string, nowMs: number): number | undefined {
    const last = this.#last.get(name)
    if (last !== undefined && nowMs - last.atMs < this.#periodMs) {
      last.leftOut++
      return undefined
    }
    this.#last.set(name, { atMs: nowMs, leftOut: 0 })
    return last?.leftOut ?? 0
  }
}
