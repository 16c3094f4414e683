import { describe, expect, it } from 'vitest'
import { EarlyFrames } from '../../../../src/store/replication/early-frames.ts'
import type { SyncFrame } from '../../../../src/store/replication/frames.ts'

function frame(sender: string, session: number): SyncFrame {
  return { sender, session, body: { kind: 'refuse', reason: 'busy' } }
}

describe('early frames', () => {
  it('are given once, in their order, to whoever asks for their sender', () => {
    const early = new EarlyFrames()
    for (const session of [1, 2, 3]) early.keep(frame('a', session))
    early.keep(frame('b', 9))
    expect(early.take('a').map(({ session }) => session)).toEqual([1, 2, 3])
    expect(early.take('a')).toEqual([])
    expect(early.take('b').length).toBe(1)
  })

  it('are at most 8 of one sender and of 4 senders, the latest', () => {
    const early = new EarlyFrames()
    for (let session = 1; session <= 20; session++) early.keep(frame('a', session))
    expect(early.take('a').map(({ session }) => session)).toEqual([13, 14, 15, 16, 17, 18, 19, 20])
    for (let i = 0; i < 10; i++) early.keep(frame(`n${i}`, 1))
    expect(Array.from({ length: 10 }, (_, i) => early.take(`n${i}`).length)).toEqual([
      0, 0, 0, 0, 0, 0, 1, 1, 1, 1,
    ])
  })
})
