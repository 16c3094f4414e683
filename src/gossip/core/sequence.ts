/** Sequence numbers of pings, relayed ones included: 1, 2, 3 and so on, within 32 bits. */
export class Sequence {
  #last = 0

  next(): number {
    this.#last = (this.#last + 1) >>> 0
    return this.#last
  }
}
