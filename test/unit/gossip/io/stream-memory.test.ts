import { describe, expect, it } from 'vitest'
import { StreamMemory } from '../../../../src/gossip/io/stream-memory.ts'

describe('stream memory', () => {
  it('drops the stream that holds most, once, when the sum exceeds the bound', () => {
    const memory = new StreamMemory(100)
    const dropped: string[] = []
    const charges = ['a', 'b', 'c'].map((name) => memory.open(() => dropped.push(name)))
    for (const [i, bytes] of [20, 50, 30].entries()) charges[i]?.hold(bytes)
    expect([dropped, memory.bytes]).toEqual([[], 100])
    charges[0]?.hold(21)
    expect([dropped, memory.bytes]).toEqual([['b'], 51])
    charges[1]?.hold(500)
    charges[1]?.release()
    expect([dropped, memory.bytes]).toEqual([['b'], 51])
  })

  it('drops the newcomer when it alone is too large', () => {
    const memory = new StreamMemory(100)
    let dropped = false
    memory.open(() => assertNot()).hold(90)
    memory
      .open(() => {
        dropped = true
      })
      .hold(101)
    expect([dropped, memory.bytes]).toEqual([true, 90])
  })

  it('what was released is free again', () => {
    const memory = new StreamMemory(100)
    const first = memory.open(assertNot)
    first.hold(100)
    first.release()
    first.release()
    memory.open(assertNot).hold(100)
    expect(memory.bytes).toBe(100)
  })
})

function assertNot(): void {
  throw new Error('nothing should be dropped')
}
