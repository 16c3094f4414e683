import { describe, expect, it } from 'vitest'
import { crc32 } from '../../../src/testing/crc32.ts'
import { SimClock } from '../../../src/testing/sim-clock.ts'
import { quietLink, SimNetwork, type StreamOutcome } from '../../../src/testing/sim-network.ts'
import { Trace } from '../../../src/testing/trace.ts'

function build(seed = 1) {
  const clock = new SimClock()
  const network = new SimNetwork({ clock, trace: new Trace(), seed, checksum: crc32 })
  const received: number[] = []
  const asked: number[] = []
  network.attach(1, {
    datagram: (_from, bytes) => received.push(bytes[0] ?? -1),
    stream: (_from, bytes, close) => {
      asked.push(bytes[0] ?? -1)
      close(bytes[0] === 0 ? undefined : Uint8Array.of(99))
    },
  })
  return { clock, network, received, asked }
}

function sendMany(network: SimNetwork, count: number) {
  for (let i = 0; i < count; i++) network.send(0, 1, Uint8Array.of(i % 251))
}

describe('datagrams', () => {
  it('arrive later, as copies of what was sent', () => {
    const { clock, network, received } = build()
    const bytes = Uint8Array.of(7)
    network.send(0, 1, bytes)
    bytes[0] = 8
    expect(received).toEqual([])
    clock.runUntil(2)
    expect(received).toEqual([7])
  })

  it('are lost, doubled and overtaken at about the rates asked for', () => {
    const { clock, network, received } = build()
    network.setFaults(0, 1, {
      ...quietLink(),
      lossRate: 0.3,
      duplicateRate: 0.2,
      reorderRate: 0.2,
      reorderMaxMs: 50,
    })
    for (let i = 0; i < 250; i++) clock.at(i, () => network.send(0, 1, Uint8Array.of(i)))
    clock.runUntil(1000)
    expect(network.counters.lost).toBeGreaterThan(40)
    expect(network.counters.lost).toBeLessThan(110)
    expect(network.counters.duplicated).toBeGreaterThan(15)
    expect(received.length).toBe(250 - network.counters.lost + network.counters.duplicated)
    expect(received.some((value, index) => value < (received[index - 1] ?? 0))).toBe(true)
  })

  it('vanish above the MTU', () => {
    const { clock, network, received } = build()
    network.setFaults(0, 1, { ...quietLink(), mtuBytes: 10 })
    network.send(0, 1, new Uint8Array(10))
    network.send(0, 1, new Uint8Array(11))
    clock.runUntil(5)
    expect(received.length).toBe(1)
    expect(network.counters.oversized).toBe(1)
  })

  it('do not cross a cut, not even those already on their way, and only its own direction is cut', () => {
    const { clock, network, received } = build()
    const back: number[] = []
    network.attach(0, { datagram: () => back.push(1), stream: () => {} })
    network.send(0, 1, Uint8Array.of(1))
    network.cut(0, 1)
    network.send(0, 1, Uint8Array.of(2))
    network.send(1, 0, Uint8Array.of(3))
    clock.runUntil(5)
    expect(received).toEqual([])
    expect(back).toEqual([1])
  })

  it('cross again only when every cut is healed', () => {
    const { clock, network, received } = build()
    network.cut(0, 1)
    network.cut(0, 1)
    network.heal(0, 1)
    network.send(0, 1, Uint8Array.of(1))
    network.heal(0, 1)
    network.send(0, 1, Uint8Array.of(2))
    clock.runUntil(5)
    expect(received).toEqual([2])
  })

  it('meet the same fate for the same seed and another for another', () => {
    const fate = (seed: number) => {
      const { clock, network, received } = build(seed)
      network.setFaults(0, 1, { ...quietLink(), lossRate: 0.5 })
      sendMany(network, 100)
      clock.runUntil(5)
      return received.join(' ')
    }
    expect(fate(1)).toBe(fate(1))
    expect(fate(1)).not.toBe(fate(2))
  })
})

describe('streams', () => {
  const ask = (
    network: SimNetwork,
    clock: SimClock,
    to: number,
    byte: number,
  ): { outcome: StreamOutcome | undefined; atMs: number } => {
    const heard: { outcome: StreamOutcome | undefined; atMs: number } = { outcome: undefined, atMs: 0 }
    network.request(0, to, Uint8Array.of(byte), 1000, (outcome) => {
      heard.outcome = outcome
      heard.atMs = clock.nowMs
    })
    return heard
  }

  it('bring the answer, or that there is none', () => {
    const { clock, network } = build()
    const answered = ask(network, clock, 1, 5)
    const closed = ask(network, clock, 1, 0)
    clock.runUntil(2000)
    expect(answered.outcome).toEqual({ type: 'answer', bytes: Uint8Array.of(99) })
    expect(closed.outcome).toEqual({ type: 'closed' })
  })

  it('are refused at once by a dead host, and time out over a cut', () => {
    const { clock, network, asked } = build()
    const refused = ask(network, clock, 2, 1)
    network.cut(0, 1)
    const late = ask(network, clock, 1, 1)
    clock.runUntil(2000)
    expect(refused).toMatchObject({ outcome: { type: 'refused' } })
    expect(refused.atMs).toBeLessThan(10)
    expect(late).toEqual({ outcome: { type: 'timeout' }, atMs: 1000 })
    expect(asked).toEqual([])
  })

  it('may have been acted on although the dialler never hears', () => {
    const { clock, network, asked } = build()
    network.cut(1, 0)
    const heard = ask(network, clock, 1, 4)
    clock.runUntil(2000)
    expect(asked).toEqual([4])
    expect(heard.outcome).toEqual({ type: 'timeout' })
  })

  it('pay for lost segments with time, not with content', () => {
    const { clock, network } = build()
    network.setFaults(0, 1, { ...quietLink(), lossRate: 1 })
    const heard: StreamOutcome[] = []
    network.request(0, 1, Uint8Array.of(3), 60_000, (outcome) => heard.push(outcome))
    clock.runUntil(5000)
    expect(heard).toEqual([])
    clock.runUntil(60_000)
    expect(heard).toEqual([{ type: 'answer', bytes: Uint8Array.of(99) }])
  })
})
