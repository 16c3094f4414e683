import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { BroadcastQueue, type QueueItem } from '../../../../src/gossip/core/broadcast-queue.ts'

const MANY = { budget: 1_000_000, overhead: 2, itemsMax: 1_000_000 }

function queueOf(bytesMax = 1_000_000): BroadcastQueue {
  return new BroadcastQueue(1400, bytesMax)
}

function bytesOf(length: number, tag: number): Uint8Array {
  return new Uint8Array(length).fill(tag)
}

function tags(items: readonly QueueItem[]): (number | undefined)[] {
  return items.map((item) => item.bytes[0])
}

describe('broadcast queue order', () => {
  it('serves the fewest transmits first, then the longest, then the newest', () => {
    const queue = queueOf()
    queue.enqueue({ bytes: bytesOf(10, 1) })
    queue.settle(queue.take(MANY)[0] as QueueItem, 2, 10)
    queue.enqueue({ bytes: bytesOf(10, 2) })
    queue.enqueue({ bytes: bytesOf(10, 3) })
    queue.enqueue({ bytes: bytesOf(20, 4) })
    expect(tags(queue.take(MANY))).toEqual([4, 3, 2, 1])
  })

  it('goes through the tiers of preset transmit counts in order', () => {
    const queue = queueOf()
    const wanted = new Map([
      [1, 3],
      [2, 0],
      [3, 2],
      [4, 1],
    ])
    for (const tag of wanted.keys()) queue.enqueue({ bytes: bytesOf(10, tag) })
    for (const item of queue.take(MANY)) queue.settle(item, wanted.get(item.bytes[0] ?? 0) ?? 0, 100)
    expect(tags(queue.take(MANY))).toEqual([2, 4, 3, 1])
  })

  it('fills the rest of a packet with a shorter message of the same tier before going to the next', () => {
    const queue = queueOf()
    queue.enqueue({ bytes: bytesOf(50, 9) })
    queue.settle(queue.take(MANY)[0] as QueueItem, 1, 10)
    queue.enqueue({ bytes: bytesOf(60, 1) })
    queue.enqueue({ bytes: bytesOf(60, 2) })
    queue.enqueue({ bytes: bytesOf(30, 3) })
    expect(tags(queue.take({ budget: 100, overhead: 2, itemsMax: 127 }))).toEqual([2, 3])
  })

  it('keeps the newest-first order across separate rounds', () => {
    const queue = queueOf()
    for (let tag = 1; tag <= 6; tag++) queue.enqueue({ bytes: bytesOf(10, tag) })
    const options = { budget: 36, overhead: 2, itemsMax: 127 }
    expect(tags(queue.drain(options, 5))).toEqual([6, 5, 4])
    expect(tags(queue.drain(options, 5))).toEqual([3, 2, 1])
    expect(tags(queue.drain(options, 5))).toEqual([6, 5, 4])
  })

  it('agrees with a full sort for random contents', () => {
    const random = seededRandom(11)
    const queue = queueOf()
    const model: { id: number; length: number; transmits: number }[] = []
    for (let id = 1; id <= 300; id++) {
      const length = 2 + random.below(40)
      const bytes = bytesOf(length, 0)
      bytes[0] = id & 255
      bytes[1] = id >> 8
      queue.enqueue({ bytes })
      model.push({ id, length, transmits: 0 })
    }
    for (let round = 0; round < 120; round++) {
      const budget = 40 + random.below(200)
      let left = budget
      const expected: number[] = []
      const candidates = [...model].sort(
        (a, b) => a.transmits - b.transmits || b.length - a.length || b.id - a.id,
      )
      for (let tier = 0; tier < 50; tier++) {
        for (const item of candidates.filter((candidate) => candidate.transmits === tier)) {
          if (item.length + 2 > left) continue
          left -= item.length + 2
          expected.push(item.id)
        }
      }
      const taken = queue.drain({ budget, overhead: 2, itemsMax: 127 }, 1000)
      expect(taken.map((item) => item.id)).toEqual(expected)
      for (const item of model) if (expected.includes(item.id)) item.transmits++
    }
  })
})

