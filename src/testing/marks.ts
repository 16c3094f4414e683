/**
 * Coverage marks: which rare things really happened in a run, counted by name, so that a suite can fail when none of its
 * seeds reached one (TigerBeetle's "marks"; reliability.md 3.2, "State coverage"). A promise that was never put to the
 * test was not kept.
 */

/** What the seeds of one suite must reach together. */
export const MARKS: readonly string[] = [
  'parked',
  'collected',
  'husks',
  'dead-for-good',
  'excused:harmed',
  'excused:doubled',
  'note:store_new_actor',
  'session:chunk',
  'session:swap',
  'session:summary',
  'sync:exchanges_equal',
  'sync:sessions_equal',
  'sync:sessions_moved_on',
  'sync:sessions_broken',
  'sync:retired',
  'sync:early_repairs',
  'flush:sent',
  'flush:skipped-already-notified',
  'claims:takeovers',
  'claims:failed_open',
  'claims:newer_entries',
  'claims:yielded',
  'claims:claims_lost',
  'claims:leases_expired',
  'claims:log_failures',
  'claims:restarts_seen',
  'claims:retries',
  'fault:damage',
  'fault:wipe',
  'fault:restore',
  'fault:clone',
  'fault:lost-tail',
  'fault:absence',
  'fault:leave',
  'fault:mass-restart',
  'fault:wrong-clock',
]

export class Marks {
  readonly #counts = new Map<string, number>()

  hit(name: string, times = 1): void {
    if (times > 0) this.#counts.set(name, (this.#counts.get(name) ?? 0) + times)
  }

  addAll(counts: Readonly<Record<string, number>>, prefix = ''): void {
    for (const [name, count] of Object.entries(counts)) this.hit(`${prefix}${name}`, count)
  }

  has(name: string): boolean {
    return this.#counts.has(name)
  }

  /** Of `names`, those never hit. */
  missing(names: readonly string[]): readonly string[] {
    return names.filter((name) => !this.#counts.has(name))
  }

  /** By name, sorted. */
  toRecord(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
