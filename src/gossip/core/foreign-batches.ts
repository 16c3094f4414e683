/**
 * Messages for foreign members that wait to leave together by stream.
 *
 * Alertmanagers read one message a connection and hand packets on by a queue of 1,024, so a burst of a thousand silences
 * must neither dial a thousand times nor arrive as a thousand packets at once. What is too long for them to relay waits
 * here until the end of the turn; the delegate then makes few messages of many (GossipDelegate.coalesce), and every
 * foreign member gets each of them. A message of 1 MB still goes alone: only what is small is packed.
 *
 * Bounded in bytes; the oldest go first. A newer message of a key replaces the older one, so no batch has a key twice.
 */

/** Payload bytes that one batch is made of; a single longer payload goes alone. */
export const FOREIGN_BATCH_BYTES_MAX: number = 256 * 1024

export class ForeignBatches {
  readonly #bytesMax: number
  readonly #waiting = new Map<string, Uint8Array>()
  #bytes = 0
  #nextName = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get size(): number {
    return this.#waiting.size
  }

  /** @returns how many messages were dropped for the bound */
  add(key: string | undefined, payload: Uint8Array): number {
    const name = key === undefined ? `${this.#nextName++}` : `=${key}`
    this.#remove(name)
    this.#waiting.set(name, payload)
    this.#bytes += payload.length
    let dropped = 0
    for (const [oldest] of this.#waiting) {
      if (this.#bytes <= this.#bytesMax || oldest === name) break
      this.#remove(oldest)
      dropped++
    }
    return dropped
  }

  forget(key: string): void {
    this.#remove(`=${key}`)
  }

  /** Takes out the oldest messages that one batch may hold, at least one. */
  take(): Uint8Array[] {
    const taken: Uint8Array[] = []
    let bytes = 0
    for (const [name, payload] of this.#waiting) {
      if (taken.length > 0 && bytes + payload.length > FOREIGN_BATCH_BYTES_MAX) break
      bytes += payload.length
      taken.push(payload)
      this.#remove(name)
    }
    return taken
  }

  #remove(name: string): void {
    this.#bytes -= this.#waiting.get(name)?.length ?? 0
    this.#waiting.delete(name)
  }
}
