/** A named LWW map as a library object: typed values, synchronous reads from memory, durable writes. */
import type { Clock } from '../base/clock.ts'
import { parseDuration } from '../base/duration.ts'
import { errorCode } from '../base/errors.ts'
import type { StoredValue } from '../store/core/delta.ts'
import type { KeyValue } from '../store/key-value.ts'
import { decodeValue, encodeValue } from './value-codec.ts'

const PAGE = 1000

export interface SetOptions {
  /** Time to live, such as `1h` or `90s`; the entry carries its absolute end. Default: for ever. */
  readonly ttl?: string
}

export class ReplicaMap<V> {
  readonly #name: string
  readonly #kv: KeyValue
  readonly #clock: Clock

  constructor(name: string, kv: KeyValue, clock: Clock) {
    this.#name = name
    this.#kv = kv
    this.#clock = clock
  }

  /**
   * The newest value known here; undefined when there is none, it was deleted, or its time is over.
   * @throws HearsayError `VALUE_UNREADABLE` when another program stored bytes that are not what their type says
   */
  get(key: string): V | undefined {
    const item = this.#kv.get(this.#name, key)
    // The type is the caller's word: whoever writes to this map by other means must keep it.
    return item === undefined ? undefined : (decodeValue(item.value) as V)
  }

  has(key: string): boolean {
    return this.#kv.get(this.#name, key) !== undefined
  }

  /** Resolves once fsynced here. @throws HearsayError, see KeyValue; `DURATION_MALFORMED` for a bad `ttl` */
  async set(key: string, value: V, options: SetOptions = {}): Promise<void> {
    const expiry =
      options.ttl === undefined ? {} : { expiresAtMs: this.#clock.wallMs() + parseDuration(options.ttl) }
    await this.#kv.put(this.#name, key, encodeValue(value), expiry)
  }

  /** Resolves once the deletion is fsynced here. @returns whether there was a value */
  async delete(key: string): Promise<boolean> {
    return (await this.#kv.delete(this.#name, key)).existed
  }

  /**
   * Every entry in key order, read page by page; entries written meanwhile may or may not be among them, and one whose
   * value is unreadable (see `get`) is left out.
   */
  *entries(): IterableIterator<[key: string, value: V]> {
    let after: string | undefined
    do {
      const page = this.#kv.list(this.#name, { limit: PAGE, ...(after === undefined ? {} : { after }) })
      for (const { key, value } of page.items) {
        const decoded = readable(value)
        if (decoded !== undefined) yield [key, decoded.value as V]
      }
      after = page.next
    } while (after !== undefined)
  }
}

function readable(value: StoredValue): { readonly value: unknown } | undefined {
  try {
    return { value: decodeValue(value) }
  } catch (error) {
    if (errorCode(error) === 'VALUE_UNREADABLE') return undefined
    throw error
  }
}
