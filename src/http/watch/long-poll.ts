/**
 * One request that waits for changes: for clients that cannot read a stream, such as a shell script.
 *
 * It is answered with what is there already, or with the next change when it comes, or with nothing when its time is over;
 * always with the cursor to ask with next, so that nothing is lost in between.
 */
import { HearsayError } from '../../base/errors.ts'
import { onAbort } from '../../store/on-abort.ts'
import type { WatchFilter, WatchPage } from '../../store/watches.ts'
import { turns } from '../turns.ts'
import { changeJson } from './change-json.ts'
import type { WatchSource } from './watch-source.ts'

/** Of one answer; the rest comes with the next. */
const CHANGES_MAX = 1000
/** Of JSON; the change that goes beyond it is still among them. */
const BYTES_MAX: number = 4 * 1024 * 1024

/** To look at a value of this size takes some 10 us: a thousand of them fit into a turn. */
const PAUSE_CHARS = 1024

export interface PollRequest {
  readonly filter: WatchFilter
  readonly withValues: boolean
  /** To read after. */
  readonly position: number
  readonly waitMs: number
}

/**
 * @param ends of them the first that is aborted ends the wait, with its reason
 * @returns the answer as JSON text
 * @throws HearsayError `STORE_CLOSED` when the store closes; the reason of a signal; see Watches.next
 */
export async function longPoll(
  watches: WatchSource,
  request: PollRequest,
  ends: readonly AbortSignal[],
): Promise<string> {
  const { filter, position, waitMs } = request
  const over = new AbortController()
  const stops = ends.map((signal) => onAbort(signal, () => over.abort(signal.reason)))
  let end: number | undefined
  const timer = setTimeout(() => {
    // May wake the reader, by telling of what expires; it has read that before the abort.
    const { end: seen } = watches
    setImmediate(() => {
      end = seen
      over.abort()
    })
  }, waitMs)
  try {
    const page = await watches.next(position, filter, CHANGES_MAX, over.signal)
    if (page.type === 'closed') throw new HearsayError('STORE_CLOSED', 'this replica is stopping')
    return await pageJson(watches, page, request.withValues)
  } catch (error) {
    if (end === undefined || error !== over.signal.reason) throw error
    return pageJson(watches, { type: 'changes', changes: [], position: end }, request.withValues)
  } finally {
    clearTimeout(timer)
    for (const stop of stops) stop()
  }
}

async function pageJson(watches: WatchSource, page: WatchPage, withValues: boolean): Promise<string> {
  if (page.type === 'gap') return `{"changes":[],"gap":true,"cursor":"${watches.cursorOf(page.position)}"}`
  const texts: string[] = []
  let { position } = page
  let bytes = 0
  for (const logged of page.changes) {
    const text = changeJson(logged.change, watches.cursorOf(logged.position), withValues)
    texts.push(text)
    bytes += text.length
    if (text.length > PAUSE_CHARS) await turns.pause()
    if (bytes <= BYTES_MAX) continue
    position = logged.position
    break
  }
  return `{"changes":[${texts.join(',')}],"cursor":"${watches.cursorOf(position)}"}`
}
