/**
 * Streams of a value that changes: as it is, then each other one. What it is, is read when somebody asks; who is slow misses
 * those in between, never the last, and nothing is kept for anybody.
 */
import { Bell } from './bell.ts'
import { ChangeStream } from './change-stream.ts'

export class LatestValues {
  readonly #bell = new Bell()
  #closed = false

  /** Streams that wait for a change. */
  get waiting(): number {
    return this.#bell.waiting
  }

  /** To be called when a value may have changed. */
  changed(): void {
    this.#bell.ring()
  }

  /**
   * @param read the value as it is, compared by identity
   * @param told what the stream says of it
   */
  stream<V, T>(read: () => V, told: (value: V) => T, signal: AbortSignal | undefined): ChangeStream<T> {
    let known: { readonly value: V } | undefined
    const take = (): T | undefined => {
      const value = read()
      if (value === known?.value || this.#closed) return undefined
      known = { value }
      return told(value)
    }
    const wait = async (abort: AbortSignal): Promise<boolean> => {
      if (!this.#closed) await this.#bell.wait(abort)
      return !this.#closed
    }
    return new ChangeStream({ take, wait }, signal)
  }

  /** Ends all streams. */
  close(): void {
    this.#closed = true
    this.#bell.ring()
  }
}
