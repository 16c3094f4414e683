/**
 * One stretch of memory for large bodies, of which pieces are lent and given back.
 *
 * Memory of its own for each body would be garbage as soon as the body has been read, and the collector does not hurry
 * about it: with a body of 20 MiB a second, half a gigabyte lay about (measured; V8 counts such memory as cheap). What
 * is lent comes back by itself.
 *
 * The stretch is made with the first loan and takes memory as it is written. Where to lend: the first gap that is long
 * enough. Not cleared in between: whoever borrows reads only what it has written.
 */
import { assert } from '../../base/assert.ts'

interface Loan {
  readonly from: number
  readonly to: number
}

export class Arena {
  readonly #bytesMax: number
  #memory: Uint8Array | undefined
  /** In rising order. */
  #loans: readonly Loan[] = []

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** @returns undefined when no gap is as long as that */
  borrow(bytes: number): Uint8Array | undefined {
    assert(bytes > 0, 'a loan has a length')
    let from = 0
    let before = 0
    for (; before < this.#loans.length; before++) {
      const next = this.#loans[before]
      if (next === undefined || next.from - from >= bytes) break
      from = next.to
    }
    if (from + bytes > this.#bytesMax) return undefined
    this.#loans = this.#loans.toSpliced(before, 0, { from, to: from + bytes })
    this.#memory ??= new Uint8Array(this.#bytesMax)
    return this.#memory.subarray(from, from + bytes)
  }

  /** Lets the memory go, if nothing of it is lent. */
  tidy(): void {
    if (this.#loans.length === 0) this.#memory = undefined
  }

  /** @param piece as borrowed */
  giveBack(piece: Uint8Array): void {
    const at = this.#loans.findIndex(({ from }) => from === piece.byteOffset)
    assert(at >= 0, 'what is given back was lent')
    this.#loans = this.#loans.toSpliced(at, 1)
  }
}
