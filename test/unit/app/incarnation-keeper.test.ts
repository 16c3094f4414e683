import { describe, expect, it } from 'vitest'
import { INCARNATION_BLOCK, IncarnationKeeper } from '../../../src/app/incarnation-keeper.ts'

function keeper(incarnation: number | undefined, isFull: () => boolean = () => false) {
  const saved: (number | undefined)[] = []
  const failures: unknown[] = []
  const identity = {
    name: undefined,
    incarnation,
    remember: (notes: { readonly incarnation?: number }) => {
      if (isFull()) return Promise.reject(new Error('disk full'))
      saved.push(notes.incarnation)
      return Promise.resolve()
    },
  }
  return { keeper: new IncarnationKeeper(identity, (error) => failures.push(error)), saved, failures }
}

describe('incarnation keeper', () => {
  it('reserves a block with the first incarnation, and the next only when that is used up', () => {
    const { keeper: incarnations, saved } = keeper(undefined)
    for (let incarnation = 1; incarnation <= INCARNATION_BLOCK + 1; incarnation++)
      incarnations.used(incarnation)
    expect(saved).toEqual([INCARNATION_BLOCK, 2 * INCARNATION_BLOCK])
  })

  it('begins above what an earlier life reserved', () => {
    const { keeper: incarnations, saved } = keeper(100)
    incarnations.used(101)
    expect(saved).toEqual([200])
  })

  it('reports a write that failed and tries again with the next incarnation', async () => {
    let full = true
    const { keeper: incarnations, saved, failures } = keeper(undefined, () => full)
    incarnations.used(1)
    await incarnations.idle()
    expect([saved, failures.length]).toEqual([[], 1])
    full = false
    incarnations.used(2)
    expect(saved).toEqual([101])
  })
})
