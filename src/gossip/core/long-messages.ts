/**
 * User messages that go by stream because they are long, while they wait for the end of the turn to leave together.
 *
 * A stream carries one message, so a commit of thirty silences of 1 kB each must not dial every peer thirty times. What is
 * taken out here becomes one frame for native members (batch-frame.ts) and few messages for foreign ones
 * (GossipDelegate.coalesce). A message of 1 MB goes alone: only what is small is packed.
 *
 * Bounded in bytes; the oldest go first. A newer message of a key replaces the older one, so no batch has a key twice.
 */
import { BATCH_BYTES_MAX, BATCH_HEADER_BYTES, batchEntryBytes } from './batch-frame.ts'

export class LongMessages {
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

  clear(): void {
    this.#waiting.clear()
    this.#bytes = 0
  }

  /** Takes out the oldest messages that one batch may hold, at least one. */
  take(): Uint8Array[] {
    const taken: Uint8Array[] = []
    let bytes = BATCH_HEADER_BYTES
    for (const [name, payload] of this.#waiting) {
      bytes += batchEntryBytes(payload.length)
      if (taken.length > 0 && bytes > BATCH_BYTES_MAX) break
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
