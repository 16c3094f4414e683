/**
 * Waits for this replica to have heard its peers: one look every 200 ms for all that wait, and one whenever the members
 * change. Once it has settled it stays so.
 */
import type { Alarmed, Alarms } from './alarms.ts'

const LOOK_EVERY_MS = 200

export interface Waiting {
  step(nowMs: number): void
}

export class Settling implements Alarmed {
  alarmMs: number | undefined
  readonly #settled: () => boolean
  readonly #alarms: Alarms
  readonly #waiting = new Set<Waiting>()
  #isSettled = false

  constructor(settled: () => boolean, alarms: Alarms) {
    this.#settled = settled
    this.#alarms = alarms
  }

  /** When not, `waiting` steps as soon as it has. */
  isSettled(waiting: Waiting, nowMs: number): boolean {
    this.#isSettled ||= this.#settled()
    if (this.#isSettled) return true
    this.#waiting.add(waiting)
    if (this.alarmMs === undefined) this.#alarms.set(this, nowMs + LOOK_EVERY_MS)
    return false
  }

  forget(waiting: Waiting): void {
    this.#waiting.delete(waiting)
  }

  ring(nowMs: number): void {
    if (this.#waiting.size === 0) return
    this.#isSettled ||= this.#settled()
    if (!this.#isSettled) {
      this.#alarms.set(this, nowMs + LOOK_EVERY_MS)
      return
    }
    this.#alarms.set(this, undefined)
    const all = [...this.#waiting]
    this.#waiting.clear()
    for (const waiting of all) waiting.step(nowMs)
  }
}
