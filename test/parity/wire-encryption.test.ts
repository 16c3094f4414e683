/** Encrypted traffic, made and opened with node:crypto. */
import { expect, it } from 'vitest'
import { type BlockVersion, encryptBlock } from './raw/encrypted-block.ts'
import { encryptedPacket, TYPE, textOf } from './raw/packets.ts'
import type { RawMember, To } from './raw/raw-member.ts'
import { encryptedStream, openStream, pushPull } from './raw/streams.ts'
import { onBoth } from './raw/wire-rig.ts'

const KEY = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const OTHER = Buffer.alloc(32, 7)
const VERSIONS: readonly BlockVersion[] = [0, 1]
/** Version, nonce, tag; version 0 also pads to a whole number of 16 bytes, by at least one. */
const blockBytes = (version: BlockVersion, plainBytes: number): number =>
  29 + plainBytes + (version === 0 ? 16 - (plainBytes % 16) : 0)

onBoth((rig) => {
  it.each([16, 24, 32])('item 77: a stream under a key of %i bytes is answered under it', async (bytes) => {
    const key = Buffer.alloc(bytes, 9)
    const peer = await rig.peer({ keys: [key] })
    const raw = await rig.raw({ key })
    const reply = await raw.request(peer, raw.ping(23, { Node: 'subject' }))
    expect([reply.type, reply.body.SeqNo, reply.encryption]).toEqual([TYPE.ack, 23, 1])
    expect(reply.blockBytes).toBe(blockBytes(1, reply.plain.length))
    const state = await raw.join(peer)
    expect([state.type, state.encryption]).toEqual([TYPE.pushPull, 1])
    expect(state.blockBytes).toBe(blockBytes(1, state.plain.length))
    expect((await peer.members()).map(({ name }) => name)).toContain(raw.name)
  })

  it('item 77: an encrypted stream may come in pieces, and around a compressed one', async () => {
    const peer = await rig.peer({ keys: [KEY], compress: true })
    const raw = await rig.raw({ key: KEY })
    const bytes = encryptedStream(pushPull([raw.entry()], true), KEY)
    const pieces = [bytes.subarray(0, 3), bytes.subarray(3, 40), bytes.subarray(40)]
    const reply = openStream(await raw.stream(peer, ...pieces), [KEY])
    expect([reply.type, reply.encryption, reply.compressed]).toEqual([TYPE.pushPull, 1, true])
  })

  it('item 77: a stream in the clear, under another key or altered is not served', async () => {
    const peer = await rig.peer({ keys: [KEY] })
    const raw = await rig.raw()
    const altered = encryptedStream(raw.ping(1), KEY)
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
    const trailing = Buffer.from(encryptedStream(raw.ping(1), KEY))
    trailing.writeUInt32BE(trailing.readUInt32BE(1) - 1, 1)
    for (const request of [raw.ping(1), encryptedStream(raw.ping(1), OTHER), altered, trailing]) {
      const reply = openStream(await raw.stream(peer, request), [KEY])
      expect([reply.type, reply.encryption]).toEqual([TYPE.error, 1])
      expect(textOf(reply.body.Error)).not.toBe('')
    }
  })

  it('item 93: packets of version 0 are read, and answered in version 1', async () => {
    const peer = await rig.peer({ keys: [KEY] })
    await untilAckedAtEveryLength(await rig.raw({ key: KEY }), peer, 0)
  })

  it('item 94: packets of version 1 are read, and answered in version 1', async () => {
    const peer = await rig.peer({ keys: [KEY] })
    await untilAckedAtEveryLength(await rig.raw({ key: KEY }), peer, 1)
  })

  it('item 93: streams of version 0 are read, and answered in version 1', async () => {
    const peer = await rig.peer({ keys: [KEY] })
    expect(await versionsAtEveryLength(await rig.raw(), peer, 0)).toEqual(Array(16).fill(1))
  })

  it('item 94: streams of version 1 are read, and answered in version 1', async () => {
    const peer = await rig.peer({ keys: [KEY] })
    expect(await versionsAtEveryLength(await rig.raw(), peer, 1)).toEqual(Array(16).fill(1))
  })

  it('item 94: what is authenticated with a packet is the label, so nothing here', async () => {
    const peer = await rig.peer({ keys: [KEY] })
    const raw = await rig.raw({ key: KEY })
    for (const version of VERSIONS) {
      const bound = encryptBlock(version, KEY, raw.ping(1), Buffer.from('label'))
      raw.sendBytes(peer, bound)
    }
    expect(await raw.acksUpToNow(peer)).toEqual([])
  })

  it('item 94: what is authenticated with a stream is its header', async () => {
    const peer = await rig.peer({ keys: [KEY] })
    const raw = await rig.raw()
    const head = encryptedStream(raw.ping(1), KEY).subarray(0, 5)
    const unbound = Buffer.concat([head, encryptBlock(1, KEY, raw.ping(1), Buffer.alloc(0))])
    expect(openStream(await raw.stream(peer, unbound), [KEY]).type).toBe(TYPE.error)
    const bound = Buffer.concat([head, encryptBlock(1, KEY, raw.ping(1), head)])
    expect(openStream(await raw.stream(peer, bound), [KEY]).type).toBe(TYPE.ack)
  })

  it('item 94: no nonce is used twice', async () => {
    const peer = await rig.peer({ keys: [KEY] })
    const raw = await rig.raw({ key: KEY })
    for (let seqNo = 1; seqNo <= 50; seqNo++) raw.send(peer, raw.ping(seqNo))
    await raw.ack(50)
    const nonces = raw.packets.map(({ bytes }) => bytes.toString('hex', 1, 13))
    expect(new Set(nonces).size).toBe(nonces.length)
  })

  it('packets in the clear, under another key, altered, cut or of a version to come are dropped', async () => {
    const peer = await rig.peer({ keys: [KEY] })
    const raw = await rig.raw({ key: KEY })
    const good = encryptedPacket(raw.ping(1), KEY)
    const altered = Buffer.from(good)
    altered[20] = (altered[20] ?? 0) ^ 1
    const later = Buffer.from(good)
    later[0] = 2
    const other = encryptedPacket(raw.ping(1), OTHER)
    for (const packet of [raw.ping(1), other, altered, later, good.subarray(0, -1), good.subarray(0, 28)]) {
      raw.sendBytes(peer, packet)
    }
    expect(await raw.acksUpToNow(peer)).toEqual([])
    raw.sendBytes(peer, good)
    expect(await raw.acksUpToNow(peer)).toEqual([1])
  })

  it('item 66: while incoming traffic is not verified, packets and streams in the clear are served', async () => {
    const peer = await rig.peer({ keys: [KEY], verifyIncoming: false, verifyOutgoing: false })
    const raw = await rig.raw()
    raw.sendBytes(peer, raw.ping(1))
    expect((await raw.ack(1)).encryption).toBeUndefined()
    expect((await raw.request(peer, raw.ping(2))).encryption).toBeUndefined()
    raw.sendBytes(peer, encryptedPacket(raw.ping(3), KEY))
    expect((await raw.ack(3)).encryption).toBeUndefined()
    const reply = openStream(await raw.stream(peer, encryptedStream(raw.ping(4), KEY)), [KEY])
    expect([reply.type, reply.encryption]).toEqual([TYPE.ack, undefined])
  })

  it('an encrypted stream to a peer without keys is answered with an error', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const reply = openStream(await raw.stream(peer, encryptedStream(raw.ping(1), KEY)))
    expect([reply.type, reply.encryption]).toEqual([TYPE.error, undefined])
  })
})