describe('broadcast queue limits', () => {
  it('puts four 18-byte messages into 80 bytes at overhead 2 and three at overhead 3', () => {
    const queue = queueOf()
    for (let tag = 1; tag <= 5; tag++) queue.enqueue({ bytes: bytesOf(18, tag) })
    expect(queue.drain({ budget: 80, overhead: 2, itemsMax: 127 }, 100)).toHaveLength(4)
    expect(queue.drain({ budget: 80, overhead: 3, itemsMax: 127 }, 100)).toHaveLength(3)
  })

  it('sends each message as often as the limit says and starts numbering anew when empty', () => {
    const queue = queueOf()
    for (let tag = 1; tag <= 4; tag++) queue.enqueue({ bytes: bytesOf(18, tag) })
    const options = { budget: 3 * 21, overhead: 3, itemsMax: 127 }
    expect([0, 0, 0, 0].map(() => queue.drain(options, 2).length)).toEqual([3, 3, 2, 0])
    queue.enqueue({ bytes: bytesOf(18, 9) })
    expect(queue.take(MANY)[0]?.id).toBe(1)
  })

  it('sends at least once whatever the limit', () => {
    const queue = queueOf()
    queue.enqueue({ bytes: bytesOf(5, 1) })
    expect(queue.drain(MANY, 0)).toHaveLength(1)
    expect(queue.size).toBe(0)
  })

  it('never takes more items than asked for', () => {
    const queue = queueOf()
    for (let i = 0; i < 300; i++) queue.enqueue({ bytes: bytesOf(1, 1) })
    expect(queue.take({ budget: 1400, overhead: 2, itemsMax: 127 })).toHaveLength(127)
  })

  it('drops the most transmitted, then the oldest, when its bytes run over', () => {
    const queue = queueOf(35)
    queue.enqueue({ bytes: bytesOf(10, 1) })
    queue.enqueue({ bytes: bytesOf(10, 2) })
    for (const item of queue.take(MANY)) queue.settle(item, item.id === 2 ? 1 : 0, 10)
    queue.enqueue({ bytes: bytesOf(10, 3) })
    queue.enqueue({ bytes: bytesOf(10, 4) })
    expect(queue.dropped).toBe(1)
    queue.enqueue({ bytes: bytesOf(10, 5) })
    expect(queue.dropped).toBe(2)
    expect(tags(queue.take(MANY))).toEqual([5, 4, 3])
    expect(queue.bytes).toBe(30)
  })

  it('leaves what was sent often enough, when only the rest is asked for', () => {
    const queue = queueOf()
    queue.enqueue({ bytes: bytesOf(10, 1) }, 2)
    queue.enqueue({ bytes: bytesOf(10, 2) }, 1)
    queue.enqueue({ bytes: bytesOf(10, 3) })
    expect(tags(queue.take({ ...MANY, sentBelow: 2 }))).toEqual([3, 2])
    expect(tags(queue.take(MANY))).toEqual([1])
  })

  it('takes back all that waits, and tells so', () => {
    const queue = queueOf()
    const finished: number[] = []
    for (let tag = 1; tag <= 4; tag++) {
      const notice = { sent: () => {}, finished: () => finished.push(tag) }
      queue.enqueue({ bytes: bytesOf(10, tag), notice })
    }
    queue.clear()
    expect(finished).toEqual([1, 2, 3, 4])
    expect([queue.size, queue.bytes, queue.unsent, queue.dropped]).toEqual([0, 0, 0, 0])
    expect(tags(queue.take(MANY))).toEqual([])
  })

  it('refuses what fits no packet, for it would stay forever', () => {
    expect(() => queueOf().enqueue({ bytes: bytesOf(1401, 1) })).toThrow('fits a packet')
  })
})

