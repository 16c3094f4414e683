/**
 * Events as bytes of an event stream (the HTML standard, server-sent events).
 *
 * A block ends with an empty line, and every line of JSON would need its `data:`; values are kept as they were written,
 * with line ends between their tokens perhaps, which become spaces here. A block without `data` is no event to its
 * reader, but its `id` counts: so a quiet stream moves on as well, and is not told of a gap when it comes back.
 *
 * Many readers follow the same map, and get a change in the same turn of the loop. So the last frames are kept, 64 of
 * them and 2 MiB at most, and each is made once.
 */
import type { LoggedChange } from '../../store/core/watch-log.ts'
import { changeJson, gapJson } from './change-json.ts'

const KEPT_MAX = 64
const KEPT_BYTES_MAX = 2 * 1024 * 1024
const LINE_END = /\r\n|\r|\n/g

export class EventFrames {
  readonly #cursorOf: (position: number) => string
  /** By position, with values and without. */
  readonly #kept = { full: new Map<number, Buffer>(), bare: new Map<number, Buffer>() }
  #keptBytes = 0

  constructor(cursorOf: (position: number) => string) {
    this.#cursorOf = cursorOf
  }

  /** @param retryMs how long a client waits that has lost its connection */
  opening(retryMs: number): Buffer {
    return Buffer.from(`retry: ${retryMs}\n: hearsay watch\n\n`)
  }

  /** No event; only where the reader stands. */
  position(position: number): Buffer {
    return Buffer.from(`: here\nid: ${this.#cursorOf(position)}\n\n`)
  }

  change({ position, change }: LoggedChange, withValue: boolean): Buffer {
    const kept = withValue ? this.#kept.full : this.#kept.bare
    const known = kept.get(position)
    if (known !== undefined) return known
    const cursor = this.#cursorOf(position)
    const frame = event(change.type, changeJson(change, cursor, withValue), cursor)
    this.#keep(kept, position, frame)
    return frame
  }

  gap(position: number): Buffer {
    const cursor = this.#cursorOf(position)
    return event('gap', gapJson(cursor), cursor)
  }

  /** The last event: the stream ends, and why. */
  closed(reason: string): Buffer {
    return event('closed', JSON.stringify({ type: 'closed', reason }))
  }

  #keep(kept: Map<number, Buffer>, position: number, frame: Buffer): void {
    if (frame.length > KEPT_BYTES_MAX) return
    const { full, bare } = this.#kept
    if (full.size + bare.size >= KEPT_MAX || this.#keptBytes + frame.length > KEPT_BYTES_MAX) {
      full.clear()
      bare.clear()
      this.#keptBytes = 0
    }
    kept.set(position, frame)
    this.#keptBytes += frame.length
  }
}

function event(name: string, json: string, cursor?: string): Buffer {
  const id = cursor === undefined ? '' : `id: ${cursor}\n`
  return Buffer.from(`${id}event: ${name}\ndata: ${json.replace(LINE_END, ' ')}\n\n`)
}
