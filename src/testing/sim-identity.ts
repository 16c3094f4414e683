/**
 * Who a simulated replica is, across its crashes: actor, reserved dots, gossip incarnation.
 *
 * The same discipline as the real actor file: numbers are reserved durably in blocks before the first of a block is
 * used, and a restart begins above everything reserved, so a crash leaves a hole but never gives a number twice. The
 * block is small (20 instead of 10,000) so that runs of a few hundred writes cross many edges. Whether a restarted
 * replica may go on as the actor it was is decided by the production rule (store/core/identity-doubt.ts).
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { type ActorId, actorId } from '../base/names.ts'
import type { Random } from '../base/random.ts'
import type { Dot } from '../crdt/dot.ts'
import { type ActorFileReading, type ActorRecord, STAMP_STEP_MS } from '../store/core/actor-record.ts'
import { doubtOf } from '../store/core/identity-doubt.ts'
import type { LoadedState } from '../store/core/state-loader.ts'
import type { SimDisk } from './sim-disk.ts'

const LEASE_BLOCK = 20

export class SimIdentity {
  readonly #disk: SimDisk
  readonly #random: Random
  /** Why the past is in doubt, so that this process is a new actor; undefined for a first boot or an unbroken one. */
  readonly doubt: string | undefined
  #actor: ActorId
  #first: number
  #next: number
  #leasedTo: number
  #incarnation: number
  #stampBoundMs: number

  /** Reads the lease file of `disk`; mints an actor with `random` on a new or a doubtful one. */
  constructor(disk: SimDisk, random: Random, loaded: LoadedState) {
    this.#disk = disk
    this.#random = random
    const known = readLease(disk.lease)
    this.doubt = doubt(disk, known, loaded)
    const keeps = known !== undefined && this.doubt === undefined
    this.#actor = keeps ? known.actor : this.mint()
    this.#leasedTo = keeps ? known.leasedTo : 0
    this.#incarnation = known?.incarnation ?? 0
    this.#stampBoundMs = known?.stampBoundMs ?? 0
    this.#first = this.#leasedTo + 1
    this.#next = this.#first
    this.#save()
  }

  get actor(): ActorId {
    return this.#actor
  }

  /** The lowest number that this process may issue under the present actor. */
  get first(): number {
    return this.#first
  }

  /** Dots issued by this process under the present actor. */
  get issued(): number {
    return this.#next - this.#first
  }

  /** No stamp of an earlier process on this disk has a later physical part. */
  get stampBoundMs(): number {
    return this.#stampBoundMs
  }

  /** Durable on return: the next process begins above stamps up to `clockMs` (store/stamp-bound.ts, in one step). */
  coverStamps(clockMs: number, wallMs: number): void {
    const targetMs = Math.max(clockMs, wallMs + STAMP_STEP_MS)
    if (clockMs <= this.#stampBoundMs && targetMs < this.#stampBoundMs + STAMP_STEP_MS / 2) return
    this.#stampBoundMs = Math.max(this.#stampBoundMs, targetMs)
    this.#save()
  }

  get incarnation(): number {
    return this.#incarnation
  }

  nextDot(): Dot {
    if (this.#next > this.#leasedTo) {
      this.#leasedTo += LEASE_BLOCK
      this.#save()
    }
    return { actor: this.#actor, n: this.#next++ }
  }

  /** A fresh actor id; it becomes ours with `renounce`. */
  mint(): ActorId {
    let text = ''
    for (let i = 0; i < 32; i++) text += this.#random.below(16).toString(16)
    return actorId(text)
  }

  renounce(actor: ActorId): void {
    this.#actor = actor
    this.#leasedTo = 0
    this.#first = 1
    this.#next = 1
    this.#save()
  }

  /** Durable on return, so that a restarted node announces itself above everything it ever said. */
  raiseIncarnation(incarnation: number): void {
    if (incarnation <= this.#incarnation) return
    this.#incarnation = incarnation
    this.#save()
  }

  /** Marks an orderly end: the next start can tell whether the disk lost its tail since, and no number is wasted. */
  closed(clockMs: number): void {
    this.#leasedTo = this.#next - 1
    this.#stampBoundMs = clockMs
    this.#save(this.#disk.batchCount)
  }

  #save(closedAtBatch?: number): void {
    const writer = new ByteWriter(64).string(this.#actor).varint(this.#leasedTo).varint(this.#incarnation)
    writer.varint(this.#stampBoundMs)
    this.#disk.writeLease(writer.varint(closedAtBatch === undefined ? 0 : closedAtBatch + 1).finish())
  }
}

/** The actor on a disk, if it has one. */
export function actorOn(disk: SimDisk): ActorId | undefined {
  return readLease(disk.lease)?.actor
}

function readLease(lease: Uint8Array | undefined): ActorRecord | undefined {
  if (lease === undefined) return undefined
  const reader = new ByteReader(lease)
  const record = {
    actor: actorId(reader.string()),
    leasedTo: reader.varint(),
    incarnation: reader.varint(),
    stampBoundMs: reader.varint(),
  }
  const closed = reader.varint()
  return closed === 0 ? record : { ...record, closedAtBatch: closed - 1 }
}

function doubt(disk: SimDisk, known: ActorRecord | undefined, loaded: LoadedState): string | undefined {
  const reading: ActorFileReading =
    known === undefined ? { kind: 'absent' } : { kind: 'intact', record: known }
  const report = {
    records: disk.pairs().length,
    damagedKeys: [],
    missingBatches: disk.damaged,
    lastBatch: disk.batchCount,
    marked: true,
  }
  return doubtOf(reading, report, loaded.damagedRecords, loaded.state)
}
