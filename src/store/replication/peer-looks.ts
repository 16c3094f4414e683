/**
 * What each peer was last seen to hold, against what is here: the same, or something else, and since when.
 *
 * A look is the ack of a probe or the end of an exchange, so a member of a small cluster is looked at every second or two.
 * Something is always on its way where writes never stop, and then looks may differ although nothing is wrong; in a quiet
 * cluster a difference that lasts is one.
 *
 * Two numbers a peer; forgotten with it.
 */

export interface PeerLook {
  readonly same: boolean
  /** Monotonic; when the first of the looks that said so without a break was. */
  readonly sinceMs: number
}

export class PeerLooks {
  readonly #looks = new Map<string, PeerLook>()

  /** @param nowMs monotonic */
  saw(peer: string, same: boolean, nowMs: number): void {
    if (this.#looks.get(peer)?.same !== same) this.#looks.set(peer, { same, sinceMs: nowMs })
  }

  /** @returns undefined when it was not looked at */
  last(peer: string): PeerLook | undefined {
    return this.#looks.get(peer)
  }

  forget(peer: string): void {
    this.#looks.delete(peer)
  }
}
