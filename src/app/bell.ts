/** Wakes everybody who waits for something to be different; what it is, they look up. Nothing is kept for who is not waiting. */
import { onAbort } from '../store/on-abort.ts'

export class Bell {
  readonly #waiting = new Set<() => void>()

  get waiting(): number {
    return this.#waiting.size
  }

  ring(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves at the next ring. @throws the reason of `signal` once it is aborted */
  wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        stopHearing()
        this.#waiting.delete(wake)
      }
      const wake = (): void => {
        leave()
        resolve()
      }
      const stopHearing = onAbort(signal, () => {
        leave()
        reject(signal.reason)
      })
      this.#waiting.add(wake)
    })
  }
}
