/** Leases of dots: no number is issued before it is reserved on disk, and none twice. */
import { describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import { ActorKeeper, LEASE_BLOCK } from '../../../src/store/actor-keeper.ts'
import type { ActorRecord } from '../../../src/store/core/actor-record.ts'

const FIRST = actorId('a'.repeat(32))
const SECOND = actorId('b'.repeat(32))

/** A disk that finishes a save only when told to. */
class HeldDisk {
  readonly saved: ActorRecord[] = []
  readonly #waiting: (() => void)[] = []
  held = false
  error: Error | undefined

  save = async (record: ActorRecord): Promise<void> => {
    if (this.held) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.error !== undefined) throw this.error
    this.saved.push(record)
  }

  release(): void {
    this.held = false
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  get leasedTo(): number {
    return this.saved.at(-1)?.leasedTo ?? 0
  }
}

function keeperOn(disk: HeldDisk, record: Partial<ActorRecord> = {}): ActorKeeper {
  return new ActorKeeper({ record: { actor: FIRST, leasedTo: 0, ...record }, save: disk.save })
}

describe('the actor keeper', () => {
  it('issues nothing before a lease is on disk', async () => {
    const disk = new HeldDisk()
    const keeper = keeperOn(disk)
    expect(() => keeper.nextDot()).toThrow(expect.objectContaining({ code: 'STORE_OVERLOADED' }))
    await keeper.ready()
    expect(disk.leasedTo).toBe(2 * LEASE_BLOCK)
    expect(keeper.nextDot()).toEqual({ actor: FIRST, n: 1 })
  })

  it('starts above everything an earlier process may have issued', async () => {
    const keeper = keeperOn(new HeldDisk(), { leasedTo: 20_000 })
    await keeper.ready()
    expect(keeper.nextDot().n).toBe(20_001)
  })

  it('never issues a number above what is on disk, however many are asked for', async () => {
    const disk = new HeldDisk()
    const keeper = keeperOn(disk)
    let last = 0
    for (let round = 0; round < 30; round++) {
      await keeper.ready()
      for (let i = 0; i < 3000; i++) {
        const { n } = keeper.nextDot()
        expect(n).toBe(last + 1)
        last = n
      }
      expect(last).toBeLessThanOrEqual(disk.leasedTo)
    }
    expect(disk.saved.length).toBeLessThan(15)
  })

  it('extends in the background while enough are left, and makes the writer wait at the edge', async () => {
    const disk = new HeldDisk()
    const keeper = keeperOn(disk)
    await keeper.ready()
    for (let i = 0; i < LEASE_BLOCK + 1; i++) keeper.nextDot()
    disk.held = true
    await keeper.ready()
    for (let i = 0; i < LEASE_BLOCK / 2; i++) keeper.nextDot()
    let arrived = false
    const waiting = Promise.resolve(keeper.ready()).then(() => {
      arrived = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(arrived).toBe(false)
    disk.release()
    await waiting
    expect(keeper.available).toBeGreaterThanOrEqual(LEASE_BLOCK / 2)
  })

  it('reports a disk that refuses the lease, and goes on once it takes it', async () => {
    const disk = new HeldDisk()
    const keeper = keeperOn(disk)
    disk.error = new Error('ENOSPC: no space left on device')
    await expect(keeper.ready()).rejects.toMatchObject({ code: 'STORE_DISK_FULL' })
    expect(() => keeper.nextDot()).toThrow()
    disk.error = undefined
    await keeper.ready()
    expect(keeper.nextDot().n).toBe(1)
  })

  it('issues no dot of a renounced identity, and none of the new one before its lease is on disk', async () => {
    const disk = new HeldDisk()
    const keeper = keeperOn(disk)
    await keeper.ready()
    for (let i = 0; i < LEASE_BLOCK + 1; i++) keeper.nextDot()
    disk.held = true
    await keeper.ready()
    keeper.renounce(SECOND)
    expect(keeper.actor).toBe(SECOND)
    expect(() => keeper.nextDot()).toThrow(expect.objectContaining({ code: 'STORE_OVERLOADED' }))
    disk.release()
    await keeper.ready()
    expect(keeper.nextDot()).toEqual({ actor: SECOND, n: 1 })
    expect(disk.saved.at(-1)).toEqual({ actor: SECOND, leasedTo: 2 * LEASE_BLOCK })
  })

  it('remembers name and incarnation without touching the lease', async () => {
    const disk = new HeldDisk()
    const keeper = keeperOn(disk, { name: 'a' })
    await keeper.ready()
    await Promise.all([keeper.remember({ incarnation: 3 }), keeper.remember({ name: 'b' })])
    expect(disk.saved.at(-1)).toEqual({
      actor: FIRST,
      leasedTo: 2 * LEASE_BLOCK,
      name: 'b',
      incarnation: 3,
    })
  })

  it('gives the unused rest of the lease back at an orderly end', async () => {
    const disk = new HeldDisk()
    const keeper = keeperOn(disk)
    await keeper.ready()
    keeper.nextDot()
    await keeper.closed(5, 1000)
    expect(disk.saved.at(-1)).toEqual({ actor: FIRST, leasedTo: 1, closedAtBatch: 5 })
  })

  it('without a disk leases without end', () => {
    const keeper = new ActorKeeper({ record: { actor: FIRST, leasedTo: 0 }, save: undefined })
    expect(keeper.nextDot().n).toBe(1)
    expect(keeper.available).toBeGreaterThan(1e15)
  })
})
