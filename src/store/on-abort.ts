/**
 * Hears of an abort, with one listener on the signal however many wait for it.
 *
 * One signal for a thousand watches is ordinary use; a listener each would make Node warn of a leak from the eleventh on.
 */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * @param heard called once when the signal is aborted; not when it has been already
 * @returns how to stop; leaves nothing on the signal after the last one
 */
export function onAbort(signal: AbortSignal | undefined, heard: () => void): () => void {
  if (signal === undefined) return () => undefined
  const own = (): void => heard()
  let all = waiting.get(signal)
  if (all === undefined) {
    all = new Set()
    waiting.set(signal, all)
  }
  if (all.size === 0) signal.addEventListener('abort', tellAll, { once: true })
  all.add(own)
  return () => {
    all.delete(own)
    if (all.size === 0) signal.removeEventListener('abort', tellAll)
  }
}

function tellAll(this: AbortSignal): void {
  const all = [...(waiting.get(this) ?? [])]
  waiting.get(this)?.clear()
  for (const heard of all) heard()
}
