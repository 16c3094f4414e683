/**
 * The staging area of one batch: what its operations have written so far, over the state that readers still see.
 *
 * Operations of one batch see each other's writes in order, so two conditional writes that wait together cannot both
 * win. Each mutation yields its delta. An operation works in a layer of its own, folded into the batch when it succeeds
 * and forgotten when it throws; a dot it drew is then never used, which leaves a gap that the context can hold.
 */
import { HearsayError } from '../../base/errors.ts'
import type { Dot } from '../../crdt/dot.ts'
import { stampWrite } from '../../crdt/hlc.ts'
import type { Delta, ForeignRecord, MapEntry, StoredValue } from './delta.ts'
import { isVisible } from './map-store.ts'
import type { Stage } from './operation.ts'
import { compareRecords, isExpired, isStorable } from './record-tables.ts'
import type { ReplicaState } from './replica-state.ts'
import { type StateKey, stateKeyName } from './state-key.ts'

const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }

/** What an operation has written under one key. */
export type StagedPiece =
  | { readonly key: StateKey & { kind: 'entry' }; readonly entry: MapEntry }
  | { readonly key: StateKey & { kind: 'member' }; readonly dots: readonly Dot[] }
  | { readonly key: StateKey & { kind: 'record' }; readonly record: ForeignRecord }

export class BatchStage implements Stage {
  readonly nowMs: number
  readonly #state: ReplicaState
  readonly #nextDot: () => Dot
  readonly #committed = new Map<string, StagedPiece>()
  readonly #deltas: Delta[] = []
  #layer = new Map<string, StagedPiece>()
  #layerDeltas: Delta[] = []

  constructor(state: ReplicaState, nextDot: () => Dot, nowMs: number) {
    this.#state = state
    this.#nextDot = nextDot
    this.nowMs = nowMs
  }

  /** One for each mutation, in order. */
  get deltas(): readonly Delta[] {
    return this.#deltas
  }

  get staged(): Iterable<StagedPiece> {
    return this.#committed.values()
  }

  /** Runs one operation in a layer of its own. @returns its deltas. @throws what it throws, after undoing it */
  run(operation: (stage: Stage) => void): readonly Delta[] {
    this.#layer = new Map()
    this.#layerDeltas = []
    operation(this)
    for (const [name, staged] of this.#layer) this.#committed.set(name, staged)
    for (const delta of this.#layerDeltas) this.#deltas.push(delta)
    return this.#layerDeltas
  }

  getEntry(map: string, key: string): MapEntry | undefined {
    const entry = this.#held(map, key)
    return entry !== undefined && isVisible(entry, this.nowMs) ? entry : undefined
  }

  put(map: string, key: string, value: StoredValue, expiresAtMs: number | undefined): MapEntry {
    if (expiresAtMs !== undefined && !(Number.isSafeInteger(expiresAtMs) && expiresAtMs >= 0)) {
      throw new HearsayError('STORE_EXPIRY_MALFORMED', `not a time in whole ms: ${expiresAtMs}`)
    }
    return this.#write(map, key, value, expiresAtMs)
  }

  delete(map: string, key: string): MapEntry | undefined {
    return this.getEntry(map, key) === undefined ? undefined : this.#write(map, key, undefined, undefined)
  }

  hasMember(set: string, member: string): boolean {
    return this.#dotsOf(set, member).length > 0
  }

  addMember(set: string, member: string): boolean {
    const covered = this.#dotsOf(set, member)
    const dot = this.#nextDot()
    this.#stage({ key: { kind: 'member', set, member }, dots: [dot] })
    this.#layerDeltas.push({ ...NOTHING, adds: [{ set, member, dot }], covered })
    return covered.length === 0
  }

  removeMember(set: string, member: string): boolean {
    const covered = this.#dotsOf(set, member)
    if (covered.length === 0) return false
    this.#stage({ key: { kind: 'member', set, member }, dots: [] })
    this.#layerDeltas.push({ ...NOTHING, covered })
    return true
  }

  getRecord(table: string, key: string): ForeignRecord | undefined {
    const record = this.#heldRecord(table, key)
    return record !== undefined && !isExpired(record, this.nowMs) ? record : undefined
  }

  putRecord(table: string, key: string, record: ForeignRecord): void {
    if (!isStorable(record)) {
      throw new HearsayError(
        'STORE_RECORD_MALFORMED',
        'a version beyond 64 bits, or an expiry that is no whole ms',
      )
    }
    const held = this.#heldRecord(table, key)
    if (isExpired(record, this.nowMs) || (held !== undefined && compareRecords(record, held) <= 0)) return
    this.#stage({ key: { kind: 'record', table, key }, record })
    this.#layerDeltas.push({ ...NOTHING, records: [{ table, key, record }] })
  }

  #write(
    map: string,
    key: string,
    value: StoredValue | undefined,
    expiresAtMs: number | undefined,
  ): MapEntry {
    const held = this.#held(map, key)
    const dot = this.#nextDot()
    const stamp = stampWrite(this.#state.tick(this.nowMs), dot.actor, held?.stamp)
    const entry: MapEntry = { dot, stamp, value, expiresAtMs }
    this.#stage({ key: { kind: 'entry', map, key }, entry })
    const covered = held === undefined ? [] : [held.dot]
    this.#layerDeltas.push({ ...NOTHING, puts: [{ map, key, entry }], covered })
    return entry
  }

  #held(map: string, key: string): MapEntry | undefined {
    const staged = this.#find({ kind: 'entry', map, key })
    return staged !== undefined && 'entry' in staged ? staged.entry : this.#state.entry(map, key)
  }

  #dotsOf(set: string, member: string): readonly Dot[] {
    const staged = this.#find({ kind: 'member', set, member })
    return staged !== undefined && 'dots' in staged ? staged.dots : this.#state.dotsOf(set, member)
  }

  #heldRecord(table: string, key: string): ForeignRecord | undefined {
    const staged = this.#find({ kind: 'record', table, key })
    return staged !== undefined && 'record' in staged ? staged.record : this.#state.heldRecord(table, key)
  }

  #find(key: StateKey): StagedPiece | undefined {
    if (this.#committed.size === 0 && this.#layer.size === 0) return undefined
    const name = stateKeyName(key)
    return this.#layer.get(name) ?? this.#committed.get(name)
  }

  #stage(staged: StagedPiece): void {
    this.#layer.set(stateKeyName(staged.key), staged)
  }
}
