import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StreamMessage } from '../../../../src/gossip/core/messages.ts'
import { Alarms } from '../../../../src/gossip/io/alarms.ts'
import { Counters } from '../../../../src/gossip/io/counters.ts'
import { addressToText, endpointFromText } from '../../../../src/gossip/io/endpoint-text.ts'
import { driverDefaults } from '../../../../src/gossip/io/gossip.ts'
import { StreamMemory } from '../../../../src/gossip/io/stream-memory.ts'
import { StreamServer } from '../../../../src/gossip/io/stream-server.ts'
import type { StreamListener } from '../../../../src/gossip/io/transport.ts'
import { Turns } from '../../../../src/gossip/io/turns.ts'
import { encodeCompressed } from '../../../../src/gossip/wire/compressed-frame.ts'
import { encodeStream } from '../../../../src/gossip/wire/stream.ts'

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined }
const MEMBER = '10.0.0.9'
const PUSH_PULL = { kind: 'push-pull', join: false, nodes: [], userState: new Uint8Array(0) } as const

interface Guest {
  readonly listener: StreamListener
  /** What happened to the stream, in order: `pause`, `resume`, `end`, `destroy`. */
  readonly events: string[]
  sentBytes: number
  /** Bytes that it does not take. */
  unsentBytes: number
}

interface RigOptions {
  readonly inboundStreamsMax?: number
  readonly inboundStreamsPerAddressMax?: number
  readonly bytesMax?: number
  /** Bytes of user state in our answers. */
  readonly answerBytes?: () => number
}

function rig(options: RigOptions = {}) {
  const {
    inboundStreamsMax = 128,
    inboundStreamsPerAddressMax = 64,
    bytesMax = 1e6,
    answerBytes = () => 0,
  } = options
  const counters = new Counters(clock, log)
  const alarms = new Alarms(clock, true)
  const limits = { inboundStreamsMax, inboundStreamsPerAddressMax, tcpTimeoutMs: 10_000 }
  const heard: StreamMessage[] = []
  const memory = new StreamMemory(clock, alarms, { bytesMax, timeoutMs: 10_000 })
  const answerMemory = new StreamMemory(clock, alarms, { bytesMax, timeoutMs: 10_000 })
  const streams = new StreamServer({
    clock,
    alarms,
    counters,
    options: { ...limits, label: '', compress: false },
    turns: new Turns(),
    memory,
    answerMemory,
    isMemberAddress: (addr) => addressToText(addr) === MEMBER,
    requests: {
      request: (message, _from, reply) => {
        heard.push(message)
        if (message.kind === 'push-pull') reply({ ...PUSH_PULL, userState: new Uint8Array(answerBytes()) })
      },
    },
  })
  const accept = (ip: string): Guest => {
    const guest = { events: [] as string[], sentBytes: 0, unsentBytes: 0 }
    const listener = streams.accept({
      remote: endpointFromText(ip, 5000),
      get unsentBytes() {
        return guest.unsentBytes
      },
      send: (bytes) => {
        guest.sentBytes += bytes.length
        guest.unsentBytes += bytes.length
      },
      end: () => guest.events.push('end'),
      destroy: () => guest.events.push('destroy'),
      pause: () => guest.events.push('pause'),
      resume: () => guest.events.push('resume'),
    })
    return Object.assign(guest, { listener })
  }
  const destroyed = (guests: readonly Guest[]): number[] =>
    guests.flatMap(({ events }, i) => (events.includes('destroy') ? [i] : []))
  return { streams, counters, heard, memory, answerMemory, accept, destroyed }
}

