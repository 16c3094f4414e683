/**
 * Watches: the watch log of an open store, for readers who also want to wait for what comes next.
 *
 * A reader asks with its position and gets a page, or is woken when something it wants is there. Nothing is kept for one
 * that does not ask. While one waits, it stands in an index by map and by set, so that a change looks only at those who
 * follow its map or set: a thousand readers of other maps cost a write nothing.
 *
 * Own writes appear when they are durable, those of others when they are visible here; in one order for all readers of
 * this replica. Entries that pass their time to live appear as `expired` within a millisecond or two while a reader
 * waits, else when next asked; a timer runs only while one waits, and holds no process.
 *
 * Bound: 4,096 readers wait at once.
 */
import { HearsayError } from '../base/errors.ts'
import { isVisible } from './core/map-store.ts'
import type { ReplicaState } from './core/replica-state.ts'
import type { StateKey } from './core/state-key.ts'
import { type Change, isWanted, type WatchFilter, WatchLog, type WatchPage } from './core/watch-log.ts'
import { onAbort } from './on-abort.ts'

export type { WatchFilter, WatchPage }

/** The part of the state that watches read. */
export type WatchedState = Pick<ReplicaState, 'entry' | 'hasMember' | 'onExpired' | 'expire'>

export interface WatchesOptions {
  readonly state: WatchedState
  readonly wallMs: () => number
  /** 16 hex digits, random at each start. */
  readonly boot: string
  readonly changesMax?: number
  /** Of keys and values. */
  readonly bytesMax?: number
  readonly waitingMax?: number
}

export interface WatchStats {
  /** Since the start. */
  readonly appended: number
  readonly compacted: number
  readonly bytes: number
  /** Readers that wait just now. */
  readonly waiting: number
  /** Readers told that they missed changes. */
  readonly gaps: number
}

/** `closed`: the store is closing, and nothing follows; all that came before was told. */
export type WatchAnswer = WatchPage | { readonly type: 'closed' }

export const WAITING_READERS_MAX = 4096
/** The longest a timer is set for; then it is set anew. */
const TIMER_MS_MAX = 60_000

interface Waiter {
  readonly filter: WatchFilter
  readonly wake: (position: number) => void
}

export class Watches {
  readonly #options: WatchesOptions
  readonly #log: WatchLog
  /** Who waits, by what they follow; those who follow everything under `undefined`. */
  readonly #byMap = new Map<string | undefined, Set<Waiter>>()
  readonly #bySet = new Map<string | undefined, Set<Waiter>>()
  readonly #waiting = new Set<Waiter>()
  #timer: NodeJS.Timeout | undefined
  #timerAtMs = Number.POSITIVE_INFINITY
  readonly #closing = new AbortController()
  #gaps = 0

