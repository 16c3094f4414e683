/**
 * Log entries that cannot be written: of notifications that were sent from here, or that others have told of.
 *
 * While the disk is full, or the clock is off, the table stands still, and by it alone each flush would find the same
 * notification due: a page every five minutes until somebody makes room. So what could not be written is remembered here,
 * for as long as the table would have, and goes to who asks for the claim, as any entry does: there it is written, and
 * spreads. It ends with the process, and as soon as the table has it or a newer one. At most 10,000, of
 * 16 MiB; the oldest go first.
 */
import type { Clock } from '../base/clock.ts'
import type { ForeignRecord } from '../store/core/delta.ts'

export interface KeptLimits {
  readonly entriesMax: number
  readonly bytesMax: number
}

const LIMITS: KeptLimits = { entriesMax: 10_000, bytesMax: 16 * 1024 * 1024 }

export class KeptEntries {
  readonly #logged: (key: string) => ForeignRecord | undefined
  readonly #clock: Clock
  readonly #limits: KeptLimits
  readonly #kept = new Map<string, ForeignRecord>()
  #bytes = 0

  /** @param logged reads the table */
  constructor(logged: (key: string) => ForeignRecord | undefined, clock: Clock, limits: KeptLimits = LIMITS) {
    this.#logged = logged
    this.#clock = clock
    this.#limits = limits
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
    this.#forget(key)
    return logged
  }

  /** @returns whether it is newer than what is known */
  keep(key: string, record: ForeignRecord): boolean {
    const held = this.get(key)
    if (held !== undefined && held.versionNs >= record.versionNs) return false
    this.#forget(key)
    this.#kept.set(key, record)
    this.#bytes += record.bytes.length
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#limits.entriesMax && this.#bytes <= this.#limits.bytesMax) break
      this.#forget(oldest)
    }
    return true
  }

  #forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes.length ?? 0
    this.#kept.delete(key)
  }
}
