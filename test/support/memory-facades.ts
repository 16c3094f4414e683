/**
 * The facades that HTTP serves, in memory and deterministic, for tests of routes. Versions count up; nothing expires by
 * itself.
 */
import { HearsayError } from '../../src/base/errors.ts'
import type { ClusterMember, ClusterView, HealthView } from '../../src/http/facades.ts'
import type { Batches } from '../../src/store/batch.ts'
import type { Acknowledgements } from '../../src/store/core/acknowledgement.ts'
import { firstNames } from '../../src/store/core/first-names.ts'
import type { KeyValue, KvItem, Precondition } from '../../src/store/key-value.ts'
import type { StringSets } from '../../src/store/string-sets.ts'

export const UPDATED_AT_MS: number = Date.UTC(2026, 10, 21, 1, 2, 3)

export interface MemoryKeyValue extends KeyValue {
  /** The next write fails with this error. */
  failNext: Error | undefined
}

function checkPrecondition(current: KvItem | undefined, condition: Precondition): void {
  const { ifVersion, ifAbsent } = condition
  const matches =
    ifVersion === undefined ||
    (current !== undefined && (ifVersion === '*' || ifVersion.includes(current.version)))
  if (!matches || (ifAbsent === true && current !== undefined)) {
    throw new HearsayError('STORE_PRECONDITION_FAILED', 'the precondition does not hold')
  }
}

export function memoryKeyValue(): MemoryKeyValue {
  const maps = new Map<string, Map<string, KvItem>>()
  let writes = 0
  const self: MemoryKeyValue = {
    failNext: undefined,
    get: (map, key) => maps.get(map)?.get(key),
    put: async (map, key, value, options = {}) => {
      failOnce()
      const current = maps.get(map)?.get(key)
      checkPrecondition(current, options)
      writes++
      const version = `0.${UPDATED_AT_MS}.${writes}.actor`
      const item = { key, value, version, updatedAtMs: UPDATED_AT_MS, expiresAtMs: options.expiresAtMs }
      const entries = maps.get(map) ?? new Map<string, KvItem>()
      maps.set(map, entries.set(key, item))
      return { created: current === undefined, item, deltas: [] }
    },
    delete: async (map, key, options = {}) => {
      failOnce()
      checkPrecondition(maps.get(map)?.get(key), options)
      return { existed: maps.get(map)?.delete(key) ?? false, deltas: [] }
    },
    list: (map, { prefix = '', after, limit }) => {
      const keys = [...(maps.get(map)?.keys() ?? [])]
        .filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
        .sort((a, b) => (a < b ? -1 : 1))
      const items = keys.slice(0, limit).flatMap((key) => maps.get(map)?.get(key) ?? [])
      return { items, next: keys.length > limit ? items.at(-1)?.key : undefined }
    },
    maps: () => [...maps].filter(([, e]) => e.size > 0).map(([name, e]) => ({ name, count: e.size })),
  }
  function failOnce(): void {
    const error = self.failNext
    self.failNext = undefined
    if (error !== undefined) throw error
  }
  return self
}

export function memorySets(): StringSets {
  const sets = new Map<string, Set<string>>()
  return {
    add: async (set, member) => {
      const members = sets.get(set) ?? new Set<string>()
      const added = !members.has(member)
      sets.set(set, members.add(member))
      return { added, deltas: [] }
    },
    remove: async (set, member) => ({ existed: sets.get(set)?.delete(member) ?? false, deltas: [] }),
    has: (set, member) => sets.get(set)?.has(member) ?? false,
    members: (set) => [...(sets.get(set) ?? [])].sort((a, b) => (a < b ? -1 : 1)),
    page: (set, query) => firstNames(sets.get(set) ?? [], query),
    sets: () => [...sets].filter(([, m]) => m.size > 0).map(([name, m]) => ({ name, count: m.size })),
  }
}

/** A write concern that this replica alone meets. */
export function localAcks(): Acknowledgements {
  return {
    plan: (ack) => {
      if (ack === 'local' || ack === 1) return { needed: 1, others: [] }
      throw new HearsayError('ACK_UNREACHABLE', 'there is only this replica')
    },
    confirm: async () => ({ reached: true, acked: ['dev-1'] }),
  }
}

/** Every put creates, nothing is kept. */
export function memoryBatches(): Batches {
  return {
    write: async (ops) => ({
      deltas: [],
      results: ops.map((op) => {
        if (op.op === 'add') return { op: op.op, added: true }
        if (op.op !== 'put') return { op: op.op, existed: false }
        const item = {
          key: op.key,
          value: op.value,
          version: 'v',
          updatedAtMs: UPDATED_AT_MS,
          expiresAtMs: op.expiresAtMs,
        }
        return { op: op.op, created: true, item }
      }),
    }),
  }
}

export function clusterOf(...members: readonly ClusterMember[]): ClusterView {
  return {
    name: 'dev-1',
    members: () => members,
    lost: () => [],
    left: () => false,
    lag: () => ({ members: 0, ms: 0 }),
    healthScore: () => 0,
    settled: () => true,
    sharedNames: () => [],
    warnings: () => [],
  }
}

export function healthOf(...reasons: readonly string[]): HealthView {
  return { ready: () => ({ ready: reasons.length === 0, reasons }) }
}
