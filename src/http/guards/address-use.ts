/** What one client address holds: its connections, and how much of its bodies is in memory. */
export interface AddressUse {
  readonly key: string
  connections: number
  bodyBytes: number
}

/** One entry for each address with a connection, so never more than there may be connections. */
export class AddressUses {
  readonly #uses = new Map<string, AddressUse>()

  /** What this address holds; nobody's where none of its connections is open. */
  of(key: string): AddressUse {
    return this.#uses.get(key) ?? { key, connections: 0, bodyBytes: 0 }
  }

  /** One more connection. */
  add(key: string): AddressUse {
    const use = this.of(key)
    use.connections++
    this.#uses.set(key, use)
    return use
  }

  remove(use: AddressUse): void {
    use.connections--
    if (use.connections === 0) this.#uses.delete(use.key)
  }
}
