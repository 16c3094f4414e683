import { describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import { CausalContext } from '../../../src/crdt/context.ts'
import { type LiveDot, OrSets } from '../../../src/crdt/or-set.ts'

const A = actorId('a'.repeat(32))
const B = actorId('b'.repeat(32))
const live = (member: string, n: number, actor = A, set = 's'): LiveDot => ({
  set,
  member,
  dot: { actor, n },
})

function rig(...adds: readonly LiveDot[]): { readonly sets: OrSets; readonly context: CausalContext } {
  const rigged = { sets: new OrSets(), context: new CausalContext() }
  for (const add of adds) rigged.sets.joinAdd(rigged.context, add)
  return rigged
}

describe('add-wins sets', () => {
  it('keep an add that the remover did not see', () => {
    const { sets, context } = rig(live('ana', 1), live('ana', 1, B))
    sets.joinCovered(context, { actor: A, n: 1 })
    expect(sets.has('s', 'ana')).toBe(true)
    expect(sets.dotsOf('s', 'ana')).toEqual([{ actor: B, n: 1 }])
    sets.joinCovered(context, { actor: B, n: 1 })
    expect(sets.has('s', 'ana')).toBe(false)
  })

  it('ignore an add that comes after its removal', () => {
    const { sets, context } = rig()
    sets.joinCovered(context, { actor: A, n: 1 })
    expect(sets.joinAdd(context, live('ana', 1))).toEqual([])
    expect(sets.has('s', 'ana')).toBe(false)
  })

  it('count and name only what has members', () => {
    const { sets, context } = rig(live('x', 1), live('y', 2), live('x', 3, A, 't'))
    expect([sets.size, sets.count('s'), sets.count('t'), sets.count('u')]).toEqual([3, 2, 1, 0])
    expect([...sets.members('s')]).toEqual(['x', 'y'])
    sets.joinCovered(context, { actor: A, n: 3 })
    expect([...sets.names()]).toEqual(['s'])
    expect(sets.size).toBe(2)
  })

  it('tell which element lost a dot', () => {
    const { sets, context } = rig(live('x', 1))
    expect(sets.joinCovered(context, { actor: A, n: 1 })).toEqual(live('x', 1))
    expect(sets.joinCovered(context, { actor: A, n: 1 })).toBeUndefined()
  })
})

describe('a dot that is dropped', () => {
  it('takes its element along with the last one, and is told of', () => {
    const heard: string[] = []
    const sets = new OrSets((_set, member, { n }, sign) => heard.push(`${member} ${n} ${sign}`))
    const context = new CausalContext()
    for (const add of [live('x', 1), live('x', 2)]) sets.joinAdd(context, add)
    sets.drop({ actor: A, n: 1 })
    expect([sets.holds(live('x', 1)), sets.holds(live('x', 2)), sets.has('s', 'x')]).toEqual([
      false,
      true,
      true,
    ])
    sets.drop({ actor: A, n: 2 })
    sets.drop({ actor: A, n: 2 })
    expect(sets.size).toBe(0)
    expect(heard).toEqual(['x 1 1', 'x 2 1', 'x 1 -1', 'x 2 -1'])
  })
})

describe('a dot claimed for two elements', () => {
  const claims = [live('b', 1), live('a', 1)]

  it('stays with the element that sorts first, whichever came first, and is counted', () => {
    for (const [first, second] of [claims, [...claims].reverse()]) {
      const { sets, context } = rig(first as LiveDot)
      sets.joinAdd(context, second as LiveDot)
      expect([...sets.members('s')]).toEqual(['a'])
      expect(sets.collisions).toBe(1)
    }
  })
})
