/** When a replica holds its own clock for wrong: only by a majority, only in one direction, and not back and forth. */
import { describe, expect, it } from 'vitest'
import {
  READING_FRESH_MS,
  READING_RTT_MAX_MS,
  SkewWatch,
  WATCHED_PEERS_MAX,
} from '../../../../src/store/core/skew-watch.ts'

const WALL_MS = 1_700_000_000_000

/** Two clocks that run together, until a test steps the wall. */
class Machine {
  nowMs = 5000
  wallMs = WALL_MS
  readonly watch = new SkewWatch()

  knows(...peers: string[]): this {
    this.watch.setPeers(peers)
    return this
  }

  /** Each peer is heard with its wall clock this far ahead of ours. */
  hears(offsetsMs: Readonly<Record<string, number>>, rttMs = 0): this {
    for (const [peer, offsetMs] of Object.entries(offsetsMs)) {
      const theirWallMs = this.wallMs + offsetMs - rttMs / 2
      this.watch.heard(peer, { theirWallMs, ourWallMs: this.wallMs, rttMs }, this.nowMs)
    }
    return this
  }

  passes(durationMs: number): this {
    this.nowMs += durationMs
    this.wallMs += durationMs
    return this
  }

  get fenced(): boolean {
    return this.watch.verdict(this.wallMs, this.nowMs).fenced
  }

  get offsets(): Record<string, number> {
    return Object.fromEntries(this.watch.offsetsMs(this.wallMs, this.nowMs))
  }
}

describe('the skew watch', () => {
  it('fences when both of two peers are more than 60 s away, and says how far and how many', () => {
    const behind = new Machine().knows('a', 'b').hears({ a: 120_000, b: 121_000 })
    expect(behind.watch.verdict(behind.wallMs, behind.nowMs)).toEqual({
      fenced: true,
      reason: 'the clock of this machine is 121 s behind 2 of 2 peers; set it right',
    })
    const ahead = new Machine().knows('a', 'b', 'c').hears({ a: -90_000, b: -90_000, c: 0 })
    expect(ahead.watch.verdict(ahead.wallMs, ahead.nowMs)).toMatchObject({
      reason: 'the clock of this machine is 90 s ahead of 2 of 3 peers; set it right',
    })
  })

  it.each([
    ['nobody was heard', ['a', 'b'], {}],
    ['the only peer is off: either of the two may be wrong', ['a'], { a: 3_600_000 }],
    ['exactly half of the peers are off', ['a', 'b', 'c', 'd'], { a: 90_000, b: 90_000, c: 0, d: 0 }],
    ['the peers are off in different directions', ['a', 'b'], { a: 90_000, b: -90_000 }],
    [
      'two of four were heard, and the others may agree with us',
      ['a', 'b', 'c', 'd'],
      { a: 90_000, b: 90_000 },
    ],
    ['they are 60 s off and not more', ['a', 'b'], { a: 60_000, b: 60_000 }],
    ['one of the two is a stranger', ['a', 'b'], { a: 90_000, stranger: 90_000 }],
  ])('does not fence when %s', (_why, peers, offsets) => {
    expect(new Machine().knows(...peers).hears(offsets).fenced).toBe(false)
  })

  it('a replica whose clock is right is not fenced by the one whose clock is wrong', () => {
    expect(new Machine().knows('wrong', 'right').hears({ wrong: 120_000, right: 3 }).fenced).toBe(false)
  })

  it('stays fenced between 50 and 60 s, is free below 50 s, and not fenced again before 60 s', () => {
    const machine = new Machine().knows('a', 'b').hears({ a: 61_000, b: 61_000 })
    expect(machine.fenced).toBe(true)
    const steps = [55_000, 50_001, 50_000, 55_000, 60_000, 60_001]
    const fenced = steps.map((ms) => machine.passes(1000).hears({ a: ms, b: ms }).fenced)
    expect(fenced).toEqual([true, true, false, false, false, true])
  })

  it('a step of the own wall clock is seen with all peers at once, before any is heard again', () => {
    const machine = new Machine().knows('a', 'b').hears({ a: 5, b: -5 })
    machine.wallMs += 3_600_000
    expect(machine.fenced).toBe(true)
    machine.wallMs -= 3_600_000
    expect(machine.fenced).toBe(false)
    expect(machine.passes(60_000).offsets).toEqual({ a: 5, b: -5 })
  })

  it('takes half the round trip for the way back, and nothing from a reading that took too long', () => {
    const machine = new Machine().knows('a', 'b')
    expect(machine.hears({ a: 0 }, 400).offsets).toEqual({ a: 0 })
    machine.hears({ b: 0 }, READING_RTT_MAX_MS + 1)
    machine.watch.heard('b', { theirWallMs: Number.NaN, ourWallMs: WALL_MS, rttMs: 1 }, machine.nowMs)
    expect(machine.offsets).toEqual({ a: 0 })
  })

  it('a reading counts for five minutes', () => {
    const machine = new Machine().knows('a', 'b').hears({ a: 90_000, b: 90_000 })
    expect(machine.passes(READING_FRESH_MS).fenced).toBe(true)
    expect(machine.passes(1).fenced).toBe(false)
    expect(machine.offsets).toEqual({})
  })

  it('a peer that has departed is forgotten, and with it its vote', () => {
    const machine = new Machine().knows('a', 'b').hears({ a: 90_000, b: 90_000 })
    expect(machine.knows('a').fenced).toBe(false)
    expect(machine.knows('a', 'b').offsets).toEqual({ a: 90_000 })
  })

  it('keeps the 128 peers last heard, and those are the voters', () => {
    const peers = Array.from({ length: WATCHED_PEERS_MAX + 72 }, (_, index) => `peer-${index}`)
    const machine = new Machine().knows(...peers)
    for (const peer of peers.slice(0, 100)) machine.hears({ [peer]: 90_000 })
    for (const peer of peers.slice(0, 64)) machine.hears({ [peer]: 0 })
    for (const peer of peers.slice(100)) machine.hears({ [peer]: 90_000 })
    expect(Object.keys(machine.offsets)).toHaveLength(WATCHED_PEERS_MAX)
    expect(machine.offsets['peer-64']).toBeUndefined()
    expect(machine.fenced).toBe(true)
  })
})
