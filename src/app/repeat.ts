/** Doing something again and again, without keeping the process alive for it. */

/** Calls `task` again and again. @returns ends it */
export type Repeat = (task: () => Promise<void>, intervalMs: number) => () => void

export function repeatUnheld(task: () => Promise<void>, intervalMs: number): () => void {
  const timer = setInterval(() => void task(), intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}
