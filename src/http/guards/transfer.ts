/**
 * Whether a transfer gets on: looked at now and then, it must have moved some kibibytes in any window of some seconds.
 *
 * A single byte every few seconds keeps an ordinary idle timeout from ever firing, and holds a connection and what waits
 * on it for as long as it pleases; so it is a rate that is asked for, not a sign of life.
 */
export class Transfer {
  #sinceMs = -1
  #bytes = 0

  /** Nothing to transfer just now. */
  rest(): void {
    this.#sinceMs = -1
  }

  /**
   * @param bytes moved so far, only ever growing
   * @returns whether less than `bytesMin` moved within `windowMs`, counted from the first look
   */
  isStalled(bytes: number, nowMs: number, windowMs: number, bytesMin: number): boolean {
    if (this.#sinceMs < 0 || bytes - this.#bytes >= bytesMin) {
      this.#sinceMs = nowMs
      this.#bytes = bytes
      return false
    }
    return nowMs - this.#sinceMs >= windowMs
  }
}
