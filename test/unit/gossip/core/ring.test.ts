import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { Members } from '../../../../src/gossip/core/members.ts'
import { Ring } from '../../../../src/gossip/core/ring.ts'
import { recordOf, testConfig } from './fixtures.ts'

const FOREIGN = { meta: new Uint8Array() }

/** Ten native members, member-0 to member-9, of which `self` is ourselves; two foreign ones. */
function ringOf(self: number): { ring: Ring; members: Members } {
  const members = new Members(testConfig().classify)
  const random = seededRandom(self + 1)
  for (let i = 0; i < 10; i++) members.insert(recordOf(`member-${i}`, i), i === self, 0, random)
  for (const i of [0, 5]) members.insert(recordOf(`other-${i}`, 50 + i, FOREIGN), false, 0, random)
  return { ring: new Ring(members, `member-${self}`), members }
}

describe('the ring of names', () => {
  it('leads through all members, whatever the order of their lists', () => {
    const visited = new Set<string>()
    let self = 0
    for (let i = 0; i < 10; i++) {
      const next = ringOf(self).ring.next('native')
      visited.add(next?.name ?? '')
      self = Number(next?.name.slice('member-'.length))
    }
    expect([visited.size, self]).toEqual([10, 0])
  })

  it('has a place for everybody in each class, and one for all of them', () => {
    const { ring } = ringOf(9)
    expect(ring.next('native')?.name).toBe('member-0')
    expect(ring.next('foreign')?.name).toBe('other-0')
    expect(ring.next('any')?.name).toBe('other-0')
  })

  it('closes over who dies, at once', () => {
    const { ring, members } = ringOf(3)
    const next = ring.next('native')
    expect(next?.name).toBe('member-4')
    if (next !== undefined) members.setLiveness(next, 'dead', 1)
    expect(ring.next('native')?.name).toBe('member-5')
  })

  it('opens for who comes, when it is reviewed', () => {
    const { ring, members } = ringOf(3)
    ring.next('native')
    members.insert(recordOf('member-3b', 99), false, 1, seededRandom(1))
    expect(ring.next('native')?.name).toBe('member-4')
    ring.review()
    expect(ring.next('native')?.name).toBe('member-3b')
  })

  it('of one member leads nowhere', () => {
    const members = new Members(testConfig().classify)
    members.insert(recordOf('alone', 1), true, 0, seededRandom(1))
    expect(new Ring(members, 'alone').next('any')).toBeUndefined()
  })
})
