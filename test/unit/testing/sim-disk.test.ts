import { describe, expect, it } from 'vitest'
import type { StorageOp } from '../../../src/store/core/storage-op.ts'
import { randomStream } from '../../../src/testing/random-streams.ts'
import { SimClock } from '../../../src/testing/sim-clock.ts'
import { SimDisk, soundDisk } from '../../../src/testing/sim-disk.ts'

const put = (key: number, value: number): StorageOp => ({
  type: 'put',
  key: Uint8Array.of(key),
  value: Uint8Array.of(value),
})

function build(seed = 1) {
  const clock = new SimClock()
  return { clock, disk: new SimDisk(clock, randomStream(seed, 'disk')) }
}

describe('a simulated disk', () => {
  it('is durable only when it says so', () => {
    const { clock, disk } = build()
    let ok: boolean | undefined
    disk.write([put(2, 1), put(1, 1)], (result) => {
      ok = result
    })
    expect(disk.pairs()).toEqual([])
    expect(disk.busy).toBe(true)
    clock.runUntil(1000)
    expect(ok).toBe(true)
    expect(disk.busy).toBe(false)
    expect(disk.pairs().map(([key]) => key[0])).toEqual([1, 2])
  })

  it('keeps all or nothing of a batch that a crash interrupts, and reports neither', () => {
    const survivors = new Set<number>()
    for (let seed = 0; seed < 40; seed++) {
      const { clock, disk } = build(seed)
      let heard = false
      disk.write([put(1, 1), put(2, 1), put(3, 1)], () => {
        heard = true
      })
      disk.crash()
      clock.runUntil(1000)
      expect(heard).toBe(false)
      survivors.add(disk.pairs().length)
    }
    expect([...survivors].sort((a, b) => a - b)).toEqual([0, 3])
  })

  it('never loses a durable batch or the lease in a crash', () => {
    const { clock, disk } = build()
    disk.write([put(1, 1)], () => {})
    disk.writeLease(Uint8Array.of(5))
    clock.runUntil(1000)
    disk.crash()
    expect(disk.pairs().length).toBe(1)
    expect(disk.lease).toEqual(Uint8Array.of(5))
  })

  it('may or may not hold a batch whose write failed', () => {
    const held = new Set<number>()
    for (let seed = 0; seed < 40; seed++) {
      const { clock, disk } = build(seed)
      disk.setFaults({ ...soundDisk(), errorRate: 1 })
      let ok = true
      disk.write([put(1, 1)], (result) => {
        ok = result
      })
      clock.runUntil(1000)
      expect(ok).toBe(false)
      held.add(disk.pairs().length)
    }
    expect(held.size).toBe(2)
  })

  it('deletes what a batch deletes', () => {
    const { clock, disk } = build()
    disk.write([put(1, 1)], () => {})
    clock.runUntil(1000)
    disk.write([{ type: 'delete', key: Uint8Array.of(1) }], () => {})
    clock.runUntil(2000)
    expect(disk.pairs()).toEqual([])
  })

  it('goes back to how it was, lease included, and becomes a copy of another', () => {
    const { clock, disk } = build()
    for (let i = 1; i <= 3; i++) {
      disk.writeLease(Uint8Array.of(i))
      disk.write([put(i, 1)], () => {})
      clock.runUntil(1000 * i)
    }
    disk.writeLease(Uint8Array.of(9))
    const other = build().disk
    other.restore(disk.image())
    expect([other.pairs().length, other.lease?.[0]]).toEqual([3, 9])
    disk.restore(disk.image(999))
    expect([disk.pairs().length, disk.lease?.[0]]).toEqual([1, 1])
    expect(other.pairs().length).toBe(3)
  })

  it('loses its tail silently, the middle and single records noticeably, until the next batch repairs it', () => {
    const { clock, disk } = build()
    for (let i = 1; i <= 4; i++) {
      disk.write([put(i, 1)], () => {})
      clock.runUntil(1000 * i)
    }
    disk.loseTail(1)
    expect([disk.pairs().length, disk.damaged]).toEqual([3, 0])
    expect(disk.loseMiddle()).toBe(true)
    expect([disk.pairs().length, disk.damaged]).toEqual([2, 1])
    expect(disk.flipBits(1)).toBe(1)
    expect([disk.pairs().length, disk.damaged]).toEqual([1, 2])
    disk.write([put(9, 1)], () => {})
    clock.runUntil(6000)
    expect([disk.pairs().length, disk.damaged]).toEqual([2, 0])
  })
})
