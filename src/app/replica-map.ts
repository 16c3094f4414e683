/** A named LWW map as a library object: typed values, synchronous reads from memory, durable writes, and what changes. */
import type { Clock } from '../base/clock.ts'
import { parseDuration } from '../base/duration.ts'
import { errorCode, HearsayError } from '../base/errors.ts'
import { formatStamp } from '../crdt/hlc.ts'
import type { Acknowledgements } from '../store/core/acknowledgement.ts'
import type { StoredValue } from '../store/core/delta.ts'
import type { Change } from '../store/core/watch-log.ts'
import type { KeyValue } from '../store/key-value.ts'
import type { Watches } from '../store/watches.ts'
import { decodeValue, encodeValue } from './value-codec.ts'
import { type Gap, type WatchOptions, watchStream } from './watch-stream.ts'
import { type Acknowledged, acknowledged, checkDurationText, type WriteOptions } from './write-options.ts'

/** What `map.set` takes. */
export interface SetOptions extends WriteOptions {
  /** Time to live, such as `1h` or `90s`; the entry carries its absolute end. Default: for ever. */
  readonly ttl?: string
}

/** What `map.set` resolves to. */
export interface SetResult extends Acknowledged {
  /** The stamp of the write, `epoch.ms.logical.actor`: the same on all replicas, and the ETag over HTTP. */
  readonly version: string
}

/** What `map.delete` and `set.remove` resolve to. */
export interface DeleteResult extends Acknowledged {
  /** Whether there was something to delete. */
  readonly existed: boolean
}

/** What became of a key, as `map.watch` tells it. It holds after the change, and may be told again. */
export type MapChange<V> =
  | {
      readonly type: 'put'
      readonly key: string
      /** As it was at the change. */
      readonly value: V
      readonly version: string
      /** For `after` of a later watch. */
      readonly cursor: string
    }
  | {
      readonly type: 'delete'
      readonly key: string
      /** `unreadable`: another program stored bytes that are not what their type says (`map.get` throws). */
      readonly reason: 'deleted' | 'expired' | 'unreadable'
      readonly cursor: string
    }
  | Gap

/** What a map is made of. */
export interface MapParts {
  readonly kv: KeyValue
  readonly watches: Watches
  readonly acks: Acknowledgements
  readonly clock: Clock
}

const PAGE = 1000
/** A ttl beyond this is a slip of units: a hundred years. */
const TTL_MS_MAX = 100 * 365 * 86_400_000

/** One named map. `replica.map` gives as many of the same name as asked for; they are one map. */
export class ReplicaMap<V> {
  readonly #name: string
  readonly #parts: MapParts

  /** Made by `replica.map`. */
  constructor(name: string, parts: MapParts) {
    this.#name = name
    this.#parts = parts
  }

  /**
   * The newest value known here, a copy; undefined when there is none, it was deleted, or its time is over.
   * @throws HearsayError `VALUE_UNREADABLE` when another program stored bytes that are not what their type says
   */
  get(key: string): V | undefined {
    const item = this.#parts.kv.get(this.#name, key)
    // The type is the caller's word: whoever writes to this map by other means must keep it.
    return item === undefined ? undefined : (decodeValue(item.value) as V)
  }

  /** Whether there is a value, readable or not. */
  has(key: string): boolean {
    return this.#parts.kv.get(this.#name, key) !== undefined
  }