function userOf(bytes: number): Uint8Array {
  return encodeStream({ kind: 'user', payload: new Uint8Array(bytes) })
}

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'performance', 'setImmediate'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('places for streams', () => {
  it('one remote address gets no more than its share, others still get in', () => {
    const { streams, destroyed, accept } = rig({ inboundStreamsPerAddressMax: 16 })
    const guests = times(17, () => accept('10.0.0.1'))
    accept('10.0.0.2')
    expect([destroyed(guests), streams.open]).toEqual([[16], 17])
    guests[0]?.listener.closed(undefined)
    expect(destroyed([accept('10.0.0.1')])).toEqual([])
    expect(streams.open).toBe(17)
  })

  it('four peers behind one address may each use all the streams that an outbox opens, beside an exchange', () => {
    const { inboundStreamsMax, inboundStreamsPerAddressMax, outboundStreamsPerPeerMax } = driverDefaults()
    const { streams, destroyed, accept } = rig({ inboundStreamsMax, inboundStreamsPerAddressMax })
    const guests = times(4 * (outboundStreamsPerPeerMax + 1), () => accept('10.0.0.1'))
    expect([destroyed(guests), streams.open]).toEqual([[], 36])
  })

  it('loopback is limited by the total only', () => {
    const { streams, counters, destroyed, accept } = rig({ inboundStreamsPerAddressMax: 16 })
    const guests = times(129, () => accept('127.0.0.1'))
    expect(streams.open).toBe(128)
    expect(destroyed(guests)).toEqual([128])
    expect(counters.streams.toRecord()).toEqual({ accepted: 128, refused: 1 })
  })

  it('a refused stream that closes frees nobody else’s place', () => {
    const { streams, accept } = rig({ inboundStreamsMax: 1 })
    accept('10.0.0.1')
    accept('10.0.0.1').listener.closed(undefined)
    expect(streams.open).toBe(1)
  })

  it('128 silent streams give way to whoever comes, the one that is silent longest first', () => {
    const { streams, counters, destroyed, accept } = rig()
    const silent = times(128, () => {
      vi.advanceTimersByTime(1)
      return accept('127.0.0.1')
    })
    vi.advanceTimersByTime(250)
    const peer = accept('127.0.0.1')
    expect(destroyed([...silent, peer])).toEqual([0])
    peer.listener.data(encodeStream(PUSH_PULL))
    expect(peer.events).toContain('end')
    silent[0]?.listener.closed(undefined)
    expect([streams.open, counters.drops]).toEqual([128, { 'stream-displaced': 1 }])
  })

  it('a byte now and then is no use of a place, a kilobyte is', () => {
    const { destroyed, accept } = rig({ inboundStreamsMax: 2 })
    const dripping = accept('10.0.0.1')
    const busy = accept('10.0.0.2')
    const body = userOf(8000)
    for (let at = 0; at < 4000; at += 1000) {
      vi.advanceTimersByTime(100)
      busy.listener.data(body.subarray(at, at + 1000))
      dripping.listener.data(body.subarray(at / 1000, at / 1000 + 1))
    }
    accept('10.0.0.3')
    expect(destroyed([dripping, busy])).toEqual([0])
  })

  it('who reads nothing of our answer gives way as well', () => {
    const { destroyed, accept } = rig({ inboundStreamsMax: 1, answerBytes: () => 2000 })
    const deaf = accept('10.0.0.1')
    deaf.listener.data(encodeStream(PUSH_PULL))
    expect(deaf.sentBytes).toBeGreaterThan(2000)
    vi.advanceTimersByTime(250)
    accept('10.0.0.2')
    expect(destroyed([deaf])).toEqual([0])
  })

  it('a member gets in even where strangers are busy, and takes no place of another member', () => {
    const { destroyed, accept } = rig({ inboundStreamsMax: 2 })
    const guests = [accept(MEMBER), accept('10.0.0.1')]
    accept('10.0.0.2')
    expect(destroyed(guests)).toEqual([])
    guests.push(accept(MEMBER), accept(MEMBER))
    expect(destroyed(guests)).toEqual([1, 3])
  })

  it('of those who wait for room the one that wants most gives way', () => {
    const { destroyed, accept } = rig({ inboundStreamsMax: 3, bytesMax: 50_000 })
    const guests = times(3, () => accept('127.0.0.1'))
    for (const [i, guest] of guests.entries())
      guest.listener.data(userOf(40_000 + 1000 * (i % 2)).subarray(0, 20))
    vi.advanceTimersByTime(300)
    guests[0]?.listener.data(new Uint8Array(2000))
    guests[2]?.listener.data(new Uint8Array(2000))
    accept('127.0.0.1')
    expect(destroyed(guests)).toEqual([1])
  })
})

