/** Streams: one request a connection, answered with its last byte. */
import { expect, it } from 'vitest'
import { untilAsync } from '../support/until-async.ts'
import { encode, type Fields } from './raw/msgpack.ts'
import { compressed, message, TYPE, textOf } from './raw/packets.ts'
import { LOOPBACK } from './raw/raw-member.ts'
import { openStream, pushPull, userStream } from './raw/streams.ts'
import { onBoth } from './raw/wire-rig.ts'
import type { Peer, PeerEvent } from './subject.ts'

const NOTHING = Buffer.alloc(0)

async function untilTold(peer: Peer, fits: (event: PeerEvent) => boolean): Promise<void> {
  await untilAsync(async () => (await peer.events()).some(fits), 'the delegate is told')
}

const isUser =
  (payload: Uint8Array) =>
  (event: PeerEvent): boolean =>
    event.type === 'user' && Buffer.compare(event.payload, payload) === 0

onBoth((rig) => {
  it('item 75: an uncompressed push-pull from a bare socket is answered with the state', async () => {
    const peer = await rig.peer({ meta: Buffer.from('m'), localState: Buffer.from('theirs') })
    const raw = await rig.raw()
    const { type, body, nodes, payload, compressed: isCompressed } = await raw.join(peer)
    expect([type, isCompressed]).toEqual([TYPE.pushPull, false])
    expect(body).toEqual({ Join: true, Nodes: 1, UserStateLen: 6 })
    expect(payload.toString()).toBe('theirs')
    expect(nodes.map(shown)).toEqual([['subject', LOOPBACK, peer.port, 'm', 0, [1, 5, 2, 0, 0, 0]]])
    expect((await peer.members()).map(({ name }) => name)).toContain(raw.name)
  })

  it('item 75: with compression on, the answer is compressed, and so may be the request', async () => {
    const peer = await rig.peer({ compress: true })
    const raw = await rig.raw()
    const plain = await raw.join(peer)
    expect([plain.type, plain.compressed]).toEqual([TYPE.pushPull, true])
    const packed = openStream(await raw.stream(peer, compressed(pushPull([raw.entry()], false))))
    expect([packed.type, packed.compressed, packed.body.Join]).toEqual([TYPE.pushPull, true, false])
    expect(packed.nodes.map(({ Name }) => textOf(Name)).sort()).toEqual([raw.name, 'subject'].sort())
  })

  it('item 75: a push-pull that comes in pieces is answered with its last byte, while the caller waits', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const bytes = pushPull([raw.entry()], true, 'my state')
    const pieces = Array.from({ length: Math.ceil(bytes.length / 9) }, (_, i) =>
      bytes.subarray(9 * i, 9 * i + 9),
    )
    expect(openStream(await raw.stream(peer, ...pieces)).type).toBe(TYPE.pushPull)
    await untilTold(
      peer,
      (event) => event.type === 'state' && event.join && Buffer.from(event.state).toString() === 'my state',
    )
  })

  it('item 75: lengths may be of the signed forms that newer programs send', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const state = Buffer.alloc(300, 's')
    const header = Buffer.concat([
      Buffer.of(TYPE.pushPull, 0x83),
      encode('Join'),
      encode(true),
      encode('Nodes'),
      Buffer.from('d10001', 'hex'),
      encode('UserStateLen'),
      Buffer.from('d20000012c', 'hex'),
    ])
    const entry = message(0, { ...raw.entry() }).subarray(1)
    const reply = await raw.stream(peer, Buffer.concat([header, entry, state]))
    expect(openStream(reply).type).toBe(TYPE.pushPull)
    await untilTold(peer, (event) => event.type === 'state' && Buffer.compare(event.state, state) === 0)
    expect((await peer.members()).map(({ name }) => name)).toContain(raw.name)
  })

  it('a user message by stream is delivered and not answered', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    expect(await raw.stream(peer, userStream('reliable'))).toEqual(NOTHING)
    await untilTold(peer, isUser(Buffer.from('reliable')))
    expect(await raw.stream(peer, compressed(userStream('packed')))).toEqual(NOTHING)
    await untilTold(peer, isUser(Buffer.from('packed')))
    expect(await raw.stream(peer, userStream(''))).toEqual(NOTHING)
  })

  it('a frame that cannot be read is answered with an error, another unknown request with nothing', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const unreadable = message(TYPE.compressed, { Algo: 0, Buf: Buffer.of(0xff, 0xff) })
    const { type, body } = openStream(await raw.stream(peer, unreadable))
    expect(type).toBe(TYPE.error)
    expect(textOf(body.Error)).not.toBe('')
    expect(await raw.stream(peer, message(TYPE.nack, { SeqNo: 1 }))).toEqual(NOTHING)
    expect(await raw.stream(peer, Buffer.of(77))).toEqual(NOTHING)
  })

  it('what is sent to a member by stream is one user message', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    await peer.sendReliable(raw.name, Buffer.from('to you'))
    const { bytes } = await raw.firstRequest()
    expect(bytes.toString('hex')).toBe('0881aa557365724d73674c656e06746f20796f75')
  })
})

function shown({ Name, Addr, Port, Meta, State, Vsn }: Fields): readonly unknown[] {
  return [textOf(Name), Addr, Port, textOf(Meta), State, [...(Vsn as Buffer)]]
}
