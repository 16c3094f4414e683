/**
 * Log entries that cannot be written: of notifications that were sent from here, or that others have told of.
 *
 * While the disk is full, or the clock is off, the table stands still, and by it alone each flush would find the same
 * notification due: a page every five minutes until somebody makes room. So what could not be written is remembered here,
 * for as long as the table would have, and goes to who asks for the claim, as any entry does: there it is written, and
 * spreads. It ends with the process, and as soon as the table has it or a newer one. At most 10,000; the oldest go first.
 */
import type { Clock } from '../base/clock.ts'
import type { ForeignRecord } from '../store/core/delta.ts'

const KEPT_MAX = 10_000

export class KeptEntries {
  readonly #logged: (key: string) => ForeignRecord | undefined
  readonly #clock: Clock
  readonly #keptMax: number
  readonly #kept = new Map<string, ForeignRecord>()

  /** @param logged reads the table */
  constructor(logged: (key: string) => ForeignRecord | undefined, clock: Clock, keptMax: number = KEPT_MAX) {
    this.#logged = logged
    this.#clock = clock
    this.#keptMax = keptMax
  }

  get size(): number {
    return this.#kept.size
  }

  /** The newer of what is in the table and what is kept. */
  get(key: string): ForeignRecord | undefined {
    return this.newer(key, this.#logged(key))
  }

  /** @param logged what is in the table, as its reader sees it */
  newer(key: string, logged: ForeignRecord | undefined): ForeignRecord | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return logged
    const isNewer = logged === undefined || logged.versionNs < kept.versionNs
    if (isNewer && kept.expiresAtMs > this.#clock.wallMs()) return kept
    this.#kept.delete(key)
    return logged
  }

  /** @returns whether it is newer than what is known */
  keep(key: string, record: ForeignRecord): boolean {
    const held = this.get(key)
    if (held !== undefined && held.versionNs >= record.versionNs) return false
    this.#kept.delete(key)
    this.#kept.set(key, record)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.#keptMax && oldest !== undefined) this.#kept.delete(oldest)
    return true
  }
}
