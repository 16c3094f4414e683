/**
 * SIGTERM and SIGINT: the first asks to stop in order, the second ends the process at once.
 *
 * A process that was started with an IPC channel (`hearsay dev`) also stops when the channel closes, so that replicas
 * do not outlive a parent that was killed.
 */
import { constants } from 'node:os'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

export type StopReason = (typeof SIGNALS)[number] | 'parent-gone'

/** @returns resolves with the first reason to stop */
export function stopSignal(): Promise<StopReason> {
  return new Promise((resolve) => {
    let stopping = false
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (stopping) process.exit(128 + constants.signals[signal])
        stopping = true
        resolve(signal)
      })
    }
    process.once('disconnect', () => resolve('parent-gone'))
    // Listening must not keep a process alive that failed to start.
    process.channel?.unref()
  })
}
