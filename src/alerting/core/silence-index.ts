/**
 * Finds the silences that fit an alert without looking at all of them.
 *
 * Each matcher set is one row, filed under one of its matchers: the one that the fewest alerts should meet. A value
 * that has to be equal (`alertname="DiskFull"`, also each of `a|b`) is best, then a beginning (`instance=~"db-17-.*"`),
 * then a label that has to be there at all; rows of which nothing has to be there (`env!="dev"`) are met by every alert.
 * Among equals the file that is shortest so far wins.
 *
 * Measured (`npm run bench -- match`): 10,000 silences by equality or alternation, 1 to 4 us an alert; 10,000 regular
 * expressions that begin alike and so are all to be tested, 2 ms, and for those there is match-cache.ts.
 *
 * It knows nothing of time: who uses it takes out what has ended (silence-book.ts).
 */
import { LabelPostings } from './label-postings.ts'
import { type Requirement, requirementOf } from './requirement.ts'
import type { MatcherSet, Silence } from './silence.ts'

/** One matcher set of a silence. */
export interface SilenceRow {
  readonly silence: Silence
  readonly place: Place
  /** What the place does not assure, cheap ones first. */
  readonly rest: readonly Requirement[]
  /** Whether all fits a label set. */
  fits(labels: Labels): boolean
  isGone: boolean
}

export type Labels = ReadonlyMap<string, string>

type Place =
  | { readonly under: 'values'; readonly name: string; readonly values: readonly string[] }
  | { readonly under: 'prefix'; readonly name: string; readonly prefix: string }
  | { readonly under: 'nothing' }

/** A regular expression costs as much as so many rows with an equality. */
const REGEX_COST = 8
/** Rows added lately, so that who knows an older state can catch up. */
export const RECENT_ROWS_MAX = 4096

class Row implements SilenceRow {
  readonly silence: Silence
  readonly place: Place
  readonly rest: readonly Requirement[]
  isGone = false

  constructor(silence: Silence, place: Place, rest: readonly Requirement[]) {
    this.silence = silence
    this.place = place
    this.rest = rest
  }

  fits(labels: Labels): boolean {
    const { place } = this
    if (place.under === 'values' && !place.values.includes(labels.get(place.name) ?? '')) return false
    return this.fitsRest(labels)
  }

  fitsRest(labels: Labels): boolean {
    for (const { name, test } of this.rest) if (!test(labels.get(name) ?? '')) return false
    return true
  }
}

export class SilenceIndex {
  readonly #rows = new Map<string, readonly Row[]>()
  readonly #labels = new Map<string, LabelPostings<Row>>()
  readonly #anywhere = new Set<Row>()
  #recent: Row[] = []
  #added = 0

  /** Silences held. */
  get size(): number {
    return this.#rows.size
  }

  /** Rows ever added: a state of the index that `addedSince` understands. */
  get added(): number {
    return this.#added
  }

  /** Puts one in, in place of what was held under its id. */
  add(silence: Silence): void {
    this.remove(silence.id)
    const rows = silence.matcherSets.map((set) => this.#file(silence, set)).filter((row) => row !== undefined)
    this.#rows.set(silence.id, rows)
  }

  remove(id: string): void {
    for (const row of this.#rows.get(id) ?? []) {
      row.isGone = true
      this.#unfile(row)
    }
    this.#rows.delete(id)
  }

  /**
   * @param labels empty values count as absent
   * @param tested hears how many rows were looked at
   * @returns the rows that fit; of one silence perhaps several
   */
  matching(labels: Labels, tested?: (rows: number) => void): SilenceRow[] {
    const found: SilenceRow[] = []
    let looked = this.#anywhere.size
    for (const row of this.#anywhere) if (row.fitsRest(labels)) found.push(row)
    for (const [name, value] of labels) {
      if (value === '') continue
      const postings = this.#labels.get(name)
      if (postings === undefined) continue
      for (const rows of postings.lookup(value)) {
        for (const row of rows) {
          looked++
          if (row.fitsRest(labels)) found.push(row)
        }
      }
    }
    tested?.(looked)
    return found
  }

  /** Rows added since the index was at `added`, gone ones among them; undefined when that is too long ago to tell. */
  addedSince(added: number): readonly SilenceRow[] | undefined {
    const count = this.#added - added
    if (count > this.#recent.length) return undefined
    return count === 0 ? [] : this.#recent.slice(-count)
  }

  #file(silence: Silence, set: MatcherSet): Row | undefined {
    const needs: Requirement[] = []
    for (const matcher of set) {
      const need = requirementOf(matcher)
      if (need === undefined) return undefined
      needs.push(need)
    }
    if (needs.length === 0) return undefined
    const { place, filedBy } = this.#choose(needs)
    const rest = needs
      .filter((need) => need !== filedBy)
      .sort((a, b) => Number(a.isCostly) - Number(b.isCostly))
    const row = new Row(silence, place, rest)
    if (place.under === 'nothing') this.#anywhere.add(row)
    else {
      const postings = this.#labels.get(place.name) ?? new LabelPostings<Row>()
      this.#labels.set(place.name, postings)
      if (place.under === 'prefix') postings.addPrefix(place.prefix, row)
      else for (const value of place.values) postings.addValue(value, row)
    }
    this.#added++
    this.#recent.push(row)
    if (this.#recent.length >= 2 * RECENT_ROWS_MAX) this.#recent = this.#recent.slice(-RECENT_ROWS_MAX)
    return row
  }

  /** @returns where it goes, and the requirement that every row found there meets already */
  #choose(needs: readonly Requirement[]): {
    readonly place: Place
    readonly filedBy: Requirement | undefined
  } {
    let best: { place: Place; filedBy: Requirement | undefined } = {
      place: { under: 'nothing' },
      filedBy: undefined,
    }
    let bestCost = Number.POSITIVE_INFINITY
    for (const need of needs) {
      const { name, values, prefix } = need
      if (!need.needsLabel) continue
      const postings = this.#labels.get(name)
      const cost =
        values === undefined
          ? REGEX_COST * (1 + (postings?.prefixSize(prefix) ?? 0))
          : Math.max(0, ...values.map((value) => postings?.valueSize(value) ?? 0))
      if (cost >= bestCost) continue
      bestCost = cost
      best =
        values === undefined
          ? { place: { under: 'prefix', name, prefix }, filedBy: undefined }
          : { place: { under: 'values', name, values }, filedBy: need }
    }
    return best
  }

  #unfile(row: Row): void {
    const { place } = row
    if (place.under === 'nothing') {
      this.#anywhere.delete(row)
      return
    }
    const postings = this.#labels.get(place.name)
    if (place.under === 'prefix') postings?.removePrefix(place.prefix, row)
    else for (const value of place.values) postings?.removeValue(value, row)
    if (postings?.isEmpty === true) this.#labels.delete(place.name)
  }
}
