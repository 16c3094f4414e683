/**
 * The rows that wait for one label: under each value that will do, and under each beginning.
 *
 * A value is looked up once as a whole and once for each length of beginning there is; the beginning of length 0 belongs
 * to rows that only need the label.
 */

export class LabelPostings<Row> {
  readonly #byValue = new Map<string, Set<Row>>()
  readonly #byPrefix = new Map<string, Set<Row>>()
  /** How many beginnings of each length there are. */
  readonly #lengths = new Map<number, number>()

  get isEmpty(): boolean {
    return this.#byValue.size + this.#byPrefix.size === 0
  }

  /** Rows that a lookup of this value meets for its sake. */
  valueSize(value: string): number {
    return this.#byValue.get(value)?.size ?? 0
  }

  prefixSize(prefix: string): number {
    return this.#byPrefix.get(prefix)?.size ?? 0
  }

  addValue(value: string, row: Row): void {
    add(this.#byValue, value, row)
  }

  addPrefix(prefix: string, row: Row): void {
    if (add(this.#byPrefix, prefix, row)) {
      this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1)
    }
  }

  removeValue(value: string, row: Row): void {
    remove(this.#byValue, value, row)
  }

  removePrefix(prefix: string, row: Row): void {
    if (!remove(this.#byPrefix, prefix, row)) return
    const left = (this.#lengths.get(prefix.length) ?? 0) - 1
    if (left > 0) this.#lengths.set(prefix.length, left)
    else this.#lengths.delete(prefix.length)
  }

  /** Rows that may want this value; those by a beginning still have to be tested with it. */
  *lookup(value: string): Generator<Iterable<Row>> {
    const exact = this.#byValue.get(value)
    if (exact !== undefined) yield exact
    for (const length of this.#lengths.keys()) {
      const rows = length <= value.length ? this.#byPrefix.get(value.slice(0, length)) : undefined
      if (rows !== undefined) yield rows
    }
  }
}

/** @returns whether the key is new */
function add<Row>(postings: Map<string, Set<Row>>, key: string, row: Row): boolean {
  const rows = postings.get(key)
  if (rows === undefined) postings.set(key, new Set([row]))
  else rows.add(row)
  return rows === undefined
}

/** @returns whether the key is gone */
function remove<Row>(postings: Map<string, Set<Row>>, key: string, row: Row): boolean {
  const rows = postings.get(key)
  rows?.delete(row)
  return rows?.size === 0 && postings.delete(key)
}
