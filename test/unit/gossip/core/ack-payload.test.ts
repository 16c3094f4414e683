/** What rides in acks: only between live native members, only in answer to a direct probe. */
import { describe, expect, it } from 'vitest'
import type { PingMessage } from '../../../../src/gossip/core/messages.ts'
import { ACK_PAYLOAD_BYTES_MAX } from '../../../../src/gossip/core/ping-answer.ts'
import { encodeMessage } from '../../../../src/gossip/wire/message-codec.ts'
import { openPacket, sealPacket } from '../../../../src/gossip/wire/packet.ts'
import { toHex } from '../wire/hex.ts'
import { endpoint, type MessageOf, Solo } from './fixtures.ts'

const FOREIGN_META = new Uint8Array(0)
const TOLD = Uint8Array.of(7, 8, 9)
const NOTHING = new Uint8Array(0)
/** Probe parameters that leave gossip and push-pull out of the picture. */
const QUIET = { gossipIntervalMs: 1e9, pushPullIntervalMs: 0, retransmitMult: 1 }

/** self with the native member `kin` (2000) and the foreign member `am` (3000); acks to native members carry `payload`. */
function withPeers(payload: Uint8Array = TOLD): { solo: Solo; asked: string[] } {
  const asked: string[] = []
  const solo = new Solo(QUIET, 0, 1, (peer) => {
    asked.push(peer)
    return payload
  })
  solo.peer('kin', 2000).peer('am', 3000, { meta: FOREIGN_META })
  return { solo: solo.flush().advanceTo(10).forget(), asked }
}

function pingFrom(name: string, port: number, extra: Partial<PingMessage> = {}): PingMessage {
  return { kind: 'ping', seqNo: 5, node: 'self', source: endpoint(port), sourceNode: name, ...extra }
}

function payloadOfAck(solo: Solo): Uint8Array | undefined {
  return solo.sent('ack')[0]?.payload
}

describe('the ack to a ping', () => {
  it('of a native member carries what the delegate tells that member', () => {
    const { solo, asked } = withPeers()
    solo.receive(pingFrom('kin', 2000), 2000)
    expect(payloadOfAck(solo)).toEqual(TOLD)
    expect(asked).toEqual(['kin'])
    expect(solo.portsSent('ack')).toEqual([2000])
  })

  it('through an address that was translated on the way goes to the member, with the payload', () => {
    const { solo } = withPeers()
    solo.receive(pingFrom('kin', 2000), 61_000)
    expect(solo.portsSent('ack')).toEqual([2000])
    expect(payloadOfAck(solo)).toEqual(TOLD)
  })

  it.each([
    ['a foreign member', pingFrom('am', 3000), 3000],
    ['a stranger', pingFrom('who', 4000), 4000],
    ['one that gives no name', { kind: 'ping', seqNo: 5, node: 'self' } as const, 2000],
    ['a foreign member that borrows a native name', pingFrom('kin', 3000), 3000],
    ['a stranger that borrows a native name', pingFrom('kin', 4000), 4000],
    ['somebody who asks for anyone', pingFrom('kin', 2000, { node: '' }), 2000],
    ['ourselves', pingFrom('self', 1000), 1000],
  ])('of %s carries none, and the delegate is not asked', (_who, ping, fromPort) => {
    const { solo, asked } = withPeers()
    solo.receive(ping, fromPort)
    expect(payloadOfAck(solo)).toEqual(NOTHING)
    expect(asked).toEqual([])
  })

  it('of a native member that has left carries none', () => {
    const { solo } = withPeers()
    solo.receive({ kind: 'dead', node: 'kin', incarnation: 1, from: 'kin' }, 2000).forget()
    solo.receive(pingFrom('kin', 2000), 2000)
    expect(payloadOfAck(solo)).toEqual(NOTHING)
  })

  it('takes a payload of 128 bytes, leaves a longer one out and notes it', () => {
    const fits = withPeers(new Uint8Array(ACK_PAYLOAD_BYTES_MAX)).solo.receive(pingFrom('kin', 2000), 2000)
    expect(payloadOfAck(fits)?.length).toBe(128)
    const long = withPeers(new Uint8Array(ACK_PAYLOAD_BYTES_MAX + 1)).solo.receive(
      pingFrom('kin', 2000),
      2000,
    )
    expect(payloadOfAck(long)).toEqual(NOTHING)
    expect(long.notes('ack_payload_too_long')).toHaveLength(1)
  })

  it('to an Alertmanager or a Serf is on the wire the nil that Go sends', () => {
    const { solo } = withPeers()
    solo.receive(pingFrom('am', 3000), 3000)
    const [ack] = solo.sent('ack')
    expect(ack && toHex(encodeMessage(ack))).toBe('0282a75061796c6f6164c0a55365714e6f05')
  })
})

describe('the payload of an ack', () => {
  /** The probe of the only peer `name` (2000). */
  function probed(name: string, meta?: Uint8Array): { solo: Solo; ping: MessageOf<'ping'>; atMs: number } {
    const solo = new Solo(QUIET).peer(name, 2000, meta === undefined ? {} : { meta })
    solo.flush().machine.start(0)
    solo.advanceUntil(() => solo.sent('ping').length > 0)
    const [ping] = solo.sent('ping')
    if (ping === undefined) throw new Error('no ping was sent')
    return { solo, ping, atMs: solo.nowMs }
  }

  function ackTo(ping: MessageOf<'ping'>, payload: Uint8Array): MessageOf<'ack'> {
    return { kind: 'ack', seqNo: ping.seqNo, payload }
  }

  it('of a native member is handed on with the round trip of the probe', () => {
    const { solo, ping, atMs } = probed('kin')
    solo.nowMs = atMs + 12
    solo.receive(ackTo(ping, TOLD), 2000)
    const [told] = solo.ofType('ack-payload')
    expect(told).toMatchObject({ peer: 'kin', payload: TOLD })
    expect(told?.rttMs).toBeCloseTo(12)
  })

  it.each([
    ['of a foreign member', FOREIGN_META, TOLD, 2000],
    ['that came from elsewhere than the target', undefined, TOLD, 4000],
    ['that is longer than any may be', undefined, new Uint8Array(ACK_PAYLOAD_BYTES_MAX + 1), 2000],
    ['that is empty', undefined, NOTHING, 2000],
  ])('%s is ignored, and the ack counts all the same', (_what, meta, payload, fromPort) => {
    const { solo, ping } = probed('peer', meta)
    solo.receive(ackTo(ping, payload), fromPort)
    expect(solo.ofType('ack-payload')).toEqual([])
    expect(solo.member('peer')?.rttMs).toBeDefined()
  })

  it('that may have come through a helper is ignored: its round trip says nothing of the target', () => {
    const { solo, ping, atMs } = probed('kin')
    solo.advanceTo(atMs + 501).receive(ackTo(ping, TOLD), 2000)
    expect(solo.ofType('ack-payload')).toEqual([])
    solo.advanceTo(atMs + 1100)
    expect(solo.liveness('kin')).toBe('alive')
  })

  it('survives the wire as the bytes that a Go peer would write', () => {
    const packet = sealPacket([encodeMessage({ kind: 'ack', seqNo: 1, payload: TOLD })], {
      crc: false,
      label: '',
      compress: false,
      crc32: () => 0,
    })
    expect(toHex(packet)).toBe('0282a75061796c6f6164a3070809a55365714e6f01')
    expect(openPacket(packet, { label: '', crc32: () => 0 }).messages).toEqual([
      { kind: 'ack', seqNo: 1, payload: TOLD },
    ])
  })
})
