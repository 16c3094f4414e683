/**
 * Bytes of a stream that arrived and are not consumed yet, in one piece.
 *
 * Grows by doubling with what really arrives, and gives the space of consumed bytes back by moving the rest to the
 * front. An announced length counts only once somebody answers for it: then it goes on in memory of that size (`moveTo`,
 * `reserve`), where doubling would hold half as much again while it copies. The owner bounds how much is pushed.
 */
/** Less is copied: so only what is very large has to be looked at before its memory is used again. */
const VIEW_BYTES_MIN = 1024 * 1024

export class ByteAccumulator {
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0
  #end = 0

  /** Valid between `start` and `end`, until the next `push` or `replace`. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  get length(): number {
    return this.#end - this.#start
  }

  /** Bytes of memory held, used or not. */
  get capacity(): number {
    return this.#bytes.length
  }

  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length)
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** Moving is paid for by the bytes consumed since the last move, so a stream costs linear time in all. */
  #makeRoom(extra: number): void {
    const needed = this.length + extra
    const fits = needed <= this.#bytes.length && this.#start >= this.length
    if (!fits) {
      this.#move(Math.max(needed, this.#bytes.length * 2))
      return
    }
    this.#moveToFront()
  }

  #moveToFront(): void {
    this.#bytes.copyWithin(0, this.#start, this.#end)
    this.#end -= this.#start
    this.#start = 0
  }

  /** Makes room for `bytes` in all, what it holds included, in one piece. */
  reserve(bytes: number): void {
    if (bytes > this.#bytes.length) this.#move(bytes)
    else if (this.#start + bytes > this.#bytes.length) this.#moveToFront()
  }

  /** Goes on in this memory, which must be long enough for what it holds. */
  moveTo(memory: Uint8Array): void {
    memory.set(this.#bytes.subarray(this.#start, this.#end))
    this.#bytes = memory
    this.#end -= this.#start
    this.#start = 0
  }

  #move(capacity: number): void {
    this.moveTo(new Uint8Array(capacity))
  }

  consume(length: number): void {
    this.#start += length
  }

  /** The first `length` bytes: as a view from 1 MiB on where that is most of the memory held, else as a copy. */
  take(length: number): Uint8Array {
    const from = this.#start
    this.consume(length)
    const isMost = length > VIEW_BYTES_MIN && length * 2 > this.#bytes.length
    return isMost ? this.#bytes.subarray(from, from + length) : this.#bytes.slice(from, from + length)
  }

  /** Goes on with these bytes instead of what was held. */
  replace(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#start = 0
    this.#end = bytes.length
  }
}
