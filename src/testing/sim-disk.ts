/**
 * The disk of one simulated replica: what is durable, and at most one synced batch on its way.
 *
 * A batch takes time and then is durable as a whole. A crash while it is on its way leaves either all of it or
 * nothing (a write-ahead log tears no batch, it loses the tail); which one is drawn, because a client that got no
 * acknowledgement must accept both. The same holds for a batch that reports an error. Beside the pairs lies one small
 * lease file, written at once.
 *
 * The disk remembers every batch, so that it can be harmed as real ones are: lose its tail though that was reported
 * durable, lose a batch from the middle or single records (both found by checksum when it is read), go back to how it
 * was (an old copy restored), become a copy of another one, or be emptied.
 */
import { assert } from '../base/assert.ts'
import type { Random } from '../base/random.ts'
import type { StorageOp } from '../store/core/storage-op.ts'
import { exponential } from './random-streams.ts'
import type { SimClock } from './sim-clock.ts'

/** How slow and how broken; `soundDisk()` is neither. */
export interface DiskFaults {
  /** Mean duration of a synced batch. */
  readonly writeMeanMs: number
  /** Share of batches that take up to `stallMaxMs` more. */
  readonly stallRate: number
  readonly stallMaxMs: number
  /** Share of batches that report an error. */
  readonly errorRate: number
}

export function soundDisk(): DiskFaults {
  return { writeMeanMs: 1, stallRate: 0, stallMaxMs: 0, errorRate: 0 }
}

/** One durable pair. */
export type DurablePair = readonly [key: Uint8Array, value: Uint8Array]

/** What a disk held at one moment; shares nothing that changes. */
export interface DiskImage {
  readonly batches: readonly DurableBatch[]
  readonly lease: Uint8Array | undefined
  readonly damaged: number
}

interface DurableBatch {
  readonly atMs: number
  readonly ops: readonly StorageOp[]
  /** The lease file at that time. */
  readonly lease: Uint8Array | undefined
  /** When it was lost; or, of one that stands for flipped bits, when they flipped. */
  readonly harmedAtMs?: number
}

export class SimDisk {
  readonly #clock: SimClock
  readonly #random: Random
  readonly #pairs = new Map<string, DurablePair>()
  #batches: DurableBatch[] = []
  #damaged = 0
  #faults: DiskFaults = soundDisk()
  #inFlight: readonly StorageOp[] | undefined
  #generation = 0
  #lease: Uint8Array | undefined

