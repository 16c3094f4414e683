/**
 * The watch log: the last changes that readers of this replica saw, in order, for those who follow them.
 *
 * Think of a ticker tape of fixed length. Whoever reads keeps the number of the last change they saw, and nothing is
 * kept for them: a reader who is slow, or gone, costs nothing, and when the tape has moved past their number they are
 * told so (a gap) and read the state anew. Numbers start at 1 with each start of the process. A cursor is the name of
 * that start (its boot) and a number, as text; so one from before a restart is a gap too, and never another change of
 * the same number.
 *
 * Bounds: 10,000 changes and 16 MiB of keys and values, whichever is reached first; the oldest go. An entry is held by
 * reference, so a reader gets the value as it was at the change, and one that is still current costs no memory twice.
 *
 * What a change says is what holds after it: a deletion of what was not there, or an add of a present member, may be
 * told again. Not here: records (alerting follows those by other means), waiting for the next change (../watches.ts).
 */
import { assert } from '../../base/assert.ts'
import { HearsayError } from '../../base/errors.ts'
import type { MapEntry } from './delta.ts'

export type Change =
  /** `entry` holds a value. */
  | { readonly type: 'put'; readonly map: string; readonly key: string; readonly entry: MapEntry }
  | {
      readonly type: 'delete'
      readonly map: string
      readonly key: string
      readonly reason: 'deleted' | 'expired'
    }
  | { readonly type: 'add' | 'remove'; readonly set: string; readonly member: string }

/** What a reader wants to hear. Neither map nor set: everything; both: the changes of either. */
export interface WatchFilter {
  readonly map?: string
  readonly set?: string
  /** Of keys and members. */
  readonly prefix?: string
}

export interface LoggedChange {
  /** Of the change; the position of a reader who has seen it. */
  readonly position: number
  readonly change: Change
}

export type WatchPage =
  | {
      readonly type: 'changes'
      /** Oldest first. */
      readonly changes: readonly LoggedChange[]
      /** Where to go on: all up to here is either among `changes` or not wanted. */
      readonly position: number
    }
  /** Changes were missed: read the state anew, then go on from `position`. */
  | { readonly type: 'gap'; readonly position: number }

export interface WatchLogOptions {
  /** 16 hex digits, random at each start. */
  readonly boot: string
  readonly changesMax?: number
  /** Of keys, members and values. */
  readonly bytesMax?: number
}

export interface WatchLogStats {
  /** Since the start. */
  readonly appended: number
  /** Of those, the ones that readers can no longer get. */
  readonly compacted: number
  readonly bytes: number
}

export const WATCH_CHANGES_MAX = 10_000
export const WATCH_BYTES_MAX: number = 16 * 1024 * 1024

/** No change was ever here: reading after it is a gap. */
const BEFORE_ALL = -1
const BOOT = /^[0-9a-f]{16}$/
const CURSOR = /^([0-9a-f]{16})-(0|[1-9]\d{0,15})$/

export class WatchLog {
  readonly #boot: string
  readonly #changesMax: number
  readonly #bytesMax: number
  /** The change at position p stands in slot p modulo `#changesMax`. */
  readonly #ring: (Change | undefined)[]
  #compacted = 0
  #end = 0
  #bytes = 0

  constructor({ boot, changesMax = WATCH_CHANGES_MAX, bytesMax = WATCH_BYTES_MAX }: WatchLogOptions) {
    assert(BOOT.test(boot), 'a boot is named by 16 hex digits')
    assert(changesMax > 0, 'the log holds at least one change')
    this.#boot = boot
    this.#changesMax = changesMax
    this.#bytesMax = bytesMax
    this.#ring = new Array<Change | undefined>(changesMax).fill(undefined)
  }

  /** Position of the last change; 0 before the first. */
  get end(): number {
    return this.#end
  }

  get stats(): WatchLogStats {
    return { appended: this.#end, compacted: this.#compacted, bytes: this.#bytes }
  }

  /** @returns its position */
  append(change: Change): number {
    if (this.#end - this.#compacted === this.#changesMax) this.#compact()
    this.#end++
    this.#ring[this.#end % this.#changesMax] = change
    this.#bytes += bytesOf(change)
    while (this.#bytes > this.#bytesMax) this.#compact()
    return this.#end
  }

  /**
   * The wanted changes after a position, at most `max` of them. Costs a look at each change in between, wanted or not.
   * @param after from `end`, a page, a change or `positionOf`
   */
  read(after: number, filter: WatchFilter, max: number): WatchPage {
    if (after < this.#compacted || after > this.#end) return { type: 'gap', position: this.#end }
    const changes: LoggedChange[] = []
    let position = after
    while (position < this.#end && changes.length < max) {
      position++
      const change = this.#ring[position % this.#changesMax]
      if (change !== undefined && isWanted(filter, change)) changes.push({ position, change })
    }
    return { type: 'changes', changes, position }
  }

  /** The text that stands for a position, in this boot. */
  cursorOf(position: number): string {
    return `${this.#boot}-${position}`
  }

  /**
   * @returns the position to read after; for a cursor of another boot one that is a gap
   * @throws HearsayError `WATCH_CURSOR_MALFORMED` for what no `cursorOf` gives
   */
  positionOf(cursor: string): number {
    const parts = CURSOR.exec(cursor)
    if (parts === null) {
      throw new HearsayError(
        'WATCH_CURSOR_MALFORMED',
        `not a cursor: ${JSON.stringify(cursor.slice(0, 100))}`,
      )
    }
    return parts[1] === this.#boot ? Number(parts[2]) : BEFORE_ALL
  }

  #compact(): void {
    this.#compacted++
    const slot = this.#compacted % this.#changesMax
    const change = this.#ring[slot]
    assert(change !== undefined, 'what is compacted is held')
    this.#ring[slot] = undefined
    this.#bytes -= bytesOf(change)
  }
}

/** Whether a reader with this filter gets the change. */
export function isWanted(filter: WatchFilter, change: Change): boolean {
  const { map, set, prefix } = filter
  const [isOfTheirs, name] =
    'map' in change
      ? [map === change.map || (map === undefined && set === undefined), change.key]
      : [set === change.set || (map === undefined && set === undefined), change.member]
  return isOfTheirs && (prefix === undefined || name.startsWith(prefix))
}

function bytesOf(change: Change): number {
  if (change.type === 'put') return change.key.length + (change.entry.value?.bytes.length ?? 0)
  return 'map' in change ? change.key.length : change.member.length
}
