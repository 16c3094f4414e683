import { describe, expect, it } from 'vitest'
import { clockOp } from '../../../src/store/core/disk-layout.ts'
import { randomStream } from '../../../src/testing/random-streams.ts'
import { SimClock } from '../../../src/testing/sim-clock.ts'
import { soundCollaborators } from '../../../src/testing/sim-collaborators.ts'
import { SimDisk } from '../../../src/testing/sim-disk.ts'
import { SimIdentity } from '../../../src/testing/sim-identity.ts'

/** A disk that has taken a batch, as every disk has once a store was opened on it. */
function newDisk(): SimDisk {
  const clock = new SimClock()
  const disk = new SimDisk(clock, randomStream(1, 'disk'))
  bootOn(disk)
  for (let ms = 1; ms <= 2; ms++) {
    disk.write([clockOp({ ms, logical: 0 })], () => {})
    clock.runUntil(1000 * ms)
  }
  return disk
}

function bootOn(disk: SimDisk, seed = 1): SimIdentity {
  return new SimIdentity(disk, randomStream(seed, 'actor'), soundCollaborators().load(disk, {}))
}

describe('the identity of a simulated replica', () => {
  it('numbers its dots from 1 without gaps while it lives', () => {
    const identity = bootOn(newDisk())
    const numbers = Array.from({ length: 50 }, () => identity.nextDot().n)
    expect(numbers).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
  })

  it('stays the same actor over crashes and never gives a number twice', () => {
    const disk = newDisk()
    const given = new Set<number>()
    let count = 0
    const actors = new Set<string>()
    for (let boot = 0; boot < 20; boot++) {
      const identity = bootOn(disk)
      actors.add(identity.actor)
      for (let i = 0; i <= boot * 3; i++) {
        given.add(identity.nextDot().n)
        count++
      }
      disk.crash()
    }
    expect(actors.size).toBe(1)
    expect(given.size).toBe(count)
  })

  it('is a new actor where the disk lost its tail since an orderly end, and the same where it did not', () => {
    const disk = newDisk()
    const before = bootOn(disk, 2)
    before.closed(0)
    expect(bootOn(disk, 3).actor).toBe(before.actor)
    before.closed(0)
    disk.loseTail(1)
    const after = bootOn(disk, 4)
    expect(after.doubt).toContain('batch')
    expect(after.actor).not.toBe(before.actor)
  })

  it('is a new actor on an emptied disk, and where records are damaged', () => {
    const disk = newDisk()
    const { actor } = bootOn(disk)
    disk.flipBits(1)
    expect(bootOn(disk, 2).actor).not.toBe(actor)
    disk.wipe()
    const fresh = bootOn(disk, 3)
    expect(fresh.actor).not.toBe(actor)
    expect(fresh.nextDot().n).toBe(1)
  })

  it('remembers the highest incarnation it announced', () => {
    const disk = newDisk()
    const identity = bootOn(disk)
    identity.raiseIncarnation(7)
    identity.raiseIncarnation(3)
    expect(bootOn(disk).incarnation).toBe(7)
  })
})