/** Every length modulo 16, so that version 0 pads by each count. */
const LENGTHS: readonly number[] = Array.from({ length: 16 }, (_, index) => index + 1)

async function untilAckedAtEveryLength(raw: RawMember, to: To, version: BlockVersion): Promise<void> {
  for (const length of LENGTHS) {
    const ping = raw.ping(100 + length, { SourceNode: 'x'.repeat(length) })
    const packet = encryptedPacket(ping, KEY, { version })
    expect([packet[0], packet.length]).toEqual([version, blockBytes(version, ping.length)])
    raw.sendBytes(to, packet)
    const ack = await raw.ack(100 + length)
    expect([ack.encryption, ack.bytes.length]).toEqual([1, blockBytes(1, ack.plain.length)])
  }
}

async function versionsAtEveryLength(
  raw: RawMember,
  to: To,
  version: BlockVersion,
): Promise<readonly unknown[]> {
  const versions: unknown[] = []
  for (const length of LENGTHS) {
    const ping = raw.ping(1, { SourceNode: 'x'.repeat(length) })
    const request = encryptedStream(ping, KEY, { version })
    expect(request.length).toBe(5 + blockBytes(version, ping.length))
    const reply = openStream(await raw.stream(to, request), [KEY])
    expect([reply.type, reply.blockBytes]).toEqual([TYPE.ack, blockBytes(1, reply.plain.length)])
    versions.push(reply.encryption)
  }
  return versions
}
