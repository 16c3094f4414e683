/**
 * Rebuilds a ReplicaState from the records on disk, in whatever order they come.
 *
 * A dot that stands in an entry or member but not in the stored context is added to it: the entry is there, so it was
 * seen; and the context on disk is put right with the first batch, or the dot would be forgotten when the entry goes. The
 * other way round, a dot in the context without an entry is what a removal looks like; that is why records and contexts are
 * written in one batch.
 *
 * After damage the stored contexts are not believed: they speak of records that are gone, and peers would take them for
 * removals and delete their good copies. Then only the dots that are held are claimed. Forgotten removals come back from
 * the peers' contexts, the lost entries from their states. The contexts on disk are put right with the first batch.
 */
import { HearsayError } from '../../base/errors.ts'
import type { ActorId } from '../../base/names.ts'
import { CausalContext } from '../../crdt/context.ts'
import { CLOCK_START, type ClockState, observe } from '../../crdt/hlc.ts'
import { OrSets } from '../../crdt/or-set.ts'
import { PieceReader, type StoredPiece } from './disk-layout.ts'
import { DotBag } from './dot-bag.ts'
import { ItemDigest } from './item-digest.ts'
import { MapStore } from './map-store.ts'
import { RecordTables } from './record-tables.ts'
import { ReplicaState, type ReplicaStateOptions } from './replica-state.ts'

export interface LoadedState {
  readonly state: ReplicaState
  /** Records left out. Above 0 the caller must go on as a new actor: its counter may have been among what was lost. */
  readonly damagedRecords: number
}

export class StateLoader {
  readonly #options: ReplicaStateOptions
  /** Of the pieces met. */
  readonly #held = new DotBag()
  /** By the stored contexts. */
  readonly #claimed = new CausalContext()
  readonly #digest = new ItemDigest()
  readonly #maps: MapStore
  readonly #sets = new OrSets(this.#digest.onDot)
  readonly #records = new RecordTables(this.#digest)
  readonly #pieces = new PieceReader()
  #clock: ClockState = CLOCK_START
  #damagedRecords = 0

  constructor(options: ReplicaStateOptions = {}) {
    this.#options = options
    this.#maps = new MapStore(this.#digest, options)
  }

  /** One stored record whose checksum was right. One that cannot be read counts as damaged. */
  record(key: Uint8Array, value: Uint8Array): void {
    try {
      this.#take(this.#pieces.read(key, value))
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      this.#damagedRecords++
    }
  }

  /** One stored record whose checksum was wrong. */
  damaged(): void {
    this.#damagedRecords++
  }

  finish(): LoadedState {
    const intact = this.#damagedRecords === 0
    const context = intact ? this.#claimed : new CausalContext()
    const stored = intact ? context.clone() : this.#claimed
    this.#held.addTo(context)
    const wrong = new Set([...stored.actors(), ...context.actors()])
    const parts = {
      context,
      unsavedActors: [...wrong].filter((actor) => !sameOf(actor, stored, context)),
      clock: this.#clock,
      digest: this.#digest,
      maps: this.#maps,
      sets: this.#sets,
      records: this.#records,
    }
    return { state: new ReplicaState(this.#options, parts), damagedRecords: this.#damagedRecords }
  }

  #take(piece: StoredPiece): void {
    if (piece.kind === 'clock') this.#clock = observe(this.#clock, piece.clock)
    else if (piece.kind === 'context') piece.addTo(this.#claimed)
    else if (piece.kind === 'record') this.#records.restore(piece)
    else if (piece.kind === 'member') {
      for (const dot of piece.dots) {
        this.#held.add(dot)
        this.#sets.restore({ set: piece.set, member: piece.member, dot })
      }
    } else {
      this.#held.add(piece.entry.dot)
      this.#maps.restore(piece)
    }
  }
}

function sameOf(actor: ActorId, a: CausalContext, b: CausalContext): boolean {
  const [mine, theirs] = [a.intervals(actor), b.intervals(actor)]
  return (
    mine.length === theirs.length &&
    mine.every((interval) => b.hasAll(actor, interval)) &&
    theirs.every((interval) => a.hasAll(actor, interval))
  )
}

export function loadState(
  pairs: Iterable<readonly [key: Uint8Array, value: Uint8Array]>,
  options: ReplicaStateOptions = {},
): LoadedState {
  const loader = new StateLoader(options)
  for (const [key, value] of pairs) loader.record(key, value)
  return loader.finish()
}
