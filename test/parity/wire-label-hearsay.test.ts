/** Labels proper: on hearsay alone, since memberlist has them from v0.3.0 on and Debian's is 0.2.2. */
import { expect, it } from 'vitest'
import { untilAsync } from '../support/until-async.ts'
import { encryptedPacket, labelHeader, TYPE } from './raw/packets.ts'
import { encryptedStream, openStream, pushPull, userStream } from './raw/streams.ts'
import { onHearsay } from './raw/wire-rig.ts'

const NOTHING = Buffer.alloc(0)
const KEY = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const fromHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const LONGEST = 'x'.repeat(255)
/** Headers that are cut: only more bytes could make them whole. */
const CUT = ['f4', 'f403', 'f4036c62', `f4ff${'78'.repeat(254)}`]
/** Headers of no label, of others, and none. */
const WRONG = ['f400', 'f4036c6263', 'f4026c62', 'f4046c626c6c', 'f403', '']

onHearsay((rig) => {
  it('item 19: a label goes before a packet: f4, its length, itself', async () => {
    const peer = await rig.peer({ label: 'lbl' })
    const raw = await rig.raw({ label: 'lbl' })
    raw.send(peer, raw.ping(1))
    const { bytes, plain } = await raw.ack(1)
    expect(bytes).toEqual(Buffer.concat([fromHex('f4036c626c'), plain]))
    raw.sendBytes(peer, labelHeader('lbl'))
    expect(await raw.acksUpToNow(peer)).toEqual([1])
  })

  it('item 20: a label of 255 bytes is a label', async () => {
    const peer = await rig.peer({ label: LONGEST })
    const raw = await rig.raw({ label: LONGEST })
    raw.send(peer, raw.ping(1))
    expect((await raw.ack(1)).bytes.subarray(0, 257)).toEqual(fromHex(`f4ff${'78'.repeat(255)}`))
    expect((await raw.request(peer, raw.ping(2))).body.SeqNo).toBe(2)
  })

  it('item 21: a label of 256 bytes is refused', async () => {
    await expect(rig.peer({ label: `${LONGEST}x` })).rejects.toThrow('label')
  })

  it('item 23: a packet whose label is cut is dropped', async () => {
    const peer = await rig.peer({ label: 'lbl' })
    const raw = await rig.raw({ label: 'lbl' })
    for (const header of CUT) raw.sendBytes(peer, fromHex(header))
    expect(await raw.acksUpToNow(peer)).toEqual([])
  })

  it('item 24: a packet with a label of no length, another one or none is dropped', async () => {
    const peer = await rig.peer({ label: 'lbl' })
    const raw = await rig.raw({ label: 'lbl' })
    for (const header of WRONG) raw.sendBytes(peer, Buffer.concat([fromHex(header), raw.ping(1)]))
    expect(await raw.acksUpToNow(peer)).toEqual([])
    const bare = await rig.peer()
    const bareRaw = await rig.raw()
    for (const header of ['f400', 'f4036c626c', 'f4']) {
      bareRaw.sendBytes(bare, Buffer.concat([fromHex(header), bareRaw.ping(1)]))
    }
    expect(await bareRaw.acksUpToNow(bare)).toEqual([])
  })

  it('item 25: behind its label a packet is what it is without', async () => {
    const peer = await rig.peer({ label: 'lbl' })
    const raw = await rig.raw({ label: 'lbl' })
    raw.sendBytes(peer, Buffer.concat([fromHex('f4036c626c'), raw.ping(1)]))
    expect(await raw.acksUpToNow(peer)).toEqual([1])
  })

  it('item 27: a label goes before a stream that is dialled, and before no answer', async () => {
    const peer = await rig.peer({ label: 'lbl' })
    const raw = await rig.raw({ label: 'lbl' })
    const answer = await raw.stream(peer, labelHeader('lbl'), pushPull([raw.entry()], true))
    expect(openStream(answer).type).toBe(TYPE.pushPull)
    await peer.sendReliable(raw.name, Buffer.from('x'))
    const { bytes } = await raw.firstRequest()
    expect(bytes).toEqual(Buffer.concat([fromHex('f4036c626c'), userStream('x')]))
  })

  it('item 29: a stream whose label is cut is closed unanswered', async () => {
    const peer = await rig.peer({ label: 'lbl' })
    const raw = await rig.raw()
    for (const header of CUT) expect(await raw.endedStream(peer, fromHex(header))).toEqual(NOTHING)
    expect(openStream(await raw.stream(peer, labelHeader('lbl'), raw.ping(1))).type).toBe(TYPE.ack)
  })

  it('item 30: a stream with a label of no length, another one or none is closed unanswered', async () => {
    const peer = await rig.peer({ label: 'lbl' })
    const raw = await rig.raw()
    for (const header of WRONG) {
      const request = Buffer.concat([fromHex(header), pushPull([raw.entry()], true)])
      expect(await raw.stream(peer, request)).toEqual(NOTHING)
    }
    expect((await peer.members()).map(({ name }) => name)).toEqual(['subject'])
    const bare = await rig.peer()
    for (const header of ['f400', 'f4036c626c']) {
      expect(await raw.stream(bare, Buffer.concat([fromHex(header), raw.ping(1)]))).toEqual(NOTHING)
    }
  })

  it('item 31: behind its label a stream is what it is without, however the bytes are cut', async () => {
    const peer = await rig.peer({ label: 'lbl' })
    const raw = await rig.raw()
    const request = Buffer.concat([labelHeader('lbl'), userStream('behind')])
    await raw.stream(peer, ...Array.from(request, (byte) => Buffer.of(byte)))
    await untilAsync(
      async () =>
        (await peer.events()).some(
          (event) => event.type === 'user' && Buffer.from(event.payload).toString() === 'behind',
        ),
      'the user message',
    )
  })

  it('item 94: a label is authenticated with packets, and with streams both ways', async () => {
    const peer = await rig.peer({ label: 'lbl', keys: [KEY] })
    const raw = await rig.raw({ label: 'lbl', key: KEY })
    raw.send(peer, raw.ping(1))
    const ack = await raw.ack(1)
    expect([ack.label, ack.encryption]).toEqual(['lbl', 1])
    raw.sendBytes(peer, Buffer.concat([labelHeader('lbl'), encryptedPacket(raw.ping(2), KEY)]))
    expect(await raw.acksUpToNow(peer)).toEqual([1])
    const answer = await raw.stream(peer, encryptedStream(raw.ping(3), KEY, { label: 'lbl' }))
    expect(answer[0]).toBe(TYPE.encrypted)
    expect(openStream(answer, [KEY], 'lbl').body.SeqNo).toBe(3)
    const unbound = Buffer.concat([labelHeader('lbl'), encryptedStream(raw.ping(4), KEY)])
    expect(openStream(await raw.stream(peer, unbound), [KEY], 'lbl').type).toBe(TYPE.error)
  })

  it.each([
    [
      'packet of version 1',
      'f4036c626c 01 000102030405060708090a0b 93ee0380097f92f72cbd502f65c60146dc23 4bda569ab31519298d3420a91aa437b2',
    ],
    [
      'packet of version 0',
      'f4036c626c 00 000102030405060708090a0b 93ee0380097f92f72cbd502f65c60146dc2314e85de3f3f8e82fff231a4aac62 52d178b0a74bafecd01f95213a3044ab',
    ],
  ])('golden vector: a %s that Go accepts is answered', async (_kind, hex) => {
    const peer = await rig.peer({ name: 'go1', label: 'lbl', keys: [KEY] })
    const raw = await rig.raw({ label: 'lbl', key: KEY })
    raw.sendBytes(peer, fromHex(hex))
    expect(await raw.acksUpToNow(peer)).toEqual([5])
  })

  it('golden vector: a stream that Go accepts is answered', async () => {
    const peer = await rig.peer({ name: 'go1', label: 'lbl', keys: [KEY] })
    const raw = await rig.raw()
    const hex =
      'f4036c626c 0a 0000002f 01 000102030405060708090a0b 93ee0380097f92f72cbd502f65c60146dc23 9a6728292776a272443fc9b04d192746'
    const reply = openStream(await raw.stream(peer, fromHex(hex)), [KEY], 'lbl')
    expect([reply.type, reply.body.SeqNo, reply.encryption]).toEqual([TYPE.ack, 5, 1])
  })
})
