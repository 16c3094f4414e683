/**
 * What merging has brought, and how long it was on its way: the delay from the stamp that a write got at its writer to
 * its merge here, with the sync to the writer's disk in between.
 *
 * A stamp is the writer's wall clock, so the delay would be off by what its clock is off. Hearsay members tell their
 * clocks in probe acks and their actors in their node meta: where both are known, the difference is taken out. Records
 * (silences, notifications) do not say who wrote them, so they are measured as they are and counted apart. Clocks have whole
 * milliseconds, and a delay below zero counts as none.
 *
 * One way is news as it spreads (`gossip`), the other what anti-entropy found missing (`sync`), hours old perhaps. What
 * foreign peers tell is counted and not timed: their stamps are old whenever they repeat themselves.
 */
import type { Clock } from '../base/clock.ts'
import { Histogram } from '../base/histogram.ts'
import { Tally } from '../base/tally.ts'
import type { Member } from '../gossip/core/delegate.ts'
import { nativeActor } from '../gossip/core/native-meta.ts'
import type { AnySample } from '../http/metrics/registry.ts'
import type { Delta } from '../store/core/delta.ts'
import type { MergeWay } from '../store/core/merge-way.ts'

/** Seconds; fine where news travels (a few ms), coarse where it was missed. */
const DELAY_BOUNDS: readonly number[] = [
  0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600,
]
/** For so long offsets are taken for what they were: they are told about once a second. */
const OFFSETS_MS = 1000
const NS_PER_MS = 1_000_000n
const TIMED_WAYS = ['gossip', 'sync'] as const
const SILENCE_TABLE = 'sil'
const NOTIFICATION_TABLE = 'nfl'

export interface MergeCountsDeps {
  readonly clock: Clock
  readonly members: () => readonly Member[]
  /** Wall clocks of live hearsay members minus ours, by name. */
  readonly offsetsMs: () => ReadonlyMap<string, number>
}

export class MergeCounts {
  readonly #deps: MergeCountsDeps
  readonly #merges = new Tally()
  readonly #changes = new Tally()
  readonly #delays = {
    gossip: { entry: new Histogram(DELAY_BOUNDS), record: new Histogram(DELAY_BOUNDS) },
    sync: { entry: new Histogram(DELAY_BOUNDS), record: new Histogram(DELAY_BOUNDS) },
  }
  readonly #propagated = { [SILENCE_TABLE]: 0, [NOTIFICATION_TABLE]: 0 }
  /** By actor. */
  #offsetsMs: ReadonlyMap<string, number> = new Map()
  #offsetsAtMs = Number.NEGATIVE_INFINITY

  constructor(deps: MergeCountsDeps) {
    this.#deps = deps
  }

  /** @param news what of a delta was new here; nothing, when all of it was known */
  merged(news: Delta, way: MergeWay): void {
    const { puts, adds, covered, records } = news
    const changes = puts.length + adds.length + covered.length + records.length
    this.#merges.add(`${way} ${changes === 0 ? 'known' : 'news'}`)
    if (changes === 0) return
    this.#changes.add(way, changes)
    for (const { table } of records) {
      if (table === SILENCE_TABLE || table === NOTIFICATION_TABLE) this.#propagated[table]++
    }
    if (way === 'foreign' || puts.length + records.length === 0) return
    const { entry, record: ofRecords } = this.#delays[way]
    const nowMs = this.#deps.clock.wallMs()
    const offsetsMs = this.#offsets()
    for (const { entry: put } of puts) {
      const { ms, actor } = put.stamp
      entry.observe(Math.max(0, nowMs - ms + (offsetsMs.get(actor) ?? 0)) / 1000)
    }
    for (const { record } of records) {
      ofRecords.observe(Math.max(0, nowMs - Number(record.versionNs / NS_PER_MS)) / 1000)
    }
  }

  *samples(): Iterable<AnySample> {
    for (const way of ['gossip', 'sync', 'foreign']) {
      for (const result of ['news', 'known']) {
        const value = this.#merges.count(`${way} ${result}`)
        yield { name: 'hearsay_merges_total', value, labels: { way, result } }
      }
      yield { name: 'hearsay_merge_changes_total', value: this.#changes.count(way), labels: { way } }
    }
    for (const way of TIMED_WAYS) {
      for (const [what, histogram] of Object.entries(this.#delays[way])) {
        yield { name: 'hearsay_propagation_seconds', histogram, labels: { way, what } }
      }
    }
    const { [SILENCE_TABLE]: silences, [NOTIFICATION_TABLE]: entries } = this.#propagated
    yield { name: 'alertmanager_silences_gossip_messages_propagated_total', value: silences }
    yield { name: 'alertmanager_nflog_gossip_messages_propagated_total', value: entries }
  }

  #offsets(): ReadonlyMap<string, number> {
    const { clock, members, offsetsMs } = this.#deps
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#offsetsAtMs < OFFSETS_MS) return this.#offsetsMs
    this.#offsetsAtMs = nowMs
    const byName = offsetsMs()
    const byActor = new Map<string, number>()
    for (const { name, meta } of members()) {
      const [actor, offsetMs] = [nativeActor(meta), byName.get(name)]
      if (actor !== undefined && offsetMs !== undefined) byActor.set(actor, offsetMs)
    }
    this.#offsetsMs = byActor
    return byActor
  }
}
