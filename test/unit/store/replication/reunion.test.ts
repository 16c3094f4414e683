import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { Reunion } from '../../../../src/store/replication/reunion.ts'

const RANDOM = seededRandom(1)
const unknown = (): undefined => undefined

function reunited(lost: readonly string[], came: readonly string[] = lost): Reunion {
  const reunion = new Reunion()
  for (const name of lost) reunion.lost(name)
  for (const name of came) reunion.came(name, 0)
  return reunion
}

describe('reunion', () => {
  it('asks one of those who came back, until one of them was met', () => {
    const reunion = reunited(['a', 'b', 'c'])
    const asked = new Set(Array.from({ length: 50 }, () => reunion.next(1000, RANDOM, unknown)))
    expect(asked).toEqual(new Set(['a', 'b', 'c']))
    reunion.met('stranger')
    expect(reunion.next(1000, RANDOM, unknown)).toBeDefined()
    reunion.met('b')
    expect(reunion.next(1000, RANDOM, unknown)).toBeUndefined()
  })

  it('then asks those that are seen to hold something else, and never those that hold the same', () => {
    const reunion = reunited(['a', 'b', 'c'])
    reunion.met('a')
    const differs = (name: string): boolean | undefined => (name === 'c' ? undefined : name === 'b')
    for (let i = 0; i < 10; i++) expect(reunion.next(1000, RANDOM, differs)).toBe('b')
    expect(reunited(['a']).next(1000, RANDOM, () => false)).toBeUndefined()
  })

  it('leaves newcomers alone, and who left on purpose: they ask us', () => {
    expect(reunited([], ['new']).next(0, RANDOM, unknown)).toBeUndefined()
    const reunion = reunited(['a', 'b'], ['b'])
    reunion.left('a')
    reunion.came('a', 0)
    reunion.left('b')
    expect(reunion.next(0, RANDOM, unknown)).toBeUndefined()
  })

  it('ends after 15 s, whatever differs', () => {
    const reunion = reunited(['a'])
    expect(reunion.next(15_000, RANDOM, () => true)).toBe('a')
    expect(reunion.next(15_001, RANDOM, () => true)).toBeUndefined()
  })

  it('of others who come back later begins anew', () => {
    const reunion = reunited(['a'])
    reunion.met('a')
    expect(reunion.next(20_000, RANDOM, unknown)).toBeUndefined()
    reunion.lost('b')
    reunion.came('b', 20_000)
    expect(reunion.next(20_000, RANDOM, unknown)).toBe('b')
  })

  it('remembers the last thousand that were lost', () => {
    const lost = Array.from({ length: 1001 }, (_, i) => `n${i}`)
    expect(reunited(lost, ['n0']).next(0, RANDOM, unknown)).toBeUndefined()
    expect(reunited(lost, ['n1']).next(0, RANDOM, unknown)).toBe('n1')
  })
})
