import { describe, expect, it } from 'vitest'
import { Arena } from '../../../../src/gossip/io/arena.ts'

describe('arena', () => {
  it('lends pieces that do not touch, and no more than there is', () => {
    const arena = new Arena(100)
    const [a, b, c] = [arena.borrow(40), arena.borrow(40), arena.borrow(21)]
    expect([a?.length, b?.length, c]).toEqual([40, 40, undefined])
    a?.fill(1)
    b?.fill(2)
    expect([a?.every((byte) => byte === 1), arena.borrow(20)?.length]).toEqual([true, 20])
  })

  it('lends what came back again, from the first gap that is long enough', () => {
    const arena = new Arena(100)
    const pieces = [20, 30, 20, 30].map((bytes) => arena.borrow(bytes))
    for (const i of [0, 1]) {
      const piece = pieces[i]
      if (piece !== undefined) arena.giveBack(piece)
    }
    expect([arena.borrow(40)?.byteOffset, arena.borrow(11), arena.borrow(10)?.byteOffset]).toEqual([
      0,
      undefined,
      40,
    ])
  })

  it('is let go when nothing of it is lent, and only then', () => {
    const arena = new Arena(100)
    const first = arena.borrow(50)
    arena.tidy()
    const second = arena.borrow(50)
    expect(second?.buffer === first?.buffer).toBe(true)
    for (const piece of [first, second]) if (piece !== undefined) arena.giveBack(piece)
    arena.tidy()
    expect(arena.borrow(50)?.buffer === first?.buffer).toBe(false)
  })

  it('is not made before the first loan, and once', () => {
    const arena = new Arena(100)
    const [a, b] = [arena.borrow(50), arena.borrow(50)]
    expect([a?.buffer === b?.buffer, a?.buffer.byteLength]).toEqual([true, 100])
  })
})
