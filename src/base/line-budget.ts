/**
 * How many lines a log takes of one event: so many a second, then silence until the second is over, and the next line
 * says how many were left out.
 *
 * The first lines tell a person all there is to know, and the metrics count everything. Events come from a closed set in
 * this program, so what is remembered stays small.
 */
const WINDOW_MS = 1000

interface Window {
  startedAtMs: number
  lines: number
}

export class LineBudget {
  readonly #linesMax: number
  readonly #windows = new Map<string, Window>()

  /** @param linesMax of one event in a second */
  constructor(linesMax: number) {
    this.#linesMax = linesMax
  }

  /**
   * @param nowMs monotonic
   * @returns how many lines of this event were left out before this one; undefined: leave this one out too
   */
  take(event: string, nowMs: number): number | undefined {
    const window = this.#windows.get(event) ?? { startedAtMs: nowMs, lines: 0 }
    this.#windows.set(event, window)
    let suppressed = 0
    if (nowMs - window.startedAtMs >= WINDOW_MS) {
      suppressed = Math.max(0, window.lines - this.#linesMax)
      window.startedAtMs = nowMs
      window.lines = 0
    }
    return ++window.lines > this.#linesMax ? undefined : suppressed
  }
}
