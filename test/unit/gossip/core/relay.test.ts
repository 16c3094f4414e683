import { describe, expect, it } from 'vitest'
import type { IndirectPingMessage } from '../../../../src/gossip/core/messages.ts'
import { RELAYS_MAX, RELAYS_PER_ASKER_MAX } from '../../../../src/gossip/core/relay.ts'
import { endpoint, Solo } from './fixtures.ts'

function request(extra: Partial<IndirectPingMessage> = {}): IndirectPingMessage {
  return {
    kind: 'indirect-ping',
    seqNo: 100,
    target: endpoint(2000),
    node: 'target',
    nack: true,
    source: endpoint(3000),
    sourceNode: 'asker',
    ...extra,
  }
}

function helper(): Solo {
  const solo = new Solo({ retransmitMult: 1, gossipIntervalMs: 1e9 }).peer('target', 2000).peer('asker', 3000)
  return solo.flush().advanceTo(10).forget()
}

/** The number of the n-th ping that was sent on behalf of somebody. */
function relayed(solo: Solo, n = 0): number {
  const ping = solo.sent('ping')[n]
  if (ping === undefined) throw new Error('no ping was relayed')
  return ping.seqNo
}

describe('relaying a ping', () => {
  it('pings the target under an own number and address, and passes the ack on under the asked one', () => {
    const solo = helper().receive(request(), 3000)
    const seqNo = relayed(solo)
    expect(seqNo).not.toBe(100)
    expect(solo.packets).toMatchObject([
      {
        port: 2000,
        messages: [{ kind: 'ping', node: 'target', seqNo, source: endpoint(1000), sourceNode: 'self' }],
      },
    ])
    solo.forget().receive({ kind: 'ack', seqNo, payload: Uint8Array.of(1, 2) }, 2000)
    expect(solo.packets).toMatchObject([{ port: 3000, messages: [{ kind: 'ack', seqNo: 100 }] }])
    expect(solo.sent('ack')[0]?.payload).toEqual(new Uint8Array())
  })

  it('answers with a nack after the probe timeout when the target stays silent', () => {
    const solo = helper().receive(request(), 3000).advanceTo(509)
    expect(solo.sent('nack')).toEqual([])
    solo.advanceTo(510)
    expect(solo.packets.at(-1)).toMatchObject({ port: 3000, messages: [{ kind: 'nack', seqNo: 100 }] })
  })

  it('sends no nack unasked, none after an ack, and no ack after its time', () => {
    const solo = helper()
      .receive(request({ nack: false }), 3000)
      .receive(request(), 3000)
    const [unasked, asked] = [relayed(solo, 0), relayed(solo, 1)]
    solo.receive({ kind: 'ack', seqNo: asked, payload: new Uint8Array() })
    solo.advanceTo(600).receive({ kind: 'ack', seqNo: unasked, payload: new Uint8Array() })
    expect([solo.sent('nack').length, solo.sent('ack').length]).toEqual([0, 1])
  })

  it('acks twice for nobody', () => {
    const solo = helper().receive(request(), 3000)
    const seqNo = relayed(solo)
    for (let i = 0; i < 2; i++) solo.receive({ kind: 'ack', seqNo, payload: new Uint8Array() })
    expect(solo.sent('ack')).toHaveLength(1)
  })

  it('reaches members only, each by its own name at its own address', () => {
    const solo = helper().receive(request({ target: endpoint(53) }), 3000)
    solo.receive(request({ target: endpoint(3000) }), 3000)
    solo.receive(request({ target: endpoint(1000) }), 3000)
    expect(solo.packets).toEqual([])
    expect(solo.notes('relay_to_stranger')).toHaveLength(3)
  })

  it('to ourselves needs no ping: we are there', () => {
    const solo = helper().receive(request({ target: endpoint(1000), node: 'self' }), 3000)
    expect(solo.packets).toMatchObject([{ port: 3000, messages: [{ kind: 'ack', seqNo: 100 }] }])
  })

  it('tells that it is well when asked for a member that it does not know yet, so that the asker is not blamed', () => {
    const solo = helper().receive(request({ target: endpoint(53) }), 3000)
    expect(solo.packets).toEqual([])
    solo.advanceTo(510)
    expect(solo.packets).toMatchObject([{ port: 3000, messages: [{ kind: 'nack', seqNo: 100 }] }])
  })

  it('keeps a bounded number of relays for one asker, and in all', () => {
    const solo = helper()
    for (let i = 0; i < RELAYS_PER_ASKER_MAX + 5; i++) solo.receive(request({ seqNo: i }), 3000)
    expect(solo.sent('ping')).toHaveLength(RELAYS_PER_ASKER_MAX)
    for (let i = 0; i < RELAYS_MAX; i++) solo.receive(request({ seqNo: i }), 4000 + i)
    expect(solo.sent('ping')).toHaveLength(RELAYS_MAX)
    expect(solo.notes('relay_full')).toHaveLength(5 + RELAYS_PER_ASKER_MAX)
    solo.advanceTo(1000).forget()
    for (let i = 0; i < RELAYS_PER_ASKER_MAX; i++) solo.receive(request(), 3000)
    expect(solo.sent('ping')).toHaveLength(RELAYS_PER_ASKER_MAX)
  })

  it('forgets an asker with its last relay, acked or not', () => {
    const solo = helper()
    for (let round = 0; round < 3 * RELAYS_PER_ASKER_MAX; round++) {
      solo.receive(request(), 3000)
      if (round % 2 === 0)
        solo.receive({ kind: 'ack', seqNo: relayed(solo, round), payload: new Uint8Array() }, 2000)
      else solo.advanceTo(solo.nowMs + 501)
    }
    expect(solo.notes('relay_full')).toEqual([])
  })
})

