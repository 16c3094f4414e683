import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SortedKeys } from '../../../../src/store/core/sorted-keys.ts'

const key = fc.constantFrom('', 'a', 'b', 'ba', 'c', 'é', '😀', '\uffff')
const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key }),
  fc.record({ do: fc.constant('remove' as const), key }),
  fc.record({ do: fc.constant('look' as const), key, inclusive: fc.boolean() }),
)

describe('sorted keys', () => {
  it('list what is held, in order, whatever came and went between the looks', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const held = new Map<string, number>()
        const keys = new SortedKeys(held)
        for (const each of steps) {
          if (each.do === 'add' && !held.has(each.key)) {
            held.set(each.key, 1)
            keys.add(each.key)
          } else if (each.do === 'remove' && held.delete(each.key)) keys.remove()
          else if (each.do === 'look') {
            const expected = [...held.keys()]
              .filter((other) => other > each.key || (each.inclusive && other === each.key))
              .sort((a, b) => (a < b ? -1 : 1))
            expect([...keys.from(each.key, each.inclusive)]).toEqual(expected)
          }
        }
      }),
      { numRuns: 1000 },
    )
  })
})
