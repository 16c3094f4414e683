/** Parity: what a member believes of itself and of others (memberlist-wire.md section 12). The others are raw sockets. */
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'
import type { Fields } from './raw/msgpack.ts'
import { compound, compressed, message, TYPE, textOf, userMessage, withCrc } from './raw/packets.ts'
import type { RawMember } from './raw/raw-member.ts'
import { type NodeEntry, pushPull, userStream } from './raw/streams.ts'
import { onBoth } from './raw/wire-rig.ts'
import { untilTold } from './rig.ts'
import type { Peer } from './subject.ts'

const ALIVE = 0
const SUSPECT = 1
const DEAD = 2
const LEFT = 3
/** Of peers of the suite, unless told otherwise. */
const GOSSIP_INTERVAL_MS = 20

const aboutNode = (name: string) => (body: Fields) => textOf(body.Node) === name

/** The peer's list as it goes over the wire, by name. */
async function listOf(peer: Peer, raw: RawMember): Promise<ReadonlyMap<string, Fields>> {
  const { nodes } = await raw.request(peer, pushPull([], false))
  return new Map(nodes.map((node) => [textOf(node.Name), node]))
}

async function untilState(peer: Peer, raw: RawMember, name: string, state: number): Promise<Fields> {
  let entry: Fields | undefined
  await untilAsync(async () => {
    entry = (await listOf(peer, raw)).get(name)
    return entry?.State === state
  }, `${name} is in state ${state}`)
  return entry as Fields
}

/** A member of whom there is only a record; nobody is at its address. */
function phantom(raw: RawMember, name: string, over: Partial<NodeEntry> = {}): NodeEntry {
  return raw.entry({ Name: name, Port: 1, ...over })
}

const dead = (node: string, from: string, incarnation: number): Buffer =>
  message(TYPE.dead, { From: from, Incarnation: incarnation, Node: node })
const suspect = (node: string, from: string, incarnation: number): Buffer =>
  message(TYPE.suspect, { From: from, Incarnation: incarnation, Node: node })

