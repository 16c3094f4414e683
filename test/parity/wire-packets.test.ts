/** Datagrams: what is answered, with which frames around it, and what is dropped without a word. */
import { expect, it } from 'vitest'
import { untilAsync } from '../support/until-async.ts'
import {
  compound,
  compressed,
  message,
  type Packet,
  TYPE,
  textOf,
  userMessage,
  withCrc,
} from './raw/packets.ts'
import { LOOPBACK } from './raw/raw-member.ts'
import { onBoth } from './raw/wire-rig.ts'

onBoth((rig) => {
  it('item 67: a compound of three pings is answered by three acks', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, compound([raw.ping(42), raw.ping(42), raw.ping(42)]))
    expect(await raw.acksUpToNow(peer)).toEqual([42, 42, 42])
  })

  it('item 68: a ping without a name is acked to the address that it gives', async () => {
    const peer = await rig.peer()
    const home = await rig.joined(peer)
    const away = await rig.raw()
    away.sendBytes(peer, home.ping(42))
    expect((await home.ack(42)).fromPort).toBe(peer.port)
    expect(await away.acksUpToNow(peer)).toEqual([])
  })

  it('item 68: a ping that gives no address is acked to where it came from', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, message(TYPE.ping, { SeqNo: 42 }))
    const ack = await raw.ack(42)
    expect(ack.fromPort).toBe(peer.port)
    // Nil and empty are the same to every reader; Go writes what its delegate gives.
    expect(ack.parts[0]?.bytes.toString('hex')).toMatch(/^0282a75061796c6f6164(c0|a0)a55365714e6f2a$/)
  })

  it('item 69: a ping for another name gets no answer', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, raw.ping(1, { Node: 'nobody' }))
    raw.sendBytes(peer, raw.ping(2, { Node: 'subject' }))
    raw.sendBytes(peer, raw.ping(3, { Node: '' }))
    expect(await raw.acksUpToNow(peer)).toEqual([2, 3])
  })

  it('item 76: what waits to be gossiped rides behind an ack, and item 150 holds for that packet', async () => {
    const peer = await rig.peer({ gossipIntervalMs: 60_000 })
    const raw = await rig.joined(peer)
    raw.sendBytes(peer, raw.alive({ Name: 'rabbit', Port: 1 }))
    await untilAsync(
      async () => (await peer.members()).some(({ name }) => name === 'rabbit'),
      'the peer knows the third',
    )
    raw.sendBytes(peer, raw.ping(7))
    const { parts, plain } = await raw.ack(7)
    const [first, ...others] = parts
    expect(first?.type).toBe(TYPE.ack)
    expect(others.map(({ type }) => type)).toEqual(others.map(() => TYPE.alive))
    expect(others.map(({ body }) => textOf(body.Node))).toContain('rabbit')
    expect(plain.length).toBe(parts.reduce((sum, { bytes }) => sum + bytes.length + 2, 2))
  })

  it('item 150: a compound is as long as its parts, two bytes for each, and two more', async () => {
    const peer = await rig.peer({ gossipIntervalMs: 60_000 })
    const raw = await rig.joined(peer)
    for (const payload of ['a', 'bc', 'def']) await peer.broadcast(Buffer.from(payload))
    raw.sendBytes(peer, raw.alive({ Name: 'rabbit', Port: 1 }))
    await untilAsync(async () => (await peer.members()).length === 3, 'the peer knows the third')
    raw.sendBytes(peer, raw.ping(7))
    await raw.ack(7)
    const compounds = raw.packets.filter((packet) => packet.compound)
    expect(compounds).not.toEqual([])
    for (const { plain, parts } of compounds) {
      expect(parts.length).toBeGreaterThan(1)
      expect(plain.length).toBe(parts.reduce((sum, { bytes }) => sum + bytes.length, 2 * parts.length + 2))
    }
  })

  it('item 151: the three parts of a compound are three messages', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, compound([raw.ping(1), userMessage('between'), raw.ping(2)]))
    expect(await raw.acksUpToNow(peer)).toEqual([1, 2])
    await untilAsync(async () => (await payloads(peer.events())).includes('between'), 'the user message')
  })

  it('item 152: a compound that announces parts but holds no lengths is dropped', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, Buffer.of(TYPE.compound, 127))
    raw.sendBytes(peer, Buffer.of(TYPE.compound))
    expect(await raw.acksUpToNow(peer)).toEqual([])
  })

  it('item 153: of a compound whose last part is cut the others are read', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, compound([raw.ping(1), raw.ping(2), raw.ping(3)]).subarray(0, -1))
    expect(await raw.acksUpToNow(peer)).toEqual([1, 2])
  })

  it('item 154: a compressed packet is read, alone and around a compound, and uncompressed ones as well', async () => {
    const peer = await rig.peer({ compress: true })
    const raw = await rig.raw()
    raw.sendBytes(peer, compressed(raw.ping(1)))
    raw.sendBytes(peer, compressed(compound([raw.ping(2), raw.ping(3)])))
    raw.sendBytes(peer, compound([compressed(raw.ping(4)), compound([raw.ping(5)])]))
    raw.sendBytes(peer, withCrc(compressed(raw.ping(6))))
    expect(await raw.acksUpToNow(peer)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('item 154: packets are compressed where that makes them shorter, and only there', async () => {
    const peer = await rig.peer({ compress: true })
    const raw = await rig.joined(peer)
    const long = Buffer.alloc(600, 'abc')
    await peer.broadcast(long)
    const { compressed: isCompressed, bytes } = await raw.packetWith(TYPE.user)
    expect(isCompressed).toBe(true)
    expect(bytes.length).toBeLessThan(400)
    expect(raw.messages(TYPE.user)[0]?.bytes).toEqual(userMessage(long))
    // Once nothing waits to be gossiped any more, an ack goes alone, and is too short to gain.
    const bareAck = (): Packet | undefined =>
      raw.packets.find(({ compound: isCompound, parts: [part] }) => !isCompound && part?.type === TYPE.ack)
    await untilAsync(async () => {
      await raw.acksUpToNow(peer)
      return bareAck() !== undefined
    }, 'an ack alone')
    expect(bareAck()?.compressed).toBe(false)
  })

  it('item 78: a checksum is added for a member that is known to read it, and for no stranger', async () => {
    const peer = await rig.peer()
    const stranger = await rig.raw()
    stranger.sendBytes(peer, stranger.ping(7))
    const ack = await stranger.ack(7)
    expect([ack.crc, ack.bytes.length]).toEqual([false, ack.plain.length])
    const member = await rig.joined(peer)
    const older = await rig.joined(peer, { vsn: Buffer.of(1, 4, 2, 0, 0, 0) })
    await peer.broadcast(Buffer.from('news'))
    const toMember = await member.packetWith(TYPE.user)
    expect([toMember.crc, toMember.bytes.length]).toEqual([true, toMember.plain.length + 5])
    expect((await older.packetWith(TYPE.user)).crc).toBe(false)
  })

  it('item 78: an ack to a member with its address for a name has a checksum', async () => {
    const peer = await rig.peer()
    const member = await rig.joined(peer, { name: '127.0.0.1' })
    member.sendBytes(peer, member.ping(7))
    expect((await member.ack(7)).crc).toBe(true)
  })

  it('item 79: a packet with a wrong checksum is dropped, one with the right checksum is read', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const corrupted = withCrc(raw.ping(1))
    corrupted[1] = (corrupted[1] ?? 0) ^ 1
    const altered = withCrc(raw.ping(2))
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
    raw.sendBytes(peer, corrupted)
    raw.sendBytes(peer, altered)
    raw.sendBytes(peer, withCrc(raw.ping(3)))
    expect(await raw.acksUpToNow(peer)).toEqual([3])
  })

  it('item 80: a packet of no bytes is nothing', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, Buffer.alloc(0))
    expect(await raw.acksUpToNow(peer)).toEqual([])
  })

  it('a body may be nil, an array in order, or a map in any order with keys that nobody knows', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, Buffer.of(TYPE.ping, 0xc0))
    raw.sendBytes(peer, Buffer.of(TYPE.ping, 0x91, 1))
    raw.sendBytes(
      peer,
      message(TYPE.ping, { SourcePort: raw.port, zebra: 3, SeqNo: 2, SourceAddr: LOOPBACK }),
    )
    expect(await raw.acksUpToNow(peer)).toEqual([0, 1, 2])
  })
})

async function payloads(
  events: ReturnType<import('./subject.ts').Peer['events']>,
): Promise<readonly string[]> {
  return (await events).flatMap((event) =>
    event.type === 'user' ? [Buffer.from(event.payload).toString()] : [],
  )
}
