/**
 * The actor keeper: hands out dots from a lease and keeps the actor file in step.
 *
 * Numbers are reserved on disk in blocks of 10,000 before the first of them is used, as one tears tickets off a roll
 * that was paid for in advance: one fsync buys 10,000 writes, and a crash wastes at most the rest of the roll, a hole
 * that peers remember as one interval (peers.md 3b). The next block is ordered in the background when fewer than 5,000
 * are left; whoever is about to write calls `ready()` first, which waits only when the roll has really run short.
 *
 * Memory-only replicas have no file: their lease is without end and every start is a new actor.
 */

import { assert } from '../base/assert.ts'
import { HearsayError } from '../base/errors.ts'
import type { ActorId } from '../base/names.ts'
import type { ActorRecord } from './core/actor-record.ts'
import { StampBound } from './stamp-bound.ts'
import { writeError } from './storage.ts'

export const LEASE_BLOCK = 10_000
const LOW_WATER = LEASE_BLOCK / 2

/** What else the file remembers for the composition root. */
export type ActorNotes = Pick<ActorRecord, 'name' | 'incarnation'>

export interface ActorKeeperOptions {
  /** As read from the file, or freshly minted with `leasedTo` 0. */
  readonly record: ActorRecord
  /** Makes a record durable; undefined for a replica without a disk. */
  readonly save: ((record: ActorRecord) => Promise<void>) | undefined
}

export class ActorKeeper {
  #record: ActorRecord
  readonly #save: ActorKeeperOptions['save']
  /** Undefined for a replica without a disk. */
  readonly #stamps: StampBound | undefined
  #first: number
  #next: number
  /** Dots up to here are reserved durably. */
  #ceiling: number
  /** Saves run one after the other; this is the last of them. */
  #saving: Promise<void> = Promise.resolve()
  #extending: Promise<void> | undefined

  constructor(options: ActorKeeperOptions) {
    this.#record = options.record
    this.#save = options.save
    if (options.save !== undefined) {
      this.#stamps = new StampBound(options.record.stampBoundMs ?? 0, (stampBoundMs) =>
        this.#update((record) => ({ ...record, stampBoundMs })),
      )
    }
    this.#first = options.record.leasedTo + 1
    this.#next = this.#first
    this.#ceiling = options.save === undefined ? Number.MAX_SAFE_INTEGER : options.record.leasedTo
  }

  get actor(): ActorId {
    return this.#record.actor
  }

  get notes(): ActorNotes {
    return this.#record
  }

  /** The lowest number that this process may issue under the present identity. */
  get first(): number {
    return this.#first
  }

  /** The number the next dot will carry. */
  get next(): number {
    return this.#next
  }

  /** Dots that may be issued before the next `ready()`. */
  get available(): number {
    return this.#ceiling - this.#next + 1
  }

  /** @throws HearsayError `STORE_OVERLOADED` when the lease is used up: one batch asked for more than `ready()` had reserved */
  nextDot(): { readonly actor: ActorId; readonly n: number } {
    if (this.available < 1) {
      throw new HearsayError('STORE_OVERLOADED', 'too many writes at once; try again in a moment')
    }
    return { actor: this.#record.actor, n: this.#next++ }
  }

  /**
   * Undefined while a whole block is left: nothing to wait for. Else resolves when at least `LOW_WATER` dots are reserved
   * on disk, ordering more in the background when it gets close.
   * @throws HearsayError `STORE_DISK_FULL`, `STORE_WRITE_FAILED`
   */
  ready(): Promise<void> | undefined {
    if (this.available >= LEASE_BLOCK) return undefined
    return this.#topUp()
  }

  async #topUp(): Promise<void> {
    // A loop, because the identity may be renounced, and its lease with it, while the disk is busy.
    while (this.available < LOW_WATER) await this.#extend()
    // In the background: if it fails, the next call at the edge tries again and reports.
    if (this.available < LEASE_BLOCK) this.#extend().catch(() => undefined)
  }

  #extend(): Promise<void> {
    this.#extending ??= this.#reserve(this.#record.actor, this.#next + 2 * LEASE_BLOCK - 1).finally(() => {
      this.#extending = undefined
    })
    return this.#extending
  }

  async #reserve(actor: ActorId, leasedTo: number): Promise<void> {
    await this.#update((record) => (record.actor === actor ? { ...record, leasedTo } : record))
    if (this.#record.actor !== actor) return
    assert(leasedTo >= this.#ceiling, 'a lease never shrinks')
    this.#ceiling = leasedTo
  }

  /** No stamp of an earlier life has a later physical part. */
  get stampBoundMs(): number {
    return this.#stamps?.ms ?? 0
  }

  /**
   * Sees to it that the next life begins above these stamps; to be called when they are drawn and before anybody hears of
   * them. Undefined when that is so already, else resolves then. @throws as `ready`
   */
  coverStamps(clockMs: number, wallMs: number): Promise<void> | undefined {
    return this.#stamps?.cover(clockMs, wallMs)
  }

  /** Lowers what the next life begins above, for stamps that a wrong wall clock carried ahead. @throws as `ready` */
  async turnBackStamps(wallMs: number): Promise<void> {
    await this.#stamps?.turnBack(wallMs)
  }

  /** Durably remembers the peer name or incarnation; fields not given stay. @throws as `ready` */
  remember(notes: ActorNotes): Promise<void> {
    return this.#update((record) => ({ ...record, ...notes }))
  }

  /**
   * Gives up this identity for `actor`, counting from 1 (peers.md 3b: amnesia or a clone). Takes effect at once: no dot
   * of the old actor is issued from here on, and none of the new one before `ready()` has made its lease durable.
   */
  renounce(actor: ActorId): void {
    this.#record = { ...this.#record, actor, leasedTo: 0 }
    this.#first = 1
    this.#next = 1
    this.#ceiling = this.#save === undefined ? Number.MAX_SAFE_INTEGER : 0
    this.#extending = undefined
  }

  /**
   * Marks an orderly end, so that the next start can tell whether the database lost its tail since; what was reserved and
   * not used is given back.
   * @param clockMs physical part of the newest stamp
   */
  closed(batches: number, clockMs: number): Promise<void> {
    const issuedTo = this.#next - 1
    return this.#update((record) => {
      const stamps = record.stampBoundMs === undefined ? {} : { stampBoundMs: clockMs }
      return { ...record, ...stamps, closedAtBatch: batches, leasedTo: issuedTo }
    })
  }

  /** Saves run in order, each from what the one before has made of the record. */
  #update(change: (record: ActorRecord) => ActorRecord): Promise<void> {
    const saved = this.#saving.then(async () => {
      const record = change(this.#record)
      try {
        await this.#save?.(record)
      } catch (error) {
        throw writeError(error)
      }
      // Applied anew: the identity may have been renounced while the disk was busy.
      this.#record = change(this.#record)
    })
    this.#saving = saved.catch(() => undefined)
    return saved
  }
}
