/**
 * Bounds and hostile input: on hearsay alone, since memberlist has these limits only after 0.2.2, which takes the memory
 * that a header announces, and crashes on messages of no bytes.
 */
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'
import { lzwZeros } from './raw/lzw.ts'
import { compound, compressed, message, TYPE, withCrc } from './raw/packets.ts'
import { openStream } from './raw/streams.ts'
import { onHearsay } from './raw/wire-rig.ts'
import type { Peer } from './subject.ts'

const NOTHING = Buffer.alloc(0)
const MIB = 1024 * 1024

/** A compressed stream that holds one user message of zeros. @param plainBytes of the whole, inflated */
function packedUserStream(plainBytes: number): Buffer {
  const headBytes = 18
  const head = message(TYPE.user, { UserMsgLen: plainBytes - headBytes })
  expect(head.length).toBe(headBytes)
  return message(TYPE.compressed, { Algo: 0, Buf: lzwZeros(head, plainBytes - headBytes) })
}

async function userMessages(peer: Peer): Promise<readonly Uint8Array[]> {
  return (await peer.events()).flatMap((event) => (event.type === 'user' ? [event.payload] : []))
}

onHearsay((rig) => {
  it('item 82: a message of no bytes does no harm', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, withCrc(NOTHING))
    raw.sendBytes(peer, compound([NOTHING, raw.ping(1)]))
    raw.sendBytes(peer, compressed(NOTHING))
    expect(await raw.acksUpToNow(peer)).toEqual([1])
    expect(openStream(await raw.stream(peer, compressed(NOTHING))).type).toBe(TYPE.error)
  })

  it('item 83: a push-pull that announces ten million members is closed, unanswered', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const header = message(TYPE.pushPull, { Join: true, Nodes: 10_000_000, UserStateLen: 0 })
    expect(await raw.stream(peer, header)).toEqual(NOTHING)
  })

  it('item 83: a push-pull that announces thirty million bytes of state is closed, unanswered', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const header = message(TYPE.pushPull, { Join: true, Nodes: 0, UserStateLen: 30_000_000 })
    expect(await raw.stream(peer, header)).toEqual(NOTHING)
  })

  it('item 84: a user message that announces thirty million bytes is closed', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    expect(await raw.stream(peer, message(TYPE.user, { UserMsgLen: 30_000_000 }))).toEqual(NOTHING)
    expect(openStream(await raw.stream(peer, raw.ping(1))).type).toBe(TYPE.ack)
    expect(await userMessages(peer)).toEqual([])
  })

  it('item 152: a compound that announces 128 parts but holds no lengths is dropped', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, Buffer.of(TYPE.compound, 0x80))
    expect(await raw.acksUpToNow(peer)).toEqual([])
  })

  it('item 155: a stream may inflate to more than 20 MiB', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const request = packedUserStream(20 * MIB + 1)
    expect(request.length).toBeLessThan(MIB)
    expect(await raw.stream(peer, request)).toEqual(NOTHING)
    await untilAsync(async () => (await userMessages(peer)).length > 0, 'the user message')
    expect((await userMessages(peer)).map(({ length }) => length)).toEqual([20 * MIB + 1 - 18])
  })

  it('item 155: a stream that inflates to more than 40 MiB is refused', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    await raw.stream(peer, packedUserStream(40 * MIB + 1))
    expect(openStream(await raw.stream(peer, raw.ping(1))).type).toBe(TYPE.ack)
    expect(await userMessages(peer)).toEqual([])
  })

  it('a packet has at most 127 parts, none of them empty, and fits its budget', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    const payloads = Array.from({ length: 400 }, (_, index) => Buffer.of(index & 127, index >> 7))
    await Promise.all(payloads.map((payload) => peer.broadcast(payload)))
    const arrived = (): number =>
      new Set(raw.messages(TYPE.user).map(({ bytes }) => bytes.toString('hex'))).size
    await until(() => arrived() === payloads.length)
    for (const { parts, bytes } of raw.packets) {
      expect(parts.length).toBeLessThanOrEqual(127)
      expect(parts.filter((part) => part.bytes.length === 0)).toEqual([])
      expect(bytes.length).toBeLessThanOrEqual(1405)
    }
    // So many short ones would fit into fewer packets.
    expect(Math.max(...raw.packets.map(({ parts }) => parts.length))).toBe(127)
  })
})
