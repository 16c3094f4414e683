/** The watch log of a store without the store: values and members are what the test says they are. */
import type { ActorId } from '../../src/base/names.ts'
import type { MapEntry } from '../../src/store/core/delta.ts'
import { Watches, type WatchesOptions } from '../../src/store/watches.ts'

export interface MemoryWatches {
  readonly watches: Watches
  /** A change to this value, as JSON unless a type is given. */
  put(map: string, key: string, value: unknown, contentType?: string): void
  delete(map: string, key: string): void
  add(set: string, member: string): void
  remove(set: string, member: string): void
}

export const STAMP_MS: number = Date.UTC(2026, 10, 21, 1, 2, 3)

export function memoryWatches(options: Partial<WatchesOptions> = {}): MemoryWatches {
  const entries = new Map<string, MapEntry>()
  const members = new Set<string>()
  const place = (name: string, item: string): string => JSON.stringify([name, item])
  const watches = new Watches({
    state: {
      entry: (map, key) => entries.get(place(map, key)),
      hasMember: (set, member) => members.has(place(set, member)),
      onExpired: () => undefined,
      expire: () => undefined,
    },
    wallMs: () => STAMP_MS,
    boot: '00112233445566aa',
    ...options,
  })
  const actor = 'a'.repeat(32) as ActorId
  let writes = 0
  return {
    watches,
    put: (map, key, value, contentType = 'application/json') => {
      writes++
      const bytes = value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value))
      const stamp = { epoch: 0, ms: STAMP_MS, logical: writes, actor }
      entries.set(place(map, key), {
        stamp,
        dot: { actor, n: writes },
        value: { contentType, bytes },
        expiresAtMs: undefined,
      })
      watches.changed([{ kind: 'entry', map, key }])
    },
    delete: (map, key) => {
      entries.delete(place(map, key))
      watches.changed([{ kind: 'entry', map, key }])
    },
    add: (set, member) => {
      members.add(place(set, member))
      watches.changed([{ kind: 'member', set, member }])
    },
    remove: (set, member) => {
      members.delete(place(set, member))
      watches.changed([{ kind: 'member', set, member }])
    },
  }
}
