/**
 * A stream of changes as an async iterator, for `for await`. It pulls: nothing is fetched, decoded or held for an iterator
 * that nobody asks, so one that is left lying costs nothing.
 *
 * Three ways out, each clean: leaving the loop (`return`), which also ends a `next` that still waits; the caller's signal,
 * with whose reason the waiting `next` rejects; and the end of the source. After any of them it is done for good, and
 * has left no listener anywhere.
 */
import { onAbort } from '../store/on-abort.ts'

export interface ChangeSource<T> {
  /** What is there already; undefined when there is nothing yet. */
  take(): T | undefined
  /** Resolves when there may be something to take; false: never again. Rejects with the signal's reason. */
  wait(signal: AbortSignal): Promise<boolean>
}

const DONE = { done: true, value: undefined } as const

export class ChangeStream<T> implements AsyncIterableIterator<T, undefined> {
  readonly #source: ChangeSource<T>
  readonly #signal: AbortSignal | undefined
  /** Calls of `next` are answered one after another. */
  #last: Promise<unknown> = Promise.resolve()
  #waiting: AbortController | undefined
  #over = false

  constructor(source: ChangeSource<T>, signal?: AbortSignal) {
    this.#source = source
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const answer = this.#last.then(() => this.#next())
    this.#last = answer.catch(() => undefined)
    return answer
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#over = true
    this.#waiting?.abort()
    return Promise.resolve(DONE)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.return().then(() => undefined)
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    try {
      while (!this.#over) {
        this.#signal?.throwIfAborted()
        const value = this.#source.take()
        if (value !== undefined) return { done: false, value }
        if (!(await this.#wait())) this.#over = true
      }
      return DONE
    } catch (error) {
      if (this.#over) return DONE
      this.#over = true
      throw error
    }
  }

  async #wait(): Promise<boolean> {
    const controller = new AbortController()
    const stopHearing = onAbort(this.#signal, () => controller.abort(this.#signal?.reason))
    this.#waiting = controller
    try {
      return await this.#source.wait(controller.signal)
    } finally {
      this.#waiting = undefined
      stopHearing()
    }
  }
}
