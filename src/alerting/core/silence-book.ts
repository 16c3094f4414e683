/**
 * All the silences of a replica as readers need them: by id, counted by state, and found by an alert's labels.
 *
 * Time moves them from pending to active to expired, and no write tells of it. So each has its next turn in a heap, and
 * whoever reads first lets all the turns pass that are due: a scrape of a quiet replica looks at none of 100,000 silences,
 * and what has ended is not among those that an alert is compared with. When the clock is set back, all are sorted anew.
 *
 * Times are compared in whole milliseconds of the clock; silences' own are nanoseconds and stay exact: at exactly its end
 * a silence is active, at the next millisecond expired.
 */
import { Heap } from '../../base/heap.ts'
import { MatchCache } from './match-cache.ts'
import { nanosFromMs, nanosToMsCeil } from './nanos.ts'
import { type Silence, type SilenceState, silenceState } from './silence.ts'
import { type Labels, SilenceIndex } from './silence-index.ts'

interface Page {
  readonly silence: Silence
  /** Undefined: not sorted yet, or gone. */
  state: SilenceState | undefined
}

/** Turns of silences that were replaced meanwhile and are not worth cleaning up. */
const LITTER_MIN = 1024

export class SilenceBook {
  readonly #pages = new Map<string, Page>()
  readonly #index = new SilenceIndex()
  readonly #cache = new MatchCache(this.#index)
  readonly #counts: Record<SilenceState, number> = { active: 0, pending: 0, expired: 0 }
  #turns = new Heap<Page>()
  #nowMs: number

  constructor(nowMs: number) {
    this.#nowMs = Math.floor(nowMs)
  }

  get size(): number {
    return this.#pages.size
  }

  get(id: string): Silence | undefined {
    return this.#pages.get(id)?.silence
  }

  /** In no particular order; do not write while iterating. */
  *all(): Generator<Silence> {
    for (const { silence } of this.#pages.values()) yield silence
  }

  put(silence: Silence): void {
    this.remove(silence.id)
    const page: Page = { silence, state: undefined }
    this.#pages.set(silence.id, page)
    this.#sort(page)
    const { active, pending } = this.#counts
    if (this.#turns.size > LITTER_MIN && this.#turns.size > 2 * (active + pending)) this.#sweepTurns()
  }

  remove(id: string): void {
    const page = this.#pages.get(id)
    if (page === undefined) return
    this.#pages.delete(id)
    if (page.state !== undefined) this.#counts[page.state]--
    page.state = undefined
    this.#index.remove(id)
  }

  counts(nowMs: number): Readonly<Record<SilenceState, number>> {
    this.#advance(nowMs)
    return { ...this.#counts }
  }

  /** Active silences that mute an alert with these labels, by id. @param labels empty values count as absent */
  matching(labels: Labels, nowMs: number): string[] {
    this.#advance(nowMs)
    const nowNs = nanosFromMs(this.#nowMs)
    const ids = new Set<string>()
    for (const { silence } of this.#cache.matching(labels)) {
      if (silenceState(silence, nowNs) === 'active') ids.add(silence.id)
    }
    return [...ids].sort((a, b) => (a < b ? -1 : 1))
  }

  #advance(nowMs: number): void {
    const ms = Math.floor(nowMs)
    if (ms < this.#nowMs) {
      this.#nowMs = ms
      this.#turns = new Heap()
      for (const page of this.#pages.values()) this.#sort(page)
      return
    }
    this.#nowMs = ms
    for (let at = this.#turns.peekAt(); at !== undefined && at <= ms; at = this.#turns.peekAt()) {
      const page = this.#turns.pop()?.value
      if (page?.state !== undefined) this.#sort(page)
    }
  }

  /** Counts and files it by its state now, and notes when to look again. */
  #sort(page: Page): void {
    const { silence, state: before } = page
    const state = silenceState(silence, nanosFromMs(this.#nowMs))
    page.state = state
    if (before !== undefined) this.#counts[before]--
    this.#counts[state]++
    if (state === 'expired') {
      if (before !== undefined) this.#index.remove(silence.id)
      return
    }
    if (before === undefined || before === 'expired') this.#index.add(silence)
    const turnNs = state === 'pending' ? silence.startsAtNs : silence.endsAtNs + 1n
    this.#turns.push(nanosToMsCeil(turnNs), page)
  }

  #sweepTurns(): void {
    this.#turns = new Heap()
    for (const page of this.#pages.values()) {
      const { silence, state } = page
      if (state === 'expired') continue
      this.#turns.push(nanosToMsCeil(state === 'pending' ? silence.startsAtNs : silence.endsAtNs + 1n), page)
    }
  }
}