describe('broadcast queue keys', () => {
  it('replaces a pending message of the same key and tells it so; other keys stay', () => {
    const queue = queueOf()
    const finished: string[] = []
    queue.enqueue({
      key: 'a',
      bytes: bytesOf(10, 1),
      notice: { sent: () => {}, finished: () => finished.push('a1') },
    })
    queue.enqueue({ key: 'b', bytes: bytesOf(10, 2) })
    queue.enqueue({ key: 'a', bytes: bytesOf(10, 3) })
    expect(finished).toEqual(['a1'])
    expect(tags(queue.take(MANY))).toEqual([3, 2])
  })

  it('hands out exactly the bytes that came in', () => {
    const queue = queueOf()
    const bytes = Uint8Array.of(1, 2, 3)
    queue.enqueue({ bytes })
    expect(queue.take(MANY)[0]?.bytes).toBe(bytes)
  })

  it('does not bring back a message that was superseded while it was being sent', () => {
    const queue = queueOf()
    queue.enqueue({ key: 'a', bytes: bytesOf(10, 1) })
    const taken = queue.take(MANY)
    queue.enqueue({ key: 'a', bytes: bytesOf(10, 2) })
    for (const item of taken) queue.settle(item, 1, 10)
    expect(tags(queue.take(MANY))).toEqual([2])
    expect([queue.size, queue.bytes]).toEqual([1, 10])
  })

  it('keeps its counts true through supersession, sending and dropping', () => {
    const queue = queueOf(2000)
    const random = seededRandom(5)
    for (let i = 0; i < 2000; i++) {
      queue.enqueue({ key: `k${random.below(50)}`, bytes: bytesOf(20 + random.below(80), i & 255) })
      if (i % 3 === 0) queue.drain({ budget: 300, overhead: 2, itemsMax: 127 }, 3)
    }
    const rest = queue.take(MANY)
    expect(queue.unsent).toBe(0)
    expect(queue.unsentBytes).toBe(0)
    expect(rest.length).toBe(queue.size)
    expect(rest.reduce((sum, item) => sum + item.bytes.length, 0)).toBe(queue.bytes)
    expect(queue.bytes).toBeLessThanOrEqual(2000)
  })

  it('serves 10,000 messages of 100 bytes in a fraction of a second', () => {
    const queue = queueOf(100_000_000)
    // Of this process, so that a busy machine makes nobody wrong.
    const before = process.cpuUsage()
    for (let i = 0; i < 10_000; i++) queue.enqueue({ key: `k${i}`, bytes: bytesOf(100, i & 255) })
    let packets = 0
    while (queue.size > 0) {
      queue.drain({ budget: 1398, overhead: 2, itemsMax: 127 }, 4)
      packets++
    }
    expect(packets).toBe(Math.ceil(40_000 / 13))
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(1000)
  })
})

describe('what was sent often enough', () => {
  it('is taken together, and its bytes are known before', () => {
    const queue = queueOf()
    for (let tag = 1; tag <= 6; tag++) queue.enqueue({ bytes: bytesOf(10, tag) }, Math.floor((tag - 1) / 2))
    expect([0, 1, 2, 3].map((transmits) => queue.sentBytes(transmits))).toEqual([60, 40, 20, 0])
    const taken = queue.takeSent(1)
    expect(tags(taken).sort()).toEqual([3, 4, 5, 6])
    expect(queue.sentBytes(0)).toBe(20)
    for (const item of taken) queue.settle(item, 1, 0)
    expect([queue.size, queue.bytes]).toEqual([2, 20])
  })
})

describe('a message that counts as sent', () => {
  it('is not among those never sent', () => {
    const queue = queueOf()
    queue.enqueue({ bytes: bytesOf(10, 1) }, 2)
    queue.enqueue({ bytes: bytesOf(10, 2) })
    expect([queue.unsent, queue.unsentBytes]).toEqual([1, 10])
    expect(tags(queue.takeUnsent(() => true))).toEqual([2])
  })

  it('can be taken back by its key', () => {
    const queue = queueOf()
    queue.enqueue({ key: 'a', bytes: bytesOf(10, 1) })
    queue.discardKey('a')
    queue.discardKey('b')
    expect([queue.size, queue.bytes, queue.unsent]).toEqual([0, 0, 0])
  })
})

describe('the age of what waits', () => {
  it('is that of the oldest message of all tiers, and there is none when nothing waits', () => {
    const queue = queueOf()
    expect(queue.oldestAtMs).toBeUndefined()
    queue.enqueue({ bytes: bytesOf(10, 1), queuedAtMs: 100 }, 3)
    queue.enqueue({ bytes: bytesOf(20, 2), queuedAtMs: 200 })
    expect(queue.oldestAtMs).toBe(100)
    for (const item of queue.take({ ...MANY, itemsMax: 2 })) {
      queue.settle(item, item.bytes[0] === 1 ? 1 : 0, 4)
    }
    expect(queue.oldestAtMs).toBe(200)
    queue.clear()
    expect(queue.oldestAtMs).toBeUndefined()
  })
})
