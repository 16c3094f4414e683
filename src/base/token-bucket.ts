/**
 * Pacing: so many a second (bytes sent, requests answered), and some at once after a pause.
 *
 * A bucket fills at a steady rate up to its brim. Sending takes tokens out; what is taken may be more than there is, and
 * then the debt is waited for. So nothing is ever cut in two, and the rate holds over any longer time.
 *
 * Worked numbers, in bytes: 11.2 MB/s with a burst of 22,400 are 16 packets of 1,400 bytes at once, and 8 more each 1 ms.
 */

export interface TokenBucketOptions {
  readonly tokensPerSecond: number
  readonly burstTokens: number
}

export class TokenBucket {
  readonly #tokensPerMs: number
  readonly #burstTokens: number
  #tokens: number
  #filledAtMs = Number.NEGATIVE_INFINITY

  /** Full at first. */
  constructor({ tokensPerSecond, burstTokens }: TokenBucketOptions) {
    this.#tokensPerMs = tokensPerSecond / 1000
    this.#burstTokens = burstTokens
    this.#tokens = burstTokens
  }

  /** Tokens that are there now; negative while there is a debt. `nowMs` never goes back. */
  available(nowMs: number): number {
    const filled = this.#tokens + (nowMs - this.#filledAtMs) * this.#tokensPerMs
    this.#tokens = Math.min(this.#burstTokens, filled)
    this.#filledAtMs = nowMs
    return this.#tokens
  }

  take(nowMs: number, tokens: number): void {
    this.#tokens = this.available(nowMs) - tokens
  }

  /** When `tokens`, at most the burst, will be there. */
  readyAt(nowMs: number, tokens: number): number {
    const missing = Math.min(tokens, this.#burstTokens) - this.available(nowMs)
    return nowMs + Math.max(0, missing) / this.#tokensPerMs
  }
}
