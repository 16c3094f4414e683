/** Stops waiting for a promise when a signal is aborted. What it stands for goes on by itself; only the waiting ends. */
import { onAbort } from '../store/on-abort.ts'

/** @throws the signal's reason, as soon as it is aborted; else what the promise rejects with */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  let stopHearing = (): void => undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    stopHearing = onAbort(signal, () => reject(signal.reason))
    if (signal.aborted) reject(signal.reason)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    stopHearing()
  }
}
