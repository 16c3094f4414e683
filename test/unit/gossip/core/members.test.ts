import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { Members } from '../../../../src/gossip/core/members.ts'
import { endpoint, recordOf } from './fixtures.ts'

function listOf(count: number): Members {
  const members = new Members((meta) => (meta.length > 0 ? 'native' : 'foreign'))
  const random = seededRandom(1)
  for (let i = 0; i < count; i++) members.insert(recordOf(`m${i}`, 2000 + i), i === 0, 0, random)
  return members
}

describe('the member list', () => {
  it('counts live peers by class through every change, self left out', () => {
    const members = listOf(4)
    const record = members.get('m1')
    if (record === undefined) throw new Error('m1 is missing')
    const counts = (): number[] => [members.livePeers('native'), members.livePeers('foreign')]
    expect(counts()).toEqual([3, 0])
    members.setMeta(record, new Uint8Array())
    expect(counts()).toEqual([2, 1])
    members.setLiveness(record, 'suspect', 1)
    expect(counts()).toEqual([2, 1])
    members.setLiveness(record, 'dead', 1)
    expect(counts()).toEqual([2, 0])
  })

  it('finds a member by its address, also after a move, and not after it was reaped', () => {
    const members = listOf(3)
    const record = members.get('m2')
    if (record === undefined) throw new Error('m2 is missing')
    members.setEndpoint(record, endpoint(9000))
    expect(members.atEndpoint(endpoint(2002))).toBeUndefined()
    expect(members.atEndpoint(endpoint(9000))).toBe(record)
    members.setLiveness(record, 'left', 5)
    expect(members.reapAndShuffle(14, 10, seededRandom(1))).toEqual([])
    expect(members.reapAndShuffle(16, 10, seededRandom(1))).toEqual([record])
    expect([members.atEndpoint(endpoint(9000)), members.get('m2'), members.size]).toEqual([
      undefined,
      undefined,
      2,
    ])
  })

  it('finds the live member where a dead one was before', () => {
    const members = listOf(2)
    const dead = members.get('m1')
    if (dead === undefined) throw new Error('m1 is missing')
    members.setLiveness(dead, 'dead', 1)
    expect(members.atEndpoint(endpoint(2001))).toBe(dead)
    const heir = members.insert(recordOf('heir', 2001), false, 2, seededRandom(2))
    expect(members.atEndpoint(endpoint(2001))).toBe(heir)
  })

  it('never reaps itself, even after leaving', () => {
    const members = listOf(2)
    const self = members.get('m0')
    if (self === undefined) throw new Error('m0 is missing')
    members.setLiveness(self, 'left', 0)
    expect(members.reapAndShuffle(1e9, 10, seededRandom(1))).toEqual([])
  })

  it('puts newcomers at random places', () => {
    const order = listOf(50).order.map((record) => record.name)
    expect(new Set(order).size).toBe(50)
    expect(order).not.toEqual(Array.from({ length: 50 }, (_, i) => `m${i}`))
  })
})
