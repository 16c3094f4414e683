/**
 * A long loop cut into turns of the event loop, so that probes and requests are answered in between: 2,000 items are looked
 * through in 1 to 3 ms. What comes after a turn is the driver's choice: setImmediate, or the simulator's clock.
 */

export const SLICE_ITEMS = 2000

export interface SliceHost {
  readonly schedule: (task: () => void) => void
  /** Once false, nothing of it runs any more. */
  readonly isOpen: () => boolean
}

/** Hands over all items, a slice a turn, then calls `done`; never in the turn of the call. */
export function inSlices<T>(
  host: SliceHost,
  items: Iterator<T>,
  slice: (items: readonly T[]) => void,
  done: () => void,
): void {
  const turn = (): void => {
    if (!host.isOpen()) return
    const some: T[] = []
    let ended = false
    while (some.length < SLICE_ITEMS) {
      const next = items.next()
      if (next.done === true) {
        ended = true
        break
      }
      some.push(next.value)
    }
    slice(some)
    if (!ended) host.schedule(turn)
    else if (host.isOpen()) done()
  }
  host.schedule(turn)
}
