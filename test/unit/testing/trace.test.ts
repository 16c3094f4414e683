import { describe, expect, it } from 'vitest'
import { crc32 } from '../../../src/testing/crc32.ts'
import { Trace } from '../../../src/testing/trace.ts'

describe('the trace', () => {
  it('has equal hashes for equal events and others for any difference', () => {
    const base = () => {
      const trace = new Trace()
      trace.event(1, 0, 'send', 5)
      return trace
    }
    const hashes = new Set([base().hash()])
    for (const [atMs, node, kind, detail] of [
      [1.001, 0, 'send', 5],
      [1, 1, 'send', 5],
      [1, 0, 'sent', 5],
      [1, 0, 'send', 6],
      [1, 0, 'send', '5'],
    ] as const) {
      const trace = new Trace()
      trace.event(atMs, node, kind, detail)
      hashes.add(trace.hash())
    }
    const twice = base()
    twice.event(1, 0, 'send', 5)
    hashes.add(twice.hash())
    expect(hashes.size).toBe(7)
    expect(base().hash()).toBe(base().hash())
  })

  it('remembers the last 200 events as text, oldest first', () => {
    const lines: string[] = []
    const trace = new Trace((line) => lines.push(line))
    for (let i = 0; i < 450; i++) trace.event(i, 1, 'tick', `${i}`)
    expect(trace.recent().split('\n')).toEqual(lines.slice(-200))
  })
})

describe('crc32', () => {
  it('agrees with the published check value', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
    expect(crc32(new Uint8Array(0))).toBe(0)
  })
})
