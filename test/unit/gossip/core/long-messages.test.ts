import { describe, expect, it } from 'vitest'
import { BATCH_BYTES_MAX } from '../../../../src/gossip/core/batch-frame.ts'
import { LongMessages } from '../../../../src/gossip/core/long-messages.ts'

const bytes = (length: number, tag = 0): Uint8Array => new Uint8Array(length).fill(tag)

describe('waiting long messages', () => {
  it('leave oldest first, as many as a batch holds', () => {
    const batches = new LongMessages(10_000_000)
    for (let tag = 1; tag <= 3; tag++) batches.add(undefined, bytes(BATCH_BYTES_MAX / 2 - 10, tag))
    expect(batches.take().map((payload) => payload[0])).toEqual([1, 2])
    expect(batches.take().map((payload) => payload[0])).toEqual([3])
    expect(batches.take()).toEqual([])
  })

  it('go alone when they are longer than a batch', () => {
    const batches = new LongMessages(10_000_000)
    batches.add('a', bytes(BATCH_BYTES_MAX + 1))
    batches.add('b', bytes(1))
    expect(batches.take()).toHaveLength(1)
    expect(batches.take()).toHaveLength(1)
  })

  it('have each key once, the newest of it', () => {
    const batches = new LongMessages(10_000_000)
    batches.add('a', bytes(1, 1))
    batches.add('b', bytes(1, 2))
    batches.add('a', bytes(1, 3))
    batches.forget('b')
    expect(batches.take().map((payload) => payload[0])).toEqual([3])
  })

  it('are bounded in bytes: the oldest make room, the newest stays', () => {
    const batches = new LongMessages(100)
    expect(batches.add('a', bytes(60, 1))).toBe(0)
    expect(batches.add('b', bytes(60, 2))).toBe(1)
    expect(batches.add('c', bytes(500, 3))).toBe(1)
    expect(batches.take().map((payload) => payload[0])).toEqual([3])
  })
})
