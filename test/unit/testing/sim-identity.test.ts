import { describe, expect, it } from 'vitest'
import { randomStream } from '../../../src/testing/random-streams.ts'
import { SimClock } from '../../../src/testing/sim-clock.ts'
import { SimDisk } from '../../../src/testing/sim-disk.ts'
import { SimIdentity } from '../../../src/testing/sim-identity.ts'

const newDisk = () => new SimDisk(new SimClock(), randomStream(1, 'disk'))

describe('the identity of a simulated replica', () => {
  it('numbers its dots from 1 without gaps while it lives', () => {
    const identity = new SimIdentity(newDisk(), randomStream(1, 'actor'))
    const numbers = Array.from({ length: 50 }, () => identity.nextDot().n)
    expect(numbers).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
  })

  it('stays the same actor over crashes and never gives a number twice', () => {
    const disk = newDisk()
    const given = new Set<number>()
    let count = 0
    const actors = new Set<string>()
    for (let boot = 0; boot < 20; boot++) {
      const identity = new SimIdentity(disk, randomStream(1, 'actor'))
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

  it('remembers the highest incarnation it announced', () => {
    const disk = newDisk()
    const identity = new SimIdentity(disk, randomStream(1, 'actor'))
    identity.raiseIncarnation(7)
    identity.raiseIncarnation(3)
    expect(new SimIdentity(disk, randomStream(1, 'actor')).incarnation).toBe(7)
  })
})