  constructor(options: WatchesOptions) {
    this.#options = options
    this.#log = new WatchLog(options)
    const { state, wallMs } = options
    // What expired while nobody was here is no news.
    state.expire(wallMs())
    state.onExpired((map, key) => this.#append({ type: 'delete', map, key, reason: 'expired' }))
  }

  /** Aborted by `close`. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  get stats(): WatchStats {
    return { ...this.#log.stats, waiting: this.#waiting.size, gaps: this.#gaps }
  }

  /** Where a reader starts who wants what comes from now on. */
  get end(): number {
    this.#options.state.expire(this.#options.wallMs())
    return this.#log.end
  }

  cursorOf(position: number): string {
    return this.#log.cursorOf(position)
  }

  /** @throws HearsayError `WATCH_CURSOR_MALFORMED`; see WatchLog */
  positionOf(cursor: string): number {
    return this.#log.positionOf(cursor)
  }

  /** What is there after a position, without waiting; see WatchLog. */
  read(after: number, filter: WatchFilter, max: number): WatchPage {
    this.#options.state.expire(this.#options.wallMs())
    const page = this.#log.read(after, filter, max)
    if (page.type === 'gap') this.#gaps++
    return page
  }

  /**
   * As `read`, but waits until there is at least one wanted change or a gap, or the store closes.
   * @throws the reason of `signal` once it is aborted; HearsayError `WATCH_READERS_MAX` when too many wait already
   */
  async next(after: number, filter: WatchFilter, max: number, signal?: AbortSignal): Promise<WatchAnswer> {
    let position = after
    for (;;) {
      signal?.throwIfAborted()
      const page = this.read(position, filter, max)
      if (page.type === 'gap' || page.changes.length > 0) return page
      if (this.closed.aborted) return { type: 'closed' }
      position = await this.#wait(page.position, filter, signal)
    }
  }

  /** Takes in what changed for readers of the state. */
  changed(keys: readonly StateKey[]): void {
    if (this.closed.aborted) return
    const { state, wallMs } = this.#options
    const nowMs = wallMs()
    state.expire(nowMs)
    for (const key of keys) {
      const change = this.#changeOf(key, nowMs)
      if (change !== undefined) this.#append(change)
    }
    this.#setTimer()
  }

  /** Takes in no more, and ends the waiting of all readers, and of all to come. Idempotent. */
  close(): void {
    this.#closing.abort()
    clearTimeout(this.#timer)
    for (const waiter of [...this.#waiting]) waiter.wake(this.#log.end)
  }

  #changeOf(key: StateKey, nowMs: number): Change | undefined {
    const { state } = this.#options
    if (key.kind === 'record') return undefined
    if (key.kind === 'member') {
      const { set, member } = key
      return { type: state.hasMember(set, member) ? 'add' : 'remove', set, member }
    }
    const entry = state.entry(key.map, key.key)
    const { map } = key
    if (entry?.value === undefined) return { type: 'delete', map, key: key.key, reason: 'deleted' }
    // The state has told of this one's expiry, or is about to.
    if (!isVisible(entry, nowMs)) return undefined
    return { type: 'put', map, key: key.key, entry }
  }

  #append(change: Change): void {
    const position = this.#log.append(change)
    if (this.#waiting.size === 0) return
    const interested = 'map' in change ? this.#byMap.get(change.map) : this.#bySet.get(change.set)
    for (const waiters of [interested, this.#byMap.get(undefined)]) {
      for (const waiter of waiters ?? []) {
        // Woken in a later microtask, to read by itself; what comes until then is read along.
        if (isWanted(waiter.filter, change)) waiter.wake(position - 1)
      }
    }
  }

  /** @returns where to read on, once there is something to read or the store closes */
  #wait(position: number, filter: WatchFilter, signal: AbortSignal | undefined): Promise<number> {
    const { waitingMax = WAITING_READERS_MAX } = this.#options
    if (this.#waiting.size >= waitingMax) {
      throw new HearsayError('WATCH_READERS_MAX', `${waitingMax} readers wait already, which is the limit`)
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        stopHearing()
        this.#forget(waiter)
      }
      const stopHearing = onAbort(signal, () => {
        leave()
        reject(signal?.reason)
      })
      const waiter: Waiter = {
        filter,
        wake: (at) => {
          leave()
          resolve(Math.max(at, position))
        },
      }
      this.#remember(waiter)
      this.#setTimer()
    })
  }

  #remember(waiter: Waiter): void {
    this.#waiting.add(waiter)
    for (const [index, name] of this.#places(waiter.filter)) {
      const waiters = index.get(name)
      if (waiters === undefined) index.set(name, new Set([waiter]))
      else waiters.add(waiter)
    }
  }

  #forget(waiter: Waiter): void {
    this.#waiting.delete(waiter)
    for (const [index, name] of this.#places(waiter.filter)) {
      const waiters = index.get(name)
      waiters?.delete(waiter)
      if (waiters?.size === 0) index.delete(name)
    }
    if (this.#waiting.size > 0) return
    clearTimeout(this.#timer)
    this.#timerAtMs = Number.POSITIVE_INFINITY
  }

  #places({
    map,
    set,
  }: WatchFilter): readonly (readonly [Map<string | undefined, Set<Waiter>>, string | undefined])[] {
    if (map === undefined && set === undefined) return [[this.#byMap, undefined]]
    return [
      ...(map === undefined ? [] : [[this.#byMap, map] as const]),
      ...(set === undefined ? [] : [[this.#bySet, set] as const]),
    ]
  }

  /** While somebody waits: wakes when the next entry passes its time. */
  #setTimer(): void {
    if (this.#waiting.size === 0 || this.closed.aborted) return
    const { state, wallMs } = this.#options
    const nowMs = wallMs()
    // May tell of an expiry, and so leave nobody waiting.
    const dueMs = state.expire(nowMs)
    if (this.#waiting.size === 0 || dueMs === undefined || dueMs >= this.#timerAtMs) return
    clearTimeout(this.#timer)
    this.#timerAtMs = dueMs
    this.#timer = setTimeout(
      () => {
        this.#timerAtMs = Number.POSITIVE_INFINITY
        this.#setTimer()
      },
      Math.min(Math.ceil(dueMs - nowMs), TIMER_MS_MAX),
    )
    this.#timer.unref()
  }
}
