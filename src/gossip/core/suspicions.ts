/**
 * All running doubts, one a member at most, and their timers.
 *
 * A timer already set for a member is kept when a new doubt would only come due later; when it surfaces early it is
 * set again. So a member that flaps a thousand times leaves a few entries in the heap, not thousands.
 */
import { Suspicion, type SuspicionBounds } from './suspicion.ts'
import type { Timers } from './timers.ts'

export class Suspicions {
  readonly #timers: Timers
  readonly #running = new Map<string, Suspicion>()
  /** Earliest heap entry of a member. */
  readonly #scheduledAtMs = new Map<string, number>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  start(name: string, accuser: string, bounds: SuspicionBounds, nowMs: number): void {
    const suspicion = new Suspicion(accuser, bounds, nowMs)
    this.#running.set(name, suspicion)
    this.#schedule(name, suspicion.deadlineMs)
  }

  isRunning(name: string): boolean {
    return this.#running.has(name)
  }

  /** True when the voice is new: worth passing on. A late one may bring the deadline into the past; it fires at once. */
  confirm(name: string, from: string): boolean {
    const suspicion = this.#running.get(name)
    if (suspicion === undefined || !suspicion.confirm(from)) return false
    this.#schedule(name, suspicion.deadlineMs)
    return true
  }

  cancel(name: string): void {
    this.#running.delete(name)
  }

  /**
   * A timer of `name` surfaced. When it was due more than `stallMs` ago we were stalled ourselves, and the refutation
   * may lie unread in the socket: one more `stallMs` is granted.
   * @returns true when the doubt has run out
   */
  expired(name: string, nowMs: number, dueAtMs: number, stallMs: number): boolean {
    this.#scheduledAtMs.delete(name)
    const suspicion = this.#running.get(name)
    if (suspicion === undefined) return false
    const stalled = nowMs - dueAtMs > stallMs
    if (stalled || suspicion.deadlineMs > nowMs) {
      this.#schedule(name, Math.max(suspicion.deadlineMs, stalled ? nowMs + stallMs : 0))
      return false
    }
    this.#running.delete(name)
    return true
  }

  #schedule(name: string, atMs: number): void {
    const already = this.#scheduledAtMs.get(name)
    if (already !== undefined && already <= atMs) return
    this.#scheduledAtMs.set(name, atMs)
    this.#timers.schedule(atMs, { kind: 'suspicion', name })
  }
}
