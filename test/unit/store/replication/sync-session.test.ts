/** Two and three replicas that differ, and what it takes to make them equal. */
import { describe, expect, it } from 'vitest'
import { seededRandom, shuffle } from '../../../../src/base/random.ts'
import type { StateItem } from '../../../../src/store/core/state-item.ts'
import { text } from '../core/fixtures.ts'
import { type Peer, Pipe } from './pipe.ts'

/** Both hold `count` entries of `a`. */
function pairWith(count: number): Pipe {
  const pipe = new Pipe(['a', 'b'])
  const [a, b] = [pipe.peer('a'), pipe.peer('b')]
  for (let i = 0; i < count; i++) b.hear(a.put(`key-${i}`, `value ${i}`.padEnd(100, '.')))
  expect(a.text).toBe(b.text)
  return pipe
}

function itemsOf({ state }: Peer): StateItem[] {
  const items: StateItem[] = []
  const scan = state.scan()
  for (let next = scan.next(); next.done !== true; next = scan.next()) items.push(next.value)
  return items
}

function expectEqual(pipe: Pipe): void {
  const [first, ...others] = [...pipe.peers.values()].map(({ text }) => text)
  for (const other of others) expect(other).toBe(first)
  for (const { syncer } of pipe.peers.values()) expect(syncer.sessions).toBe(0)
}

