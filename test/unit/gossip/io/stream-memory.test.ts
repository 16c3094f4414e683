import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Alarms } from '../../../../src/gossip/io/alarms.ts'
import { Arena } from '../../../../src/gossip/io/arena.ts'
import { type Room, type RoomRequest, StreamMemory } from '../../../../src/gossip/io/stream-memory.ts'

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }

interface Body {
  readonly room: Room
  done: number
}

/** Bodies by name, and what they were told in order. */
function rig(bytesMax = 100, arena?: Arena) {
  const options = { bytesMax, timeoutMs: 10_000, ...(arena && { arena }) }
  const memory = new StreamMemory(clock, new Alarms(clock, true), options)
  const told: string[] = []
  const ask = (name: string, bytes: number, options: Partial<RoomRequest> = {}): Body => {
    const body = { done: 0 }
    const room = memory.ask({
      bytes,
      address: name,
      isMember: false,
      doneBytes: () => body.done,
      granted: () => told.push(`${name} granted`),
      drop: () => told.push(`${name} dropped`),
      ...options,
    })
    return Object.assign(body, { room })
  }
  return { memory, told, ask }
}

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('stream memory', () => {
  it('books a body at once while there is room, and lets it wait when there is none', () => {
    const { memory, told, ask } = rig()
    const first = ask('a', 60)
    const second = ask('b', 50)
    const third = ask('c', 10)
    expect([first.room.isGranted, second.room.isGranted, third.room.isGranted]).toEqual([true, false, false])
    expect([memory.bytes, memory.waiting, told]).toEqual([60, 2, []])
    first.room.release()
    first.room.release()
    expect([memory.bytes, memory.waiting, told]).toEqual([60, 0, ['b granted', 'c granted']])
  })

  it('a body larger than all of it goes alone', () => {
    const { memory, told, ask } = rig()
    const huge = ask('a', 5000)
    expect([huge.room.isGranted, memory.bytes]).toEqual([true, 100])
    ask('b', 1)
    huge.room.release()
    expect([told, memory.bytes]).toEqual([['b granted'], 1])
  })

  it('whoever gives up waiting is forgotten', () => {
    const { memory, told, ask } = rig()
    const first = ask('a', 100)
    ask('b', 100).room.release()
    first.room.release()
    expect([memory.bytes, memory.waiting, told]).toEqual([0, 0, []])
  })

  it('who stands still for a second while others wait is put out; who gets on is not', () => {
    const { told, ask } = rig()
    const idle = ask('idle', 50)
    const busy = ask('busy', 50)
    idle.done = 49
    vi.advanceTimersByTime(9000)
    expect(told).toEqual([])
    ask('next', 50)
    for (let ms = 0; ms < 1500; ms += 50) {
      busy.done += 1
      vi.advanceTimersByTime(50)
    }
    expect(told).toEqual(['idle dropped', 'next granted'])
  })

  it('a drip does not hold a place: a tenth of the body is due each second of ten', () => {
    const { told, ask } = rig(1000)
    const drip = ask('drip', 1000)
    ask('next', 1000)
    for (let ms = 0; ms < 3000 && told.length === 0; ms += 250) {
      drip.done += 20
      vi.advanceTimersByTime(250)
    }
    expect(told).toEqual(['drip dropped', 'next granted'])
  })

  it('nobody is put out while nobody waits', () => {
    const { told, ask } = rig()
    ask('a', 100)
    vi.advanceTimersByTime(60_000)
    expect(told).toEqual([])
  })

  it('a member goes first, and takes the place of strangers, the largest first', () => {
    const { memory, told, ask } = rig()
    ask('small', 30)
    ask('large', 60)
    ask('later', 50)
    const member = ask('member', 65, { isMember: true })
    expect(member.room.isGranted).toBe(true)
    expect([told, memory.bytes]).toEqual([['large dropped'], 95])
  })

  it('a member takes no other member’s place', () => {
    const { told, ask } = rig()
    ask('one', 100, { isMember: true })
    expect(ask('two', 10, { isMember: true }).room.isGranted).toBe(false)
    expect(told).toEqual([])
  })

  it('of strangers the one goes first whose address has least booked', () => {
    const { told, ask } = rig()
    ask('greedy', 50)
    const other = ask('other', 50)
    ask('greedy', 50)
    ask('modest', 50)
    other.room.release()
    expect(told).toEqual(['modest granted'])
  })

  it('an address that asks for all and uses nothing costs each other address one turn', () => {
    const { told, ask } = rig()
    for (let i = 0; i < 64; i++) ask(`idle ${i}`, 5000, { address: 'idle' })
    ask('honest', 10)
    ask('another', 10)
    vi.advanceTimersByTime(1500)
    expect(told).toEqual(['idle 0 dropped', 'honest granted', 'another granted'])
  })

  it('of those who have nothing booked the one goes first whose address got room longest ago', () => {
    const { told, ask } = rig()
    ask('a', 100).room.release()
    const holder = ask('b', 100)
    ask('b again', 100, { address: 'b' })
    ask('a again', 100, { address: 'a' })
    holder.room.release()
    expect(told).toEqual(['a again granted'])
  })

  it('remembers the last grants of 1024 addresses; one forgotten counts as new', () => {
    const { told, ask } = rig()
    for (let i = 0; i <= 1024; i++) ask(`host ${i}`, 100).room.release()
    const holder = ask('holder', 100)
    ask('1 again', 100, { address: 'host 1024' })
    ask('0 again', 100, { address: 'host 0' })
    holder.room.release()
    expect(told).toEqual(['0 again granted'])
  })

  it('a member needs a gap: a small stranger in the middle goes too', () => {
    const { memory, told, ask } = rig(100, new Arena(100))
    const filler = ask('filler', 50)
    ask('small', 2)
    filler.room.release()
    const member = ask('member', 90, { isMember: true })
    expect([member.room.isGranted, told, memory.bytes]).toEqual([true, ['small dropped'], 90])
  })

  it('no stranger goes for a member for whom there would be no room even so', () => {
    const { told, ask } = rig()
    ask('one', 60, { isMember: true })
    ask('stranger', 20)
    expect(ask('two', 50, { isMember: true }).room.isGranted).toBe(false)
    expect(told).toEqual([])
  })
})
