/**
 * Pacing: so many bytes a second, and some at once after a pause.
 *
 * A bucket fills at a steady rate up to its brim. Sending takes bytes out; what is taken may be more than there is, and
 * then the debt is waited for. So nothing is ever cut in two, and the rate holds over any longer time.
 *
 * Worked numbers: 11.2 MB/s with 22,400 bytes of burst are 16 packets of 1,400 bytes at once, and 8 more each 1 ms.
 */

export interface TokenBucketOptions {
  readonly bytesPerSecond: number
  readonly burstBytes: number
}

export class TokenBucket {
  readonly #bytesPerMs: number
  readonly #burstBytes: number
  #bytes: number
  #filledAtMs = Number.NEGATIVE_INFINITY

  /** Full at first. */
  constructor({ bytesPerSecond, burstBytes }: TokenBucketOptions) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#burstBytes = burstBytes
    this.#bytes = burstBytes
  }

  /** Bytes that may leave now; negative while there is a debt. `nowMs` never goes back. */
  available(nowMs: number): number {
    const filled = this.#bytes + (nowMs - this.#filledAtMs) * this.#bytesPerMs
    this.#bytes = Math.min(this.#burstBytes, filled)
    this.#filledAtMs = nowMs
    return this.#bytes
  }

  take(nowMs: number, bytes: number): void {
    this.#bytes = this.available(nowMs) - bytes
  }

  /** When `bytes`, at most the burst, will be there. */
  readyAt(nowMs: number, bytes: number): number {
    const missing = Math.min(bytes, this.#burstBytes) - this.available(nowMs)
    return nowMs + Math.max(0, missing) / this.#bytesPerMs
  }
}
