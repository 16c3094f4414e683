/**
 * The disk of one simulated replica: what is durable, and at most one synced batch on its way.
 *
 * A batch takes time and then is durable as a whole. A crash while it is on its way leaves either all of it or
 * nothing (a write-ahead log tears no batch, it loses the tail); which one is drawn, because a client that got no
 * acknowledgement must accept both. The same holds for a batch that reports an error. Beside the pairs lies one small
 * lease file, written at once and never lost.
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

export class SimDisk {
  readonly #clock: SimClock
  readonly #random: Random
  readonly #pairs = new Map<string, DurablePair>()
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
      if (!fails || this.#random.next() < 0.5) this.#apply(ops)
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
    if (ops !== undefined && this.#random.next() < 0.5) this.#apply(ops)
  }

  /** Everything durable, in key order. */
  pairs(): readonly DurablePair[] {
    return [...this.#pairs.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair)
  }

  get lease(): Uint8Array | undefined {
    return this.#lease
  }

  /** Durable on return, as the real lease file is fsynced and renamed. */
  writeLease(bytes: Uint8Array): void {
    this.#lease = bytes.slice()
  }

  #apply(ops: readonly StorageOp[]): void {
    for (const op of ops) {
      const name = pairName(op.key)
      if (op.type === 'delete') this.#pairs.delete(name)
      else this.#pairs.set(name, [op.key.slice(), op.value.slice()])
    }
  }
}

/** A string that orders as the bytes do. */
function pairName(key: Uint8Array): string {
  let name = ''
  for (const byte of key) name += String.fromCharCode(byte)
  return name
}