describe('a stream', () => {
  it('is not read while its body waits for room, and goes on when there is some', () => {
    const { heard, memory, accept } = rig({ bytesMax: 50_000 })
    const first = accept('10.0.0.1')
    const second = accept('10.0.0.2')
    const body = userOf(40_000)
    first.listener.data(body.subarray(0, 100))
    second.listener.data(body.subarray(0, 100))
    expect([first.events, second.events, memory.waiting]).toEqual([['pause', 'resume'], ['pause'], 1])
    first.listener.data(body.subarray(100))
    expect(second.events).toEqual(['pause', 'resume'])
    second.listener.data(body.subarray(100))
    expect(heard.map(({ kind }) => kind)).toEqual(['user', 'user'])
    expect(memory.bytes).toBe(0)
  })

  it('books nothing for a small body, and nothing for a large one of which nothing comes and nobody else wants it', () => {
    const { memory, heard, accept } = rig()
    const small = accept('10.0.0.1')
    small.listener.data(userOf(16 * 1024))
    expect([small.events, heard.length, memory.bytes]).toEqual([['resume', 'end'], 1, 0])
    accept('10.0.0.1').listener.data(userOf(16 * 1024 + 1).subarray(0, 20))
    expect(memory.bytes).toBe(16 * 1024 + 1 + 64 * 1024)
  })

  it('that stalls in a large body is put out when another waits, and the other is read', () => {
    const { counters, heard, accept } = rig({ bytesMax: 50_000 })
    const stalled = accept('10.0.0.1')
    stalled.listener.data(userOf(40_000).subarray(0, 39_000))
    vi.advanceTimersByTime(3000)
    const peer = accept('10.0.0.2')
    peer.listener.data(userOf(30_000).subarray(0, 20))
    expect(peer.events).toEqual(['pause'])
    vi.advanceTimersByTime(1250)
    expect(stalled.events.at(-1)).toBe('destroy')
    peer.listener.data(userOf(30_000).subarray(20))
    expect([heard.length, counters.drops]).toEqual([1, { 'stream-too-slow': 1 }])
  })

  it('that says nothing is closed after half of its time, one that says a little now and then after all of it', () => {
    const { counters, accept } = rig()
    const silent = accept('10.0.0.1')
    const slow = accept('10.0.0.2')
    const body = userOf(16_000)
    for (let second = 0; second < 10; second++) {
      slow.listener.data(body.subarray(second * 500, second * 500 + 500))
      expect(silent.events.includes('destroy')).toBe(second >= 5)
      vi.advanceTimersByTime(1000)
      if (second === 4) silent.listener.closed(undefined)
    }
    vi.advanceTimersByTime(10)
    expect(slow.events).toEqual(['destroy'])
    expect(counters.streams.toRecord()).toMatchObject({ stalled: 1, 'timed-out': 1 })
  })

  it('that expands to much lets others have a turn every 256 KiB', () => {
    const { heard, counters, accept } = rig({ bytesMax: 5e6 })
    const bomb = accept('10.0.0.1')
    bomb.listener.data(encodeCompressed(userOf(2 * 1024 * 1024)))
    let turns = 0
    for (; heard.length === 0 && turns < 100; turns++) vi.advanceTimersByTime(1)
    expect([counters.drops, heard.length]).toEqual([{}, 1])
    expect(turns).toBeGreaterThan(4)
  })

  it('that expands to much waits in one line with the others, so that a turn is never longer than one of them', () => {
    const { accept, streams, memory } = rig({ bytesMax: 5e6 })
    const packed = encodeCompressed(userOf(1024 * 1024))
    const bombs = times(4, () => accept('10.0.0.1'))
    for (const { listener } of bombs) listener.data(packed)
    let turns = 0
    for (; bombs.some(({ events }) => !events.includes('end')) && turns < 100; turns++)
      vi.advanceTimersByTime(1)
    expect(turns).toBeGreaterThan(12)
    expect([streams.open, memory.bytes]).toEqual([4, 0])
  })

  it('gets a large answer only when there is room for one as large as they were of late', () => {
    const { answerMemory, accept } = rig({ bytesMax: 150_000, answerBytes: () => 100_000 })
    const guests = times(3, () => accept('10.0.0.1'))
    for (const guest of guests) guest.listener.data(encodeStream(PUSH_PULL))
    expect(guests.map(({ sentBytes }) => sentBytes > 0)).toEqual([true, false, false])
    expect(answerMemory.bytes).toBeGreaterThan(100_000)
    guests[0]?.listener.closed(undefined)
    expect(guests[1]?.sentBytes).toBeGreaterThan(100_000)
  })

  it('does not make the others forget by a small answer how long answers are', () => {
    let bytes = 0
    const { answerMemory, accept } = rig({ bytesMax: 150_000, answerBytes: () => bytes })
    const deaf = times(6, (i) => {
      const guests = [accept('10.0.0.1'), accept('10.0.0.1')]
      for (const [j, guest] of guests.entries()) {
        bytes = j === 0 ? 1 : 100_000
        guest.listener.data(encodeStream(PUSH_PULL))
        if (j === 0 && i === 0) expect(guest.sentBytes).toBeGreaterThan(0)
      }
      return guests
    })
    const unsentBytes = deaf.flat().reduce((sum, guest) => sum + guest.unsentBytes, 0)
    expect(unsentBytes).toBeLessThan(150_000)
    expect(answerMemory.bytes).toBeGreaterThan(100_000)
  })

  it('is closed unanswered when its answer turns out to be larger than the room that is left', () => {
    let bytes = 100_000
    const { answerMemory, counters, accept } = rig({ bytesMax: 250_000, answerBytes: () => bytes })
    accept('10.0.0.1').listener.data(encodeStream(PUSH_PULL))
    bytes = 200_000
    const stranger = accept('10.0.0.2')
    stranger.listener.data(encodeStream(PUSH_PULL))
    expect([stranger.sentBytes, stranger.events.includes('destroy')]).toEqual([0, true])
    expect(counters.drops).toEqual({ 'answer-without-room': 1 })
    stranger.listener.closed(undefined)
    const booked = answerMemory.bytes
    expect(booked).toBeLessThan(101_000)
    bytes = 10
    const small = accept('10.0.0.3')
    vi.advanceTimersByTime(5000)
    small.listener.data(encodeStream(PUSH_PULL))
    expect([small.sentBytes > 0, answerMemory.bytes]).toEqual([true, booked])
  })

  it('of a member gets its answer at the cost of strangers, however long that turns out to be', () => {
    let bytes = 100_000
    const { counters, accept } = rig({ bytesMax: 250_000, answerBytes: () => bytes })
    const stranger = accept('10.0.0.1')
    stranger.listener.data(encodeStream(PUSH_PULL))
    bytes = 200_000
    const member = accept(MEMBER)
    member.listener.data(encodeStream(PUSH_PULL))
    expect([member.sentBytes > 200_000, stranger.events.at(-1)]).toEqual([true, 'destroy'])
    expect(counters.drops).toEqual({ 'stream-too-slow': 1 })
  })
})
