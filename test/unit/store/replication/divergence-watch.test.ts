/** When a difference that acks show is worth an exchange, and what acks carry. */
import { describe, expect, it } from 'vitest'
import {
  ACK_PAYLOAD_BYTES_MAX,
  decodeAckPayload,
  encodeAckPayload,
} from '../../../../src/store/replication/ack-payload.ts'
import { DivergenceWatch, REPAIR_INTERVAL_MS } from '../../../../src/store/replication/divergence-watch.ts'

function root(n: number): Uint8Array {
  return new Uint8Array(16).fill(n)
}

describe('an exchange is asked for', () => {
  it('when the same two roots differ on two acks in a row', () => {
    const watch = new DivergenceWatch()
    expect(watch.ack('b', root(1), root(2), 0)).toBe(false)
    expect(watch.ack('b', root(1), root(2), 1000)).toBe(true)
  })

  it('not while either root moves, until the tenth ack in a row', () => {
    const watch = new DivergenceWatch()
    for (let i = 1; i < 10; i++) {
      expect(watch.ack('b', root(i), root(100), i * 1000)).toBe(false)
      expect(watch.ack('c', root(100), root(i), i * 1000)).toBe(false)
    }
    expect(watch.ack('b', root(50), root(100), 10_000)).toBe(true)
    expect(watch.ack('c', root(100), root(50), 10_000)).toBe(true)
  })

  it('not when they were equal in between', () => {
    const watch = new DivergenceWatch()
    expect(watch.ack('b', root(1), root(2), 0)).toBe(false)
    expect(watch.ack('b', root(1), root(1), 1000)).toBe(false)
    expect(watch.ack('b', root(1), root(2), 2000)).toBe(false)
  })

  it('at most once in 10 s, of each peer for itself', () => {
    const watch = new DivergenceWatch()
    const due: number[] = []
    for (let nowMs = 0; nowMs <= 25_000; nowMs += 1000) {
      if (watch.ack('b', root(1), root(2), nowMs)) due.push(nowMs)
    }
    expect(due).toEqual([1000, 1000 + REPAIR_INTERVAL_MS, 1000 + 2 * REPAIR_INTERVAL_MS])
    watch.ack('c', root(1), root(2), 25_000)
    expect(watch.ack('c', root(1), root(2), 26_000)).toBe(true)
    watch.forget('b')
    watch.ack('b', root(1), root(2), 26_000)
    expect(watch.ack('b', root(1), root(2), 26_500)).toBe(true)
  })
})

describe('an ack payload', () => {
  const told = { root: root(3), count: 1_000_000, contextHash: new Uint8Array(8).fill(9), wallMs: 1.7e12 }

  it('tells root, count, context and wall clock in 34 bytes', () => {
    const bytes = encodeAckPayload(told)
    expect(bytes.length).toBe(34)
    expect(bytes.length).toBeLessThanOrEqual(ACK_PAYLOAD_BYTES_MAX)
    expect(decodeAckPayload(bytes)).toEqual(told)
  })

  it('of a later version is read as far as it is known', () => {
    const later = Uint8Array.of(...encodeAckPayload(told), 1, 2, 3)
    later[0] = 2
    expect(decodeAckPayload(later)).toEqual(told)
  })

  it('that is cut or empty is none', () => {
    const bytes = encodeAckPayload(told)
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeAckPayload(bytes.subarray(0, length))).toBeUndefined()
    }
  })
})
