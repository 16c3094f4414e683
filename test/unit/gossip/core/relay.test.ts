import { describe, expect, it } from 'vitest'
import type { IndirectPingMessage } from '../../../../src/gossip/core/messages.ts'
import { RELAYS_MAX } from '../../../../src/gossip/core/relay.ts'
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

describe('relaying a ping', () => {
  it('pings the target under an own number and address, and passes the ack on under the asked one', () => {
    const solo = helper().receive(request(), 3000)
    expect(solo.packets).toMatchObject([
      {
        port: 2000,
        messages: [{ kind: 'ping', node: 'target', seqNo: 1, source: endpoint(1000), sourceNode: 'self' }],
      },
    ])
    solo.forget().receive({ kind: 'ack', seqNo: 1, payload: Uint8Array.of(1, 2) }, 2000)
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
    solo.receive({ kind: 'ack', seqNo: 2, payload: new Uint8Array() })
    solo.advanceTo(600).receive({ kind: 'ack', seqNo: 1, payload: new Uint8Array() })
    expect([solo.sent('nack').length, solo.sent('ack').length]).toEqual([0, 1])
  })

  it('acks twice for nobody', () => {
    const solo = helper().receive(request(), 3000)
    for (let i = 0; i < 2; i++) solo.receive({ kind: 'ack', seqNo: 1, payload: new Uint8Array() })
    expect(solo.sent('ack')).toHaveLength(1)
  })

  it('reaches members only, not strangers and not ourselves', () => {
    const solo = helper().receive(request({ target: endpoint(53) }), 3000)
    solo.receive(request({ target: endpoint(1000) }), 3000)
    expect(solo.packets).toEqual([])
    expect(solo.notes('relay-to-stranger')).toHaveLength(2)
  })

  it('tells that it is well when asked for a member that it does not know yet, so that the asker is not blamed', () => {
    const solo = helper().receive(request({ target: endpoint(53) }), 3000)
    expect(solo.packets).toEqual([])
    solo.advanceTo(510)
    expect(solo.packets).toMatchObject([{ port: 3000, messages: [{ kind: 'nack', seqNo: 100 }] }])
  })

  it('keeps a bounded number of relays', () => {
    const solo = helper()
    for (let i = 0; i < RELAYS_MAX + 5; i++) solo.receive(request({ seqNo: i }), 3000)
    expect(solo.sent('ping')).toHaveLength(RELAYS_MAX)
    expect(solo.notes('relay-full')).toHaveLength(5)
    solo.advanceTo(1000).forget().receive(request(), 3000)
    expect(solo.sent('ping')).toHaveLength(1)
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
    expect(solo.notes('ping-for-another')).toHaveLength(1)
  })

  it('carries what waits to be told behind the ack', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).peer('a', 2000).flush().forget()
    solo.receive({ kind: 'ping', seqNo: 5, node: 'self', source: endpoint(2000) }, 2000)
    expect(solo.packets[0]?.messages.map((message) => message.kind)).toEqual(['ack', 'alive'])
  })
})
