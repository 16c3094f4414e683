/**
 * Remembers which silences fit an alert, where finding out was costly.
 *
 * Alerts are asked about again and again, silences change rarely: after the first time only what was added since has to be
 * tested. Silences that ended or were edited drop out by themselves, and one that is pending is known before it starts.
 * An alert whose answer cost few tests is not remembered; its next one costs as little.
 */
import type { Labels, SilenceIndex, SilenceRow } from './silence-index.ts'

/** An answer is kept when it took at least so many tests. */
export const COSTLY_TESTS = 64
export const KEPT_ANSWERS_MAX = 20_000
/** Rows in all answers together, 8 bytes each. */
export const KEPT_ROWS_MAX = 1_000_000
/** Characters of labels in all answers together, up to 2 bytes each; */
export const KEPT_CHARS_MAX = 16_000_000
/** an alert with more of them is not remembered. */
export const ALERT_CHARS_MAX = 16_000

interface Answer {
  readonly rows: readonly SilenceRow[]
  /** The state of the index that it holds for. */
  readonly added: number
}

export class MatchCache {
  readonly #index: SilenceIndex
  readonly #answers = new Map<string, Answer>()
  #rows = 0
  #chars = 0

  constructor(index: SilenceIndex) {
    this.#index = index
  }

  /** Answers kept. */
  get size(): number {
    return this.#answers.size
  }

  /** See SilenceIndex. */
  matching(labels: Labels): readonly SilenceRow[] {
    const key = this.#answers.size === 0 ? undefined : keyOf(labels)
    const known = key === undefined ? undefined : this.#answers.get(key)
    const since = known === undefined ? undefined : this.#index.addedSince(known.added)
    if (key === undefined || known === undefined || since === undefined) return this.#ask(labels)
    if (since.length === 0 && !known.rows.some(({ isGone }) => isGone)) return known.rows
    const rows = [...known.rows, ...since.filter((row) => row.fits(labels))].filter(({ isGone }) => !isGone)
    this.#keep(key, rows)
    return rows
  }

  #ask(labels: Labels): readonly SilenceRow[] {
    let tests = 0
    const rows = this.#index.matching(labels, (tested) => {
      tests = tested
    })
    if (tests >= COSTLY_TESTS) this.#keep(keyOf(labels), rows)
    return rows
  }

  #keep(key: string, rows: readonly SilenceRow[]): void {
    if (key.length > ALERT_CHARS_MAX) return
    this.#drop(key)
    this.#answers.set(key, { rows, added: this.#index.added })
    this.#rows += rows.length
    this.#chars += key.length
    for (const oldest of this.#answers.keys()) {
      const { size } = this.#answers
      if (size <= KEPT_ANSWERS_MAX && this.#rows <= KEPT_ROWS_MAX && this.#chars <= KEPT_CHARS_MAX) break
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    const answer = this.#answers.get(key)
    if (answer === undefined) return
    this.#rows -= answer.rows.length
    this.#chars -= key.length
    this.#answers.delete(key)
  }
}

/** Lengths keep names and values apart, whatever they hold. The same labels in another order are kept twice. */
function keyOf(labels: Labels): string {
  let key = ''
  for (const [name, value] of labels) key += `${name.length}:${name}${value.length}:${value}`
  return key
}
