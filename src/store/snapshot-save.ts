/**
 * Saves a snapshot of a running store: its state as a stream of bytes, made from memory in slices of a few milliseconds
 * while reads and writes go on.
 *
 * What it holds: every write that was acknowledged before the save began, and of those made meanwhile some and not others
 * (those to keys that the save had passed are left out). It claims to have seen nothing else, so a replica that starts
 * from it gets the rest from its peers. What a peer parked for us to merge later is left out.
 *
 * Memory: one frame of 64 KiB; the next is made when the reader asks for it. Nothing is copied or locked, however long
 * the reader takes.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { clockOp, contextOp, entryOp, memberOp, recordOp } from './core/disk-layout.ts'
import type { ReplicaState } from './core/replica-state.ts'
import type { StateItem } from './core/state-item.ts'
import type { StorageOp } from './core/storage-op.ts'
import { SnapshotEncoder } from './snapshot-format.ts'

/** Work between two looks at the clock. */
const ITEMS_PER_LOOK = 64
const SLICE_MS = 4

export interface SnapshotSource {
  readonly state: ReplicaState
  readonly wallMs: () => number
  readonly monotonicMs: () => number
}

export async function* saveSnapshot(source: SnapshotSource): AsyncGenerator<Uint8Array, void, undefined> {
  const { state, wallMs, monotonicMs } = source
  const encoder = new SnapshotEncoder()
  yield encoder.open(wallMs())
  let sliceEndsMs = monotonicMs() + SLICE_MS
  let looked = 0
  for (const op of records(state)) {
    if (op.type !== 'put') continue
    const frame = encoder.add(op.key, op.value)
    if (frame !== undefined) yield frame
    if (++looked % ITEMS_PER_LOOK > 0 || monotonicMs() < sliceEndsMs) continue
    await turn()
    sliceEndsMs = monotonicMs() + SLICE_MS
  }
  yield encoder.close()
}

/** Contexts as they are at the first look, then everything that is held, read item by item while it may change. */
function* records(state: ReplicaState): Generator<StorageOp> {
  const context = state.context.clone()
  yield clockOp(state.clock)
  for (const actor of context.actors()) yield contextOp(context, actor)
  const items = state.scan()
  for (let next = items.next(); next.done !== true; next = items.next()) {
    const op = itemOp(state, next.value)
    if (op !== undefined) yield op
  }
}

/** @returns undefined for an element that is told with its first dot */
function itemOp(state: ReplicaState, { key, dot }: StateItem): StorageOp | undefined {
  if (key.kind === 'entry') return entryOp(key.map, key.key, state.entry(key.map, key.key))
  if (key.kind === 'record') return recordOp(key.table, key.key, state.heldRecord(key.table, key.key))
  const dots = state.dotsOf(key.set, key.member)
  const [first] = dots
  const isFirst = first !== undefined && first.actor === dot?.actor && first.n === dot.n
  return isFirst ? memberOp(key.set, key.member, dots) : undefined
}