describe('an exchange of two replicas', () => {
  it('that hold the same takes one short answer, and short offers after that', () => {
    const pipe = pairWith(100)
    pipe.exchange('a', 'b')
    expect(pipe.kinds()).toEqual(['a offer', 'b offer'])
    pipe.sent.length = 0
    pipe.exchange('b', 'a')
    expect(pipe.kinds()).toEqual(['b offer', 'a offer'])
    expect(pipe.sent.every(({ bytes }) => bytes.length <= 64)).toBe(true)
    expect(pipe.peer('a').syncer.syncedWith('b')).toBe(true)
    expect(pipe.peer('b').syncer.syncedWith('a')).toBe(true)
  })

  it.each([1, 10, 15])(
    'that differ in %i overwritten keys takes one session by the first sketch',
    (count) => {
      const pipe = pairWith(500)
      for (let i = 0; i < count; i++) pipe.peer('a').put(`key-${i}`, 'new')
      pipe.exchange('a', 'b')
      expectEqual(pipe)
      expect(pipe.kinds()).not.toContain('b ask-sketch')
      expect(pipe.metadataBytes()).toBeLessThanOrEqual(1500)
      expect(pipe.peer('a').stats.lines_sent).toBe(count)
    },
  )

  it('works alike whoever calls and whoever has the news', () => {
    const pipe = pairWith(500)
    for (let i = 0; i < 10; i++) pipe.peer('a').put(`key-${i}`, 'new')
    pipe.exchange('b', 'a')
    expectEqual(pipe)
    for (let i = 0; i < 10; i++) pipe.peer('a').put(`key-${i}`, undefined)
    for (let i = 20; i < 30; i++) pipe.peer('b').put(`key-${i}`, 'newer')
    pipe.exchange('a', 'b', false)
    expectEqual(pipe)
  })

  it('goes on to the longer sketch when the first is too short', () => {
    const pipe = pairWith(3000)
    for (let i = 0; i < 1000; i++) pipe.peer('a').put(`key-${i}`, 'new')
    pipe.exchange('a', 'b')
    expectEqual(pipe)
    expect(pipe.kinds()).toContain('a summary')
    expect(pipe.kinds()).not.toContain('a listing')
  })

  it('lists the buckets that differ when there are more differences than a sketch can tell', () => {
    const pipe = pairWith(6000)
    for (let i = 0; i < 3000; i++) pipe.peer('a').put(`key-${i}`, 'new')
    for (let i = 3000; i < 5000; i++) pipe.peer('b').put(`key-${i}`, 'new too')
    pipe.exchange('a', 'b')
    expectEqual(pipe)
    expect(pipe.kinds().some((kind) => kind.endsWith('listing'))).toBe(true)
  })

  it.each([
    ['the caller', 'a', 'b'],
    ['the called', 'b', 'a'],
  ])('fills %s when it is empty, without a listing', (_who, empty, full) => {
    const pipe = new Pipe(['a', 'b'])
    for (let i = 0; i < 5000; i++) pipe.peer(full).put(`key-${i}`, `value ${i}`.padEnd(100, '.'))
    for (let i = 0; i < 100; i++) pipe.peer(full).add(`member-${i}`)
    for (let i = 0; i < 100; i++) pipe.peer(full).record(`record-${i}`, 1n, 'r')
    pipe.exchange('a', 'b')
    expectEqual(pipe)
    expect(pipe.kinds()).not.toContain(`${empty} listing`)
    expect(pipe.peer(full).stats.lines_sent).toBe(5200)
    expect(pipe.peer(empty).state.context.holes).toBe(0)
  })

  it('carries deletes of both sides, of entries and of members', () => {
    const pipe = pairWith(100)
    const [a, b] = [pipe.peer('a'), pipe.peer('b')]
    for (let i = 0; i < 20; i++) b.hear(a.add(`member-${i}`))
    for (let i = 0; i < 5; i++) {
      a.put(`key-${i}`, undefined)
      b.put(`key-${i + 10}`, undefined)
      a.remove(`member-${i}`)
      b.remove(`member-${i + 10}`)
    }
    pipe.exchange('a', 'b')
    expectEqual(pipe)
    expect(a.state.members('s')).toHaveLength(10)
    expect(a.state.get('m', 'key-11', 1000)).toBeUndefined()
    expect(b.state.get('m', 'key-1', 1000)).toBeUndefined()
  })

  it('keeps the entry that replaced a newer one which the other has seen and let go', () => {
    const pipe = pairWith(3)
    const [a, b] = [pipe.peer('a'), pipe.peer('b')]
    b.hear(a.put('k', 'high stamp', 900_000))
    // a forgets the entry (its tombstone was collected), and writes the key anew by a clock that was put back.
    const item = itemsOf(a).find(({ key }) => key.kind === 'entry' && key.key === 'k')
    if (item === undefined) throw new Error('not held')
    a.state.retire([item], a.state.context)
    a.put('k', 'low stamp', 5)
    pipe.exchange('b', 'a')
    expectEqual(pipe)
    expect(b.state.entry('m', 'k')?.stamp.ms).toBe(5)
  })

  it('never lets a key be absent that both hold', () => {
    const pipe = pairWith(300)
    for (let i = 0; i < 300; i++) pipe.peer('a').put(`key-${i}`, 'new')
    pipe.call('a', 'b')
    let absent = 0
    pipe.carries = () => {
      for (let i = 0; i < 300; i++) if (pipe.peer('b').state.entry('m', `key-${i}`) === undefined) absent++
      return true
    }
    pipe.run()
    expectEqual(pipe)
    expect(absent).toBe(0)
  })

  it.each(['a', 'b'])(
    'never lets a key or member be absent that is written again while it is on its way, when %s calls',
    (caller) => {
      const pipe = pairWith(300)
      const [a, b] = [pipe.peer('a'), pipe.peer('b')]
      b.hear(a.add('x'))
      // As in gossip that loses everything: what a writes, b hears of by the session alone.
      const write = (): void => {
        for (let i = 0; i < 300; i++) a.put(`key-${i}`, 'new'.padEnd(2000, '.'))
        a.add('x')
      }
      write()
      pipe.call(caller, caller === 'a' ? 'b' : 'a')
      let absent = 0
      pipe.carries = ({ frame }) => {
        for (let i = 0; i < 300; i++) if (b.state.entry('m', `key-${i}`) === undefined) absent++
        if (!b.state.hasMember('s', 'x')) absent++
        if (frame.body.kind !== 'done') write()
        return true
      }
      pipe.run()
      expect(absent).toBe(0)
    },
  )

  it('exchanges two versions of one record, and both keep the newer', () => {
    const pipe = pairWith(10)
    pipe.peer('a').record('r', 1n, 'old')
    pipe.peer('b').record('r', 2n, 'new')
    pipe.exchange('a', 'b')
    expectEqual(pipe)
    expect(pipe.peer('a').state.heldRecord('t', 'r')?.versionNs).toBe(2n)
  })

  it.each([0, 1])('unites contexts that differ in holes, with %i items to exchange', (differences) => {
    const pipe = pairWith(10)
    const [a, b] = [pipe.peer('a'), pipe.peer('b')]
    a.put('k', 'missed by b')
    b.hear({ ...a.put('k', 'heard by b'), covered: [] })
    expect(b.state.context.holes).toBe(1)
    for (let i = 0; i < differences; i++) a.put(`key-${i}`, 'new')
    pipe.exchange('b', 'a')
    expectEqual(pipe)
    expect(b.state.context.holes).toBe(0)
    expect(b.stats.sessions_equal).toBe(differences === 0 ? undefined : 1)
  })

  it('settles two contents of one dot alike on both sides, and drops neither for the other', () => {
    const pipe = pairWith(10)
    const [a, b] = [pipe.peer('a'), pipe.peer('b')]
    const delta = a.put('k', 'content of one clone')
    const [put] = delta.puts
    if (put === undefined) throw new Error('nothing was put')
    b.hear({ ...delta, puts: [{ ...put, entry: { ...put.entry, value: text('of the other') } }] })
    pipe.exchange('a', 'b')
    expectEqual(pipe)
    expect(a.state.entry('m', 'k')).toBeDefined()
  })

  it('sends in the order of dots, so that the context of the receiver stays in one piece', () => {
    const pipe = new Pipe(['a', 'b', 'c'])
    const deltas = Array.from({ length: 6000 }, (_, i) => pipe.peer('c').put(`key-${i}`, 'v'.repeat(100)))
    for (const delta of shuffle(deltas, seededRandom(1))) pipe.peer('a').hear(delta)
    let holesMax = 0
    pipe.carries = () => {
      holesMax = Math.max(holesMax, pipe.peer('b').state.context.holes)
      return true
    }
    pipe.exchange('b', 'a')
    expect(pipe.peer('b').text).toBe(pipe.peer('a').text)
    expect(holesMax).toBe(0)
  })
})
