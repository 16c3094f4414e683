/**
 * What all streams together may hold in memory: requests and replies half read, answers not yet taken by the caller.
 *
 * Each stream has bounds of its own (wire/limits.ts), but 128 callers of 64 MiB each would be 8 GiB, and an answer of
 * 20 MiB costs its caller a few bytes. When the sum exceeds the bound, the stream that holds most is dropped, like the
 * guest with the largest suitcase when the lift is overloaded: small exchanges, which is nearly all, always get through.
 *
 * Numbers: 256 MiB by default, room for a dozen full states of 20 MiB at once. The sum may exceed the bound by what one
 * stream gained in one chunk, for the moment until the drop.
 */

/** One stream's part of the sum. */
export interface StreamCharge {
  /** Sets what the stream holds now; may drop this stream or others at once. */
  hold(bytes: number): void
  /** To be called when the stream has closed; idempotent. */
  release(): void
}

interface Holder {
  readonly drop: () => void
  bytes: number
}

export class StreamMemory {
  readonly #bytesMax: number
  readonly #holders = new Set<Holder>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Held by all streams now. */
  get bytes(): number {
    return this.#bytes
  }

  /** @param drop ends the stream and counts it; called at most once, and never after `release` */
  open(drop: () => void): StreamCharge {
    const holder: Holder = { drop, bytes: 0 }
    this.#holders.add(holder)
    return {
      hold: (bytes) => {
        if (!this.#holders.has(holder)) return
        this.#bytes += bytes - holder.bytes
        holder.bytes = bytes
        while (this.#bytes > this.#bytesMax) this.#dropLargest()
      },
      release: () => this.#release(holder),
    }
  }

  #release(holder: Holder): void {
    if (this.#holders.delete(holder)) this.#bytes -= holder.bytes
  }

  #dropLargest(): void {
    let largest: Holder | undefined
    for (const holder of this.#holders) {
      if (largest === undefined || holder.bytes > largest.bytes) largest = holder
    }
    if (largest === undefined) return
    this.#release(largest)
    largest.drop()
  }
}