onBoth((rig) => {
  it('item 41: the own record carries the configured versions', async () => {
    const peer = await rig.peer({ protocolVersion: 4 })
    const raw = await rig.raw()
    const own = (await listOf(peer, raw)).get('subject')
    expect(Array.from(own?.Vsn as Uint8Array)).toEqual([1, 5, 4, 0, 0, 0])
  })

  it('item 115: another alive about oneself is refuted by a newer one with the own meta', async () => {
    const peer = await rig.peer({ meta: Buffer.from('mine') })
    const raw = await rig.joined(peer)
    const own = (await listOf(peer, raw)).get('subject')
    const Incarnation = Number(own?.Incarnation) + 10
    raw.send(peer, raw.alive({ Name: 'subject', Port: peer.port, Meta: Buffer.from('theirs'), Incarnation }))
    const { body } = await raw.message(
      TYPE.alive,
      (alive) => aboutNode('subject')(alive.body) && Number(alive.body.Incarnation) > Incarnation,
    )
    expect(textOf(body.Meta)).toBe('mine')
    expect(body.Port).toBe(peer.port)
    expect(await peer.members()).toMatchObject([{}, {}])
  })

  it('item 127: a death notice about oneself is refuted by a newer alive', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    const own = (await listOf(peer, raw)).get('subject')
    const Incarnation = Number(own?.Incarnation) + 3
    raw.send(peer, dead('subject', raw.name, Incarnation))
    await raw.message(
      TYPE.alive,
      ({ body }) => aboutNode('subject')(body) && Number(body.Incarnation) > Incarnation,
    )
    expect((await listOf(peer, raw)).get('subject')?.State).toBe(ALIVE)
    expect(await peer.healthScore()).toBe(1)
  })

  it('item 116: another address for a living member is ignored, and nobody is told', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    const ben = await rig.joined(peer, { name: 'ben' })
    raw.send(peer, ben.alive({ Port: 2, Incarnation: 2 }))
    const { otherPort } = await untilTold(peer, 'conflict', ({ name }) => name === 'ben')
    expect(otherPort).toBe(2)
    // What is queued leaves before what comes later: once the marker is there, nothing else is under way.
    raw.send(peer, raw.alive({ Name: 'marker', Port: 1 }))
    await raw.message(TYPE.alive, ({ body }) => aboutNode('marker')(body))
    expect((await listOf(peer, raw)).get('ben')).toMatchObject({ Port: ben.port, Incarnation: 1 })
    const told = raw.messages(TYPE.alive).filter(({ body }) => aboutNode('ben')(body))
    expect(told.map(({ body }) => body.Port)).toEqual(told.map(() => ben.port))
  })

  it('item 116: another address for a member dead long enough is accepted', async () => {
    const peer = await rig.peer({ deadNodeReclaimMs: 1 })
    const raw = await rig.joined(peer)
    await raw.join(peer, [phantom(raw, 'ben')])
    raw.send(peer, dead('ben', raw.name, 1))
    await untilState(peer, raw, 'ben', DEAD)
    // The first may come within the millisecond.
    await untilAsync(async () => {
      raw.send(peer, raw.alive({ Name: 'ben', Port: 2, Incarnation: 2 }))
      return (await listOf(peer, raw)).get('ben')?.Port === 2
    }, 'the name has its new address')
    expect((await listOf(peer, raw)).get('ben')?.State).toBe(ALIVE)
  })

  it('item 116: another address for a dead member is refused where names are not reclaimed', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer, { name: 'raw' })
    await raw.join(peer, [phantom(raw, 'ben')])
    raw.send(peer, dead('ben', raw.name, 1))
    await untilState(peer, raw, 'ben', DEAD)
    raw.send(peer, raw.alive({ Name: 'ben', Port: 2, Incarnation: 2 }))
    await untilTold(peer, 'conflict', ({ name }) => name === 'ben')
    expect((await listOf(peer, raw)).get('ben')).toMatchObject({ Port: 1, State: DEAD })
  })

  it('item 122: a death notice by the member itself means that it left, and the name may move at once', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    await raw.join(peer, [phantom(raw, 'ben')])
    raw.send(peer, dead('ben', 'ben', 1))
    await untilState(peer, raw, 'ben', LEFT)
    await untilTold(peer, 'leave', ({ name }) => name === 'ben')
    const Addr = Buffer.of(127, 0, 0, 9)
    raw.send(peer, raw.alive({ Name: 'ben', Addr, Port: 2, Incarnation: 3, Meta: Buffer.from('foo') }))
    const entry = await untilState(peer, raw, 'ben', ALIVE)
    expect(entry).toMatchObject({ Port: 2, Incarnation: 3 })
    expect([...(entry.Addr as Uint8Array)]).toEqual([...Addr])
    expect(textOf(entry.Meta)).toBe('foo')
  })

  it('item 128: a merge revives the suspect, suspects the suspect and the dead, and meets the unknown once', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    await raw.join(peer, [phantom(raw, 'one'), phantom(raw, 'two'), phantom(raw, 'three')])
    raw.send(peer, suspect('one', raw.name, 1))
    await untilState(peer, raw, 'one', SUSPECT)
    await raw.join(peer, [
      phantom(raw, 'one', { Incarnation: 2 }),
      phantom(raw, 'two', { State: SUSPECT }),
      phantom(raw, 'three', { State: DEAD }),
      phantom(raw, 'four', { Incarnation: 2 }),
    ])
    await untilTold(peer, 'join', ({ name }) => name === 'four')
    const list = await listOf(peer, raw)
    expect(list.get('one')).toMatchObject({ State: ALIVE, Incarnation: 2 })
    expect(list.get('two')).toMatchObject({ State: SUSPECT, Incarnation: 1 })
    expect(list.get('three')).toMatchObject({ State: SUSPECT, Incarnation: 1 })
    expect(list.get('four')).toMatchObject({ State: ALIVE, Incarnation: 2 })
    const joins = (await peer.events()).flatMap((event) => (event.type === 'join' ? event.name : []))
    expect(joins).toEqual([...new Set(joins)])
  })

  it('item 130: the dead are gossiped to for a while, and then no more', async () => {
    const toTheDeadMs = 2000
    const peer = await rig.peer({ gossipToTheDeadMs: toTheDeadMs })
    const raw = await rig.joined(peer, { name: 'raw' })
    const ben = await rig.joined(peer, { name: 'ben' })
    raw.send(peer, dead('ben', raw.name, 1))
    await untilState(peer, raw, 'ben', DEAD)
    const diedBeforeMs = performance.now()
    const heard = (member: RawMember, incarnation: number): boolean =>
      member
        .messages(TYPE.alive)
        .some(({ body }) => aboutNode('raw')(body) && body.Incarnation === incarnation)
    raw.send(peer, raw.alive({ Incarnation: 2 }))
    await until(() => heard(ben, 2))
    await until(() => performance.now() > diedBeforeMs + toTheDeadMs)
    raw.send(peer, raw.alive({ Incarnation: 3 }))
    await until(() => heard(raw, 3))
    const lateTicksEndMs = performance.now() + 5 * GOSSIP_INTERVAL_MS
    await until(() => performance.now() > lateTicksEndMs)
    expect(heard(ben, 3)).toBe(false)
  })

  it('item 132: a push-pull brings members that were not known', async () => {
    const peer = await rig.peer({ pushPullIntervalMs: 50 })
    const raw = await rig.raw()
    raw.answersStream = () => pushPull([raw.entry(), phantom(raw, 'zoe')], false)
    raw.send(peer, raw.alive())
    await untilTold(peer, 'join', ({ name }) => name === 'zoe')
    const names = raw.requests[0]?.nodes.map(({ Name }) => textOf(Name))
    expect(new Set(names)).toEqual(new Set(['subject', raw.name]))
    expect(raw.requests[0]?.body.Join).toBe(false)
  })

  it('item 139: a user message is delivered whichever way it comes', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    raw.sendBytes(peer, userMessage('bare'))
    raw.sendBytes(peer, withCrc(userMessage('with checksum')))
    raw.sendBytes(peer, compressed(userMessage('compressed')))
    raw.sendBytes(peer, compound([userMessage('in a compound'), userMessage('behind it')]))
    const closed = raw.stream(peer, userStream('by stream'))
    const wanted = ['bare', 'with checksum', 'compressed', 'in a compound', 'behind it', 'by stream']
    for (const text of wanted) {
      await untilTold(peer, 'user', ({ payload }) => Buffer.from(payload).toString() === text)
    }
    expect((await closed).length).toBe(0)
  })

  it('item 139: a user message leaves by packet and by stream', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    await peer.broadcast(Buffer.from('by packet'))
    const { bytes } = await raw.message(TYPE.user)
    expect(bytes.toString()).toBe('\x08by packet')
    await peer.sendReliable(raw.name, Buffer.from('by stream'))
    await until(() => raw.requests.some(({ type }) => type === TYPE.user))
    expect(raw.requests.map(({ payload }) => payload.toString())).toContain('by stream')
  })
})
