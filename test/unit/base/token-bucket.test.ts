import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../../src/base/token-bucket.ts'

const MEGABYTE_A_SECOND = { tokensPerSecond: 1_000_000, burstTokens: 5000 }

describe('a token bucket', () => {
  it('is full at first, and after any pause holds no more than its burst', () => {
    const bucket = new TokenBucket(MEGABYTE_A_SECOND)
    expect(bucket.available(1000)).toBe(5000)
    bucket.take(1000, 5000)
    expect(bucket.available(1000)).toBe(0)
    expect(bucket.available(1_000_000)).toBe(5000)
  })

  it('fills by the millisecond', () => {
    const bucket = new TokenBucket(MEGABYTE_A_SECOND)
    bucket.take(0, 5000)
    expect(bucket.available(1.5)).toBe(1500)
    expect(bucket.readyAt(1.5, 2500)).toBe(2.5)
    expect(bucket.readyAt(1.5, 1000)).toBe(1.5)
  })

  it('lets debts be made and waits for them', () => {
    const bucket = new TokenBucket(MEGABYTE_A_SECOND)
    bucket.take(0, 7000)
    expect(bucket.available(0)).toBe(-2000)
    expect(bucket.readyAt(0, 1000)).toBe(3)
  })

  it('is never waited for longer than its burst takes', () => {
    const bucket = new TokenBucket(MEGABYTE_A_SECOND)
    bucket.take(0, 5000)
    expect(bucket.readyAt(0, 1_000_000)).toBe(5)
  })

  it('keeps its rate over any longer time, however it is asked', () => {
    const bucket = new TokenBucket(MEGABYTE_A_SECOND)
    let sent = 0
    for (let nowMs = 0; nowMs < 1000; nowMs += 0.25) {
      if (bucket.available(nowMs) <= 0) continue
      bucket.take(nowMs, 1400)
      sent += 1400
    }
    expect(sent).toBeGreaterThan(1_000_000)
    expect(sent).toBeLessThan(1_000_000 + 5000 + 1400)
  })
})
