/** KeyValue over the commit queue: checks what it is given, evaluates preconditions inside the atomic write. */
import { assert } from '../base/assert.ts'
import { HearsayError } from '../base/errors.ts'
import type { Delta, MapEntry, StoredValue } from './core/delta.ts'
import { versionOf } from './core/held-entry.ts'
import { isVisible } from './core/map-store.ts'
import type { ReplicaState } from './core/replica-state.ts'
import type {
  DeleteResult,
  KeyValue,
  KvItem,
  ListOptions,
  Precondition,
  PutOptions,
  PutResult,
} from './key-value.ts'
import { checkRoom, checkText, checkValue, OPERATION_BYTES, type StoreLimits } from './store-limits.ts'
import type { StoreParts } from './store-parts.ts'

export class KeyValueStore implements KeyValue {
  readonly #parts: StoreParts

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  get(map: string, key: string): KvItem | undefined {
    const { state, wallMs } = this.#parts
    const entry = state.entry(map, key)
    // Most have no end, and a clock costs a read as much as finding the entry.
    const nowMs = entry?.expiresAtMs === undefined ? 0 : wallMs()
    return entry !== undefined && isVisible(entry, nowMs) ? itemOf(key, entry) : undefined
  }

  async put(map: string, key: string, value: StoredValue, options: PutOptions = {}): Promise<PutResult> {
    const { committer, limits, entries } = this.#parts
    const bytes = checkKeyNames(map, key, limits) + checkValue(value, limits) + OPERATION_BYTES
    // A copy: the caller keeps its buffer, and a view into a pooled one would hold all of the pool.
    const kept = { contentType: value.contentType, bytes: new Uint8Array(value.bytes) }
    const { result, deltas } = await committer.write((stage) => {
      const current = stage.getEntry(map, key)
      checkPrecondition(options, current)
      if (current === undefined) checkRoom(entries(), limits)
      const entry = stage.put(map, key, kept, options.expiresAtMs)
      return { created: current === undefined, item: itemOf(key, entry) }
    }, bytes)
    return { ...result, deltas }
  }

  async delete(map: string, key: string, options: Precondition = {}): Promise<DeleteResult> {
    const { committer, state, limits } = this.#parts
    const bytes = checkKeyNames(map, key, limits) + OPERATION_BYTES
    const { result: existed, deltas } = await committer.write((stage) => {
      checkPrecondition(options, stage.getEntry(map, key))
      return stage.delete(map, key) !== undefined
    }, bytes)
    return { existed, deltas: existed ? deltas : earlierDeletion(state, map, key) }
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
}

/** @returns their bytes. @throws HearsayError `STORE_KEY_MALFORMED`, `STORE_KEY_TOO_LARGE` */
export function checkKeyNames(map: string, key: string, limits: StoreLimits): number {
  return checkText('map', map, limits.nameBytesMax) + checkText('key', key, limits.keyBytesMax)
}

/** The tombstone under this key, as the delta that it came by; none when there is a value, or nothing. */
export function earlierDeletion(state: ReplicaState, map: string, key: string): Delta[] {
  const entry = state.entry(map, key)
  if (entry === undefined || entry.value !== undefined || entry.expiresAtMs !== undefined) return []
  return [{ puts: [{ map, key, entry }], adds: [], covered: [], records: [] }]
}

/** @param entry one with a value */
export function itemOf(key: string, entry: MapEntry): KvItem {
  assert(entry.value !== undefined, 'readers are never given a tombstone')
  return {
    key,
    value: entry.value,
    version: versionOf(entry),
    updatedAtMs: entry.stamp.ms,
    expiresAtMs: entry.expiresAtMs,
  }
}

/** @throws HearsayError `STORE_PRECONDITION_FAILED`, naming the version found */
function checkPrecondition(wanted: Precondition, current: MapEntry | undefined): void {
  if (wanted.ifAbsent === undefined && wanted.ifVersion === undefined) return
  const version = current === undefined ? undefined : versionOf(current)
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
