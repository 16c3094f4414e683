import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FrameBatcher } from '../../../src/app/frame-batcher.ts'
import { BATCH_BYTES_MAX, decodeBatch, isBatch } from '../../../src/gossip/core/batch-frame.ts'

let sent: { peer: string; frames: number[]; bytes: number; atMs: number }[] = []

function batcher(): FrameBatcher {
  sent = []
  return new FrameBatcher(
    { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    (peer, payload) => {
      const frames = isBatch(payload) ? (decodeBatch(payload) ?? []) : [payload]
      sent.push({
        peer,
        frames: frames.map((frame) => frame[0] ?? -1),
        bytes: payload.length,
        atMs: performance.now(),
      })
    },
  )
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('frames for one member', () => {
  it('leave together at the end of the turn, and a single one as it is', () => {
    const frames = batcher()
    for (let n = 0; n < 200; n++) frames.add('ana', Uint8Array.of(n))
    frames.add('ben', Uint8Array.of(7))
    expect(sent).toEqual([])
    vi.advanceTimersByTime(0)
    expect(sent.map(({ peer, frames }) => [peer, frames.length])).toEqual([
      ['ana', 200],
      ['ben', 1],
    ])
    expect(sent[1]?.bytes).toBe(1)
  })

  it('wait for 5 ms after the last that left, and not longer', () => {
    const frames = batcher()
    for (let ms = 0; ms < 20; ms++) {
      frames.add('ana', Uint8Array.of(ms))
      vi.advanceTimersByTime(1)
    }
    vi.advanceTimersByTime(5)
    expect(sent.flatMap(({ frames }) => frames)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    const gaps = sent.slice(1).map(({ atMs }, index) => atMs - (sent[index]?.atMs ?? 0))
    expect([sent[0]?.atMs, ...gaps]).toEqual([sent[0]?.atMs, 5, 5, 5, 5])
    vi.advanceTimersByTime(100)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('are never more than a batch may hold, and a frame that fills one goes alone', () => {
    const frames = batcher()
    for (let n = 0; n < 5; n++) frames.add('ana', new Uint8Array(100_000).fill(n))
    frames.add('ana', new Uint8Array(BATCH_BYTES_MAX).fill(9))
    vi.advanceTimersByTime(5)
    expect(sent.every(({ frames, bytes }) => bytes <= BATCH_BYTES_MAX || frames[0] === 9)).toBe(true)
    expect(sent.flatMap(({ frames }) => frames).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 9])
  })

  it('leave at once when flushed, and nothing is armed after', () => {
    const frames = batcher()
    frames.add('ana', Uint8Array.of(1))
    vi.advanceTimersByTime(0)
    frames.add('ana', Uint8Array.of(2))
    frames.flush()
    expect(sent.map(({ frames }) => frames)).toEqual([[1], [2]])
    expect(vi.getTimerCount()).toBe(0)
  })
})
