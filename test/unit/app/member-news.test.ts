import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MemberNews } from '../../../src/app/member-news.ts'

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

it('tells of a change at once, of ten thousand in a second some ninety times, and of the last one in the end', () => {
  let members = 0
  const told: number[] = []
  const news = new MemberNews(clock, () => told.push(members))
  for (members = 1; members <= 10_000; members++) {
    news.changed()
    if (members === 1) expect(told).toEqual([1])
    if (members % 10 === 0) vi.advanceTimersByTime(1)
  }
  members = 10_000
  vi.advanceTimersByTime(200)
  expect(told.length).toBeGreaterThan(50)
  expect(told.length).toBeLessThan(100)
  expect(told.at(-1)).toBe(10_000)
})

it('tells nothing when it is closed', () => {
  let told = 0
  const news = new MemberNews(clock, () => told++)
  for (let i = 0; i < 20; i++) news.changed()
  news.close()
  vi.advanceTimersByTime(500)
  news.changed()
  expect(told).toBe(8)
})
