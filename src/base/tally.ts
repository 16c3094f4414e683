/** Counts by name, for metrics. A name appears once it was counted; names come from closed sets, never from a peer. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by)
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  toRecord(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }
}
