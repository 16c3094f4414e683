/**
 * A full state as text, equal for equal states only, whatever order they list things in. Values are kept as length and
 * checksum. It stands beside the codec and shares nothing with it, so that a codec that forgets something cannot hide
 * a difference.
 */
import type { CausalContext } from '../crdt/context.ts'
import type { FullState } from '../store/core/delta.ts'
import { crc32 } from './crc32.ts'
import { dotName } from './write-model.ts'
import { hadItsTime, type Lifetimes } from './write-oracles.ts'

/**
 * @param limits leaves out what may have been collected by now, and the bytes of what has expired: replicas let go of
 *   these each in its own time
 */
export function canonicalState(state: FullState, limits?: Lifetimes): string {
  return [canonicalItems(state, limits), ...contextLines(state.context)].join('\n')
}

/** What is held, without the memory of what was. @param limits as for `canonicalState` */
export function canonicalItems(state: FullState, limits?: Lifetimes): string {
  const lines = [
    ...state.puts.flatMap((put) => {
      const { map, key, entry } = put
      if (limits !== undefined && hadItsTime(put, limits)) return []
      const { stamp, value, expiresAtMs } = entry
      const expired = limits !== undefined && expiresAtMs !== undefined && hadItsTime(put, limits, 0)
      const text = expired
        ? 'expired'
        : value === undefined
          ? 'deleted'
          : [value.contentType, digest(value.bytes)]
      return JSON.stringify([
        'put',
        map,
        key,
        dotName(entry.dot),
        stamp.epoch,
        stamp.ms,
        stamp.logical,
        stamp.actor,
        text,
        expiresAtMs,
      ])
    }),
    ...state.adds.map(({ set, member, dot }) => JSON.stringify(['add', set, member, dotName(dot)])),
    ...state.records.map(({ table, key, record }) =>
      JSON.stringify(['record', table, key, `${record.versionNs}`, digest(record.bytes), record.expiresAtMs]),
    ),
  ]
  return lines.sort((a, b) => (a < b ? -1 : 1)).join('\n')
}

function contextLines(context: CausalContext): string[] {
  return context.actors().map((actor) => {
    const intervals = context.intervals(actor).map(({ first, last }) => `${first}-${last}`)
    return JSON.stringify(['seen', actor, ...intervals])
  })
}

function digest(bytes: Uint8Array): string {
  return `${bytes.length}:${crc32(bytes)}`
}