describe('answering a ping', () => {
  it('goes to the address it names when that is where it came from or a member', () => {
    const solo = helper()
    solo.receive({ kind: 'ping', seqNo: 1, node: 'self', source: endpoint(7777) }, 7777)
    solo.receive({ kind: 'ping', seqNo: 2, node: 'self', source: endpoint(2000) }, 61_234)
    expect(solo.packets.map((packet) => packet.port)).toEqual([7777, 2000])
    expect(solo.packets.map((packet) => packet.crc)).toEqual([false, true])
  })

  it('goes back to its source otherwise: nobody can aim our acks at a stranger', () => {
    const solo = helper()
    solo.receive({ kind: 'ping', seqNo: 1, node: 'self', source: endpoint(53) }, 61_234)
    solo.receive({ kind: 'ping', seqNo: 2, node: '' }, 61_234)
    solo.receive({ kind: 'ping', seqNo: 3, node: '', source: endpoint(0) }, 61_234)
    expect(solo.packets.map((packet) => packet.port)).toEqual([61_234, 61_234, 61_234])
  })

  it('happens only for our own name or none', () => {
    const solo = helper().receive({ kind: 'ping', seqNo: 1, node: 'other' }, 2000)
    expect(solo.packets).toEqual([])
    expect(solo.notes('ping_for_another')).toHaveLength(1)
  })

  it('carries what waits to be told behind the ack', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).peer('a', 2000).flush().forget()
    solo.receive({ kind: 'ping', seqNo: 5, node: 'self', source: endpoint(2000) }, 2000)
    expect(solo.packets[0]?.messages.map((message) => message.kind)).toEqual(['ack', 'alive'])
  })

  it('carries it also to a member that announced its IPv4 address in 16 bytes', () => {
    const addr = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1)
    const long = { addr, port: 2000 }
    const solo = new Solo({ gossipIntervalMs: 1e9 }).peer('a', 2000, { endpoint: long }).flush().forget()
    solo.receive({ kind: 'ping', seqNo: 5, node: 'self', source: long }, 2000)
    expect(solo.ofType('packet')[0]?.to).toEqual(long)
    expect(solo.packets[0]?.messages.map((message) => message.kind)).toEqual(['ack', 'alive'])
  })

  it.each([
    ['a stranger', undefined, 7777],
    ['a stranger that names itself', 7777, 7777],
    ['somebody who names a member as the address to answer', 2000, 7777],
    ['a member in whose name another asks', 2000, 4000],
    ['a member that died', undefined, 3000],
  ])('carries nothing to %s: no ping is answered with many times its bytes', (_who, source, from) => {
    const solo = new Solo({ gossipIntervalMs: 1e9 })
      .peer('a', 2000)
      .peer('b', 3000)
      .peer('c', 4000)
      .flush()
      .forget()
    solo.receive({ kind: 'dead', node: 'b', incarnation: 1, from: 'a' }).forget()
    const waiting = solo.machine.stats().queues.membership
    solo.receive(
      { kind: 'ping', seqNo: 5, node: 'self', ...(source && { source: endpoint(source), sourceNode: 'a' }) },
      from,
    )
    expect(solo.packets[0]?.messages.map((message) => message.kind)).toEqual(['ack'])
    expect(solo.machine.stats().queues.membership).toEqual(waiting)
  })
})
