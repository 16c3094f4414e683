/**
 * What one stream's reader may take in: little without asking, more once it was granted room.
 *
 * The reader knows from a header how long a body will be, and its owner how much there may be of all bodies together. So
 * the reader asks here, stops where it is, and goes on when its owner says so, in memory that the owner may lend.
 */
import type { ByteAccumulator } from './byte-accumulator.ts'

/** Beside the body: what comes with its last chunk, and is not of it. */
const LAST_CHUNK_BYTES: number = 64 * 1024

export class BodyRoom {
  readonly #freeBytes: number
  #grantedBytes: number
  /** Asked for and not granted yet. */
  #wantedBytes = 0
  /** Asked for and granted. */
  #roomBytes = 0
  #memory: Uint8Array | undefined

  /** @param freeBytes taken without asking */
  constructor(freeBytes: number) {
    this.#freeBytes = freeBytes
    this.#grantedBytes = freeBytes
  }

  /** Whether something waits for room. */
  get isAsking(): boolean {
    return this.#wantedBytes > 0
  }

  /** Of the body that waits for room; 0 when none does. */
  get wantedBytes(): number {
    return this.#wantedBytes
  }

  /** All that will be asked for may come: whoever sends it has been found trustworthy. */
  open(): void {
    this.#grantedBytes = Number.POSITIVE_INFINITY
  }

  /** What is asked for. @param memory to use for it, of at least that length where it is given */
  grant(memory: Uint8Array | undefined): void {
    this.#roomBytes = this.#wantedBytes
    this.#grantedBytes = this.#wantedBytes
    this.#wantedBytes = 0
    this.#memory = memory
  }

  /** Whether a body of this size may be taken in now; if not, it is asked for. */
  has(bodyBytes: number): boolean {
    if (bodyBytes <= this.#freeBytes || this.#grantedBytes >= bodyBytes + LAST_CHUNK_BYTES) return true
    this.#wantedBytes = bodyBytes + LAST_CHUNK_BYTES
    return false
  }

  /** Makes `input` hold `bytes` in one piece, if they are a part of what was granted; smaller ones may grow by themselves. */
  use(input: ByteAccumulator, bytes: number): void {
    if (bytes <= this.#freeBytes || this.#roomBytes === 0) return
    const memory = this.#memory
    this.#memory = undefined
    if (memory !== undefined && memory.length >= Math.max(bytes, input.length)) input.moveTo(memory)
    else input.reserve(Math.min(bytes, this.#roomBytes))
  }
}
