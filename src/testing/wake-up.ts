/**
 * The one alarm of a machine in a simulated process: it rings at the earliest time that was asked for since it rang last, by
 * the clock of its node, and when the process has come to it.
 */
import type { NodeClock } from './node-clock.ts'
import type { ProcessGate } from './process-gate.ts'
import type { SimClock } from './sim-clock.ts'

export interface WakeUpDeps {
  readonly clock: SimClock
  readonly nodeClock: NodeClock
  readonly gate: ProcessGate
}

export class WakeUp {
  readonly #deps: WakeUpDeps
  readonly #ring: (nowMs: number) => void
  #atMs: number | undefined

  /** @param ring gets the node's monotonic time */
  constructor(deps: WakeUpDeps, ring: (nowMs: number) => void) {
    this.#deps = deps
    this.#ring = ring
  }

  /** @param dueMs of the node's clock; not undone by a later one. Undefined asks for nothing */
  set(dueMs: number | undefined): void {
    if (dueMs === undefined) return
    const { clock, nodeClock, gate } = this.#deps
    const atMs = Math.max(clock.nowMs, nodeClock.virtualMs(dueMs))
    if (this.#atMs !== undefined && this.#atMs <= atMs) return
    this.#atMs = atMs
    clock.at(atMs, () => {
      if (this.#atMs !== atMs) return
      gate.run(() => {
        this.#atMs = undefined
        this.#ring(nodeClock.monotonicMs())
      })
    })
  }
}