  /**
   * Resolves once fsynced here and, with `ack`, elsewhere, or when the time for that is up (`reached` is false then).
   * @param value plain data, a copy of which is stored: see docs/reference/embedding.md, Values
   * @throws HearsayError `VALUE_UNSUPPORTED`, `STORE_VALUE_TOO_LARGE`, `STORE_KEY_MALFORMED`, `STORE_KEY_TOO_LARGE`,
   *   `STORE_ENTRIES_MAX`, `STORE_EXPIRY_MALFORMED` and `DURATION_MALFORMED` for a bad `ttl`, `OPTION_INVALID`,
   *   `ACK_UNREACHABLE`, `ACK_OVERLOADED`, `STORE_OVERLOADED`, `STORE_CLOCK_OFF`, `STORE_CLOSED`: nothing was written; `STORE_DISK_FULL`,
   *   `STORE_WRITE_FAILED`: nothing was acknowledged; the reason of `signal`
   */
  async set(key: string, value: V, options: SetOptions = {}): Promise<SetResult> {
    const { kv, acks } = this.#parts
    const { ttl, ...concern } = options
    const stored = encodeValue(value)
    const expiry = ttl === undefined ? {} : { expiresAtMs: this.#expiresAtMs(ttl) }
    const done = await acknowledged(acks, concern, () => kv.put(this.#name, key, stored, expiry))
    return { version: done.written.item.version, ...done.acknowledged }
  }

  /** Resolves once the deletion is fsynced here, and elsewhere with `ack`. @throws as `set` */
  async delete(key: string, options: WriteOptions = {}): Promise<DeleteResult> {
    const { kv, acks } = this.#parts
    const done = await acknowledged(acks, options, () => kv.delete(this.#name, key))
    return { existed: done.written.existed, ...done.acknowledged }
  }

  /**
   * Every entry in key order, read page by page; entries written meanwhile may or may not be among them, and one whose
   * value is unreadable (see `get`) is left out.
   */
  *entries(): IterableIterator<[key: string, value: V]> {
    let after: string | undefined
    do {
      const page = this.#parts.kv.list(this.#name, { limit: PAGE, ...(after === undefined ? {} : { after }) })
      for (const { key, value } of page.items) {
        const decoded = readable(value)
        if (decoded !== undefined) yield [key, decoded.value as V]
      }
      after = page.next
    } while (after !== undefined)
  }

  /**
   * What changes, from now on or after a cursor: own writes once durable, those of others when visible here, each key in
   * the order in which this replica saw it change. Ends with the loop, the signal (it throws its reason then), and
   * `replica.close()`.
   *
   * To mirror a map: call `watch` first, then read `entries`, then follow. After a `gap`, which a reader gets that was more
   * than 10,000 changes or 16 MiB behind, or came with a cursor from before a restart: read `entries` anew, and go on.
   *
   * @throws HearsayError `WATCH_CURSOR_MALFORMED` at once; the iteration throws `WATCH_READERS_MAX` when 4,096 wait
   */
  watch(options: WatchOptions = {}): AsyncIterableIterator<MapChange<V>> {
    return watchStream(this.#parts.watches, { map: this.#name }, options, (change, cursor) =>
      mapChange<V>(change, cursor),
    )
  }

  #expiresAtMs(ttl: string): number {
    checkDurationText('ttl', ttl)
    const ttlMs = parseDuration(ttl)
    if (ttlMs === 0 || ttlMs > TTL_MS_MAX) {
      throw new HearsayError('STORE_EXPIRY_MALFORMED', 'a ttl must be more than 0 and at most 876000h')
    }
    return this.#parts.clock.wallMs() + ttlMs
  }
}

function mapChange<V>(change: Change, cursor: string): MapChange<V> | undefined {
  if (!('map' in change)) return undefined
  const { type, key } = change
  if (type === 'delete') return { type, key, reason: change.reason, cursor }
  const { value, stamp } = change.entry
  const decoded = value === undefined ? undefined : readable(value)
  if (decoded === undefined) return { type: 'delete', key, reason: 'unreadable', cursor }
  return { type, key, value: decoded.value as V, version: formatStamp(stamp), cursor }
}

function readable(value: StoredValue): { readonly value: unknown } | undefined {
  try {
    return { value: decodeValue(value) }
  } catch (error) {
    if (errorCode(error) === 'VALUE_UNREADABLE') return undefined
    throw error
  }
}