  constructor(clock: SimClock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  setFaults(faults: DiskFaults): void {
    this.#faults = faults
  }

  /** Starts a synced batch; one at a time. `done` hears whether it is durable, unless the node crashes first. */
  write(ops: readonly StorageOp[], done: (ok: boolean) => void): void {
    assert(this.#inFlight === undefined, 'one batch is on its way at a time')
    const { writeMeanMs, stallRate, stallMaxMs, errorRate } = this.#faults
    const generation = ++this.#generation
    this.#inFlight = ops
    const stallMs = this.#random.next() < stallRate ? this.#random.next() * stallMaxMs : 0
    const fails = this.#random.next() < errorRate
    this.#clock.after(0.05 + exponential(this.#random, writeMeanMs) + stallMs, () => {
      if (this.#generation !== generation) return
      this.#inFlight = undefined
      if (!fails || this.#random.next() < 0.5) this.#store(ops)
      done(!fails)
    })
  }

  /** Whether a batch is on its way. */
  get busy(): boolean {
    return this.#inFlight !== undefined
  }

  /** Power is cut: a batch on its way survives whole or not at all, and nobody hears of it. */
  crash(): void {
    const ops = this.#inFlight
    this.#inFlight = undefined
    this.#generation++
    if (ops !== undefined && this.#random.next() < 0.5) this.#store(ops)
  }

  /** Everything durable and intact, in key order. */
  pairs(): readonly DurablePair[] {
    return [...this.#pairs.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair)
  }

  /** Batches durable, as the numbers in the database tell. */
  get batchCount(): number {
    return this.#batches.length
  }

  /** Records and batches that are found missing when it is read; the next batch puts that right. */
  get damaged(): number {
    return this.#damaged
  }

  get lease(): Uint8Array | undefined {
    return this.#lease
  }

  /** Durable on return, as the real lease file is fsynced and renamed. */
  writeLease(bytes: Uint8Array): void {
    this.#lease = bytes.slice()
  }

  /** @param atMs how it was then; now when left out */
  image(atMs: number = this.#clock.nowMs): DiskImage {
    const batches = this.#batches.filter((batch) => batch.atMs <= atMs)
    const lease = atMs >= this.#clock.nowMs ? this.#lease : batches.at(-1)?.lease
    return { batches, lease, damaged: atMs >= this.#clock.nowMs ? this.#damaged : damagedAt(atMs, batches) }
  }

  /** Replaces everything. The node must be down. */
  restore(image: DiskImage): void {
    this.#replay(image.batches)
    this.#lease = image.lease
    this.#damaged = image.damaged
  }

  /** The last `count` batches were never written, though they were called durable. The lease file is another file. */
  loseTail(count: number): void {
    this.#replay(this.#batches.slice(0, Math.max(0, this.#batches.length - count)))
  }

  /** One batch that is not the last is gone. @returns whether there was one */
  loseMiddle(): boolean {
    if (this.#batches.length < 2) return false
    const lost = this.#random.below(this.#batches.length - 1)
    // An empty one stays in its place: the batch numbers after it are what tells of the gap.
    this.#replay(
      this.#batches.map((batch, index) =>
        index === lost ? { ...batch, ops: [], harmedAtMs: this.#clock.nowMs } : batch,
      ),
    )
    this.#damaged++
    return true
  }

  /** Flips bits in up to `count` records: their checksums tell, and they are not read. @returns how many */
  flipBits(count: number): number {
    let flipped = 0
    for (; flipped < count && this.#pairs.size > 0; flipped++) {
      const names = [...this.#pairs.keys()]
      const name = names[this.#random.below(names.length)] ?? ''
      const key = this.#pairs.get(name)?.[0]
      assert(key !== undefined, 'the pair is there')
      this.#pairs.delete(name)
      this.#batches.push({ ...this.#batch([{ type: 'delete', key }]), harmedAtMs: this.#clock.nowMs })
    }
    this.#damaged += flipped
    return flipped
  }

  /** A new disk: no pair, no lease. */
  wipe(): void {
    this.restore({ batches: [], lease: undefined, damaged: 0 })
  }

  #store(ops: readonly StorageOp[]): void {
    const copies = ops.map(copyOf)
    this.#apply(copies)
    this.#batches.push(this.#batch(copies))
    this.#damaged = 0
  }

  #batch(ops: readonly StorageOp[]): DurableBatch {
    return { atMs: this.#clock.nowMs, ops, lease: this.#lease }
  }

  #replay(batches: readonly DurableBatch[]): void {
    this.#pairs.clear()
    for (const { ops } of batches) this.#apply(ops)
    this.#batches = [...batches]
  }

  #apply(ops: readonly StorageOp[]): void {
    for (const op of ops) {
      const name = pairName(op.key)
      if (op.type === 'delete') this.#pairs.delete(name)
      else this.#pairs.set(name, [op.key, op.value])
    }
  }
}

/** Harms that no later batch had repaired by then. One done later, to what is part of the copy, is part of it too. */
function damagedAt(atMs: number, batches: readonly DurableBatch[]): number {
  const intact = batches.filter(({ harmedAtMs }) => harmedAtMs === undefined)
  const lastMs = intact.at(-1)?.atMs ?? 0
  return batches.filter(({ harmedAtMs = -1 }) => harmedAtMs > atMs || harmedAtMs >= lastMs).length
}

function copyOf(op: StorageOp): StorageOp {
  const key = op.key.slice()
  return op.type === 'delete' ? { type: 'delete', key } : { type: 'put', key, value: op.value.slice() }
}

/** A string that orders as the bytes do. */
function pairName(key: Uint8Array): string {
  let name = ''
  for (const byte of key) name += String.fromCharCode(byte)
  return name
}
