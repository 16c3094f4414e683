/**
 * Keeps copies of many small byte strings in few buffers, as Node's own pool of small Buffers does.
 *
 * A buffer of its own costs a value of 100 bytes about 250 more, and the garbage collector a look at each of a million;
 * a view into a shared one costs 100. The price: a slab stays in memory until its last value is gone. So this is for
 * values that arrive together and are held alike, as when a store is opened: whatever is overwritten later, all slabs
 * together never hold more than what was loaded then. A stream of changes would mix the long-lived with the
 * short-lived, where one value could hold 8 KiB: those are copied one by one. It is as good for what is short-lived as a
 * whole: the records of a batch on their way to the disk take a tenth of a microsecond each here, and a buffer of its own
 * takes almost one.
 */

/** Also the most that one value keeps alive. */
const SLAB_BYTES = 8192
/** Longer ones are copied apart, so that at most a quarter of a slab is left empty. */
const SHARED_BYTES_MAX = 2048

export class ByteSlab {
  #slab = new Uint8Array(0)
  #used = 0

  copy(bytes: Uint8Array): Uint8Array {
    const copy = this.take(bytes.length)
    copy.set(bytes)
    return copy
  }

  /** Zeros, for the caller to fill. */
  take(length: number): Uint8Array {
    if (length > SHARED_BYTES_MAX) return new Uint8Array(length)
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES)
      this.#used = 0
    }
    const bytes = new Uint8Array(this.#slab.buffer, this.#used, length)
    this.#used += length
    return bytes
  }
}
