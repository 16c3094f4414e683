/** Traffic without labels: the half of the label's rules that every program keeps. */
import { expect, it } from 'vitest'
import { encryptedPacket, message, TYPE } from './raw/packets.ts'
import { encryptedStream, openStream } from './raw/streams.ts'
import { onBoth } from './raw/wire-rig.ts'

const KEY = Buffer.alloc(16, 5)

onBoth((rig) => {
  it('item 18: without a label nothing is put before a packet', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, raw.ping(1))
    const { bytes, plain, label } = await raw.ack(1)
    expect([bytes, label]).toEqual([plain, ''])
  })

  it('item 22: a packet without a label is read as it is: a ping, an error, an encrypted block', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, message(TYPE.error, { Error: 'not by packet' }))
    raw.sendBytes(peer, raw.ping(1))
    expect(await raw.acksUpToNow(peer)).toEqual([1])
    const encrypted = await rig.peer({ keys: [KEY] })
    const sealer = await rig.raw({ key: KEY })
    const block = encryptedPacket(sealer.ping(2), KEY)
    expect(block[0]).toBe(1)
    sealer.sendBytes(encrypted, block)
    expect((await sealer.ack(2)).label).toBe('')
  })

  it('item 26: without a label nothing is put before a stream', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    await peer.sendReliable(raw.name, Buffer.from('x'))
    const { bytes } = await raw.firstRequest()
    expect(bytes[0]).toBe(TYPE.user)
  })

  it('item 28: a stream without a label is read as it is: a ping, an error, an encrypted block, nothing', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    expect(openStream(await raw.stream(peer, raw.ping(1))).type).toBe(TYPE.ack)
    expect(await raw.stream(peer, message(TYPE.error, { Error: 'unasked' }))).toEqual(Buffer.alloc(0))
    const encrypted = await rig.peer({ keys: [KEY] })
    const reply = openStream(await raw.stream(encrypted, encryptedStream(raw.ping(2), KEY)), [KEY])
    expect([reply.type, reply.body.SeqNo]).toEqual([TYPE.ack, 2])
    expect(await raw.endedStream(peer)).toEqual(Buffer.alloc(0))
    expect(openStream(await raw.stream(peer, raw.ping(3))).body.SeqNo).toBe(3)
  })
})
