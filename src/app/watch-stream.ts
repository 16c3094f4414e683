/** The watch log as a stream of changes: one change is taken at a time, so that none is held for a reader that is slow. */
import type { Change } from '../store/core/watch-log.ts'
import type { Watches, WatchFilter } from '../store/watches.ts'
import { ChangeStream } from './change-stream.ts'

/** What `watch` takes. */
export interface WatchOptions {
  /** Only keys, or members, that start so. */
  readonly prefix?: string
  /** A cursor of an earlier change: goes on after it. Default: from now on. */
  readonly after?: string
  /** Ends the iteration: it throws the signal's reason. */
  readonly signal?: AbortSignal
}

/** Changes were missed: read what is followed anew, then go on; nothing from here on is missed. */
export interface Gap {
  readonly type: 'gap'
  readonly cursor: string
}

/**
 * @param told what a change is for this reader; undefined leaves it out
 * @throws HearsayError `WATCH_CURSOR_MALFORMED`
 */
export function watchStream<T>(
  watches: Watches,
  of: Pick<WatchFilter, 'map' | 'set'>,
  { prefix, after, signal }: WatchOptions,
  told: (change: Change, cursor: string) => T | undefined,
): ChangeStream<T | Gap> {
  const filter: WatchFilter = prefix === undefined ? of : { ...of, prefix }
  let position = after === undefined ? watches.end : watches.positionOf(after)
  const take = (): T | Gap | undefined => {
    for (;;) {
      const page = watches.read(position, filter, 1)
      position = page.position
      if (page.type === 'gap') return { type: 'gap', cursor: watches.cursorOf(position) }
      const [logged] = page.changes
      if (logged === undefined) return undefined
      const change = told(logged.change, watches.cursorOf(position))
      if (change !== undefined) return change
    }
  }
  const wait = async (abort: AbortSignal): Promise<boolean> =>
    (await watches.next(position, filter, 1, abort)).type !== 'closed'
  return new ChangeStream({ take, wait }, signal)
}
