/** A map of maps: values under (table, key). Empty tables go away. Nothing here is ordered. */
export class Tables<V> {
  readonly #tables = new Map<string, Map<string, V>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(table: string, key: string): V | undefined {
    return this.#tables.get(table)?.get(key)
  }

  set(table: string, key: string, value: V): void {
    let rows = this.#tables.get(table)
    if (rows === undefined) {
      rows = new Map()
      this.#tables.set(table, rows)
    }
    if (!rows.has(key)) this.#size++
    rows.set(key, value)
  }

  delete(table: string, key: string): void {
    const rows = this.#tables.get(table)
    if (rows?.delete(key) !== true) return
    this.#size--
    if (rows.size === 0) this.#tables.delete(table)
  }

  rows(table: string): Iterable<[string, V]> {
    return this.#tables.get(table) ?? []
  }

  *entries(): Generator<readonly [table: string, key: string, value: V]> {
    for (const [table, rows] of this.#tables) for (const [key, value] of rows) yield [table, key, value]
  }
}
