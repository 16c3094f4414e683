/** So many at once, and one more each interval: `rate_limit` of the web config, over all clients together. */
export class TokenBucket {
  readonly #intervalMs: number
  readonly #burst: number
  readonly #nowMs: () => number
  #tokens: number
  #filledAtMs: number

  /** @param nowMs monotonic */
  constructor(intervalMs: number, burst: number, nowMs: () => number) {
    this.#intervalMs = intervalMs
    this.#burst = burst
    this.#nowMs = nowMs
    this.#tokens = burst
    this.#filledAtMs = nowMs()
  }

  /** @returns false when there is none left just now */
  take(): boolean {
    const nowMs = this.#nowMs()
    const gained = (nowMs - this.#filledAtMs) / this.#intervalMs
    this.#tokens = Math.min(this.#burst, this.#tokens + gained)
    this.#filledAtMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
