/** KeyValue over the commit queue: checks what it is given, evaluates preconditions inside the atomic write. */
import { assert } from '../base/assert.ts'
import { HearsayError } from '../base/errors.ts'
import { formatStamp } from '../crdt/hlc.ts'
import type { Delta, MapEntry, StoredValue } from './core/delta.ts'
import type {
  DeleteResult,
  KeyValue,
  KvItem,
  ListOptions,
  Precondition,
  PutOptions,
  PutResult,
} from './key-value.ts'
import { checkRoom, checkText, checkValue } from './store-limits.ts'
import type { StoreParts } from './store-parts.ts'

export class KeyValueStore implements KeyValue {
  readonly #parts: StoreParts

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  get(map: string, key: string): KvItem | undefined {
    const entry = this.#parts.state.get(map, key, this.#parts.wallMs())
    return entry === undefined ? undefined : itemOf(key, entry)
  }

  async put(map: string, key: string, value: StoredValue, options: PutOptions = {}): Promise<PutResult> {
    const { committer, limits, entries } = this.#parts
    this.#checkNames(map, key)
    checkValue(value, limits)
    // A copy: the caller keeps its buffer, and a view into a pooled one would hold all of the pool.
    const kept = { contentType: value.contentType, bytes: new Uint8Array(value.bytes) }
    const { result, deltas } = await committer.write((stage) => {
      const current = stage.getEntry(map, key)
      checkPrecondition(options, current)
      if (current === undefined) checkRoom(entries(), limits)
      const entry = stage.put(map, key, kept, options.expiresAtMs)
      return { created: current === undefined, item: itemOf(key, entry) }
    }, kept.bytes.length)
    return { ...result, deltas }
  }

  async delete(map: string, key: string, options: Precondition = {}): Promise<DeleteResult> {
    const { committer, state } = this.#parts
    this.#checkNames(map, key)
    const { result: existed, deltas } = await committer.write((stage) => {
      checkPrecondition(options, stage.getEntry(map, key))
      return stage.delete(map, key) !== undefined
    })
    if (existed) return { existed, deltas }
    const held = state.entry(map, key)
    return {
      existed,
      deltas: held === undefined || held.value !== undefined ? [] : [deltaOf(map, key, held)],
    }
  }

  list(
    map: string,
    options: ListOptions,
  ): { readonly items: readonly KvItem[]; readonly next: string | undefined } {
    const { items, next } = this.#parts.state.list(map, options, this.#parts.wallMs())
    return { items: items.map(([key, entry]) => itemOf(key, entry)), next }
  }

  maps(): readonly { readonly name: string; readonly count: number }[] {
    return this.#parts.state.maps(this.#parts.wallMs())
  }

  #checkNames(map: string, key: string): void {
    checkText('map', map, this.#parts.limits.nameBytesMax)
    checkText('key', key, this.#parts.limits.keyBytesMax)
  }
}

function deltaOf(map: string, key: string, entry: MapEntry): Delta {
  return { puts: [{ map, key, entry }], adds: [], covered: [], records: [] }
}

function itemOf(key: string, entry: MapEntry): KvItem {
  assert(entry.value !== undefined, 'readers are never given a tombstone')
  return {
    key,
    value: entry.value,
    version: formatStamp(entry.stamp),
    updatedAtMs: entry.stamp.ms,
    expiresAtMs: entry.expiresAtMs,
  }
}

/** @throws HearsayError `STORE_PRECONDITION_FAILED`, naming the version found */
function checkPrecondition(wanted: Precondition, current: MapEntry | undefined): void {
  const version = current === undefined ? undefined : formatStamp(current.stamp)
  if (wanted.ifAbsent === true && version !== undefined) {
    throw new HearsayError('STORE_PRECONDITION_FAILED', `there is a value already, version ${version}`)
  }
  if (wanted.ifVersion === undefined) return
  if (version === undefined) {
    throw new HearsayError('STORE_PRECONDITION_FAILED', 'there is no value')
  }
  if (wanted.ifVersion !== '*' && !wanted.ifVersion.includes(version)) {
    throw new HearsayError('STORE_PRECONDITION_FAILED', `the current version is ${version}`)
  }
}
