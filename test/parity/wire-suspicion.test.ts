/** What is believed of others and of oneself, told by bare messages. */
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'
import type { Fields } from './raw/msgpack.ts'
import { message, TYPE, textOf } from './raw/packets.ts'
import type { RawMember } from './raw/raw-member.ts'
import { pushPull } from './raw/streams.ts'
import { onBoth } from './raw/wire-rig.ts'
import type { Peer, PeerMember } from './subject.ts'

const STATE = { alive: 0, suspect: 1, dead: 2, left: 3 } as const

function suspect(node: string, from: string, incarnation = 1): Buffer {
  return message(TYPE.suspect, { From: from, Incarnation: incarnation, Node: node })
}

function dead(node: string, from: string, incarnation = 1): Buffer {
  return message(TYPE.dead, { From: from, Incarnation: incarnation, Node: node })
}

async function memberOf(peer: Peer, name: string): Promise<PeerMember | undefined> {
  return (await peer.members()).find((member) => member.name === name)
}

async function untilIs(peer: Peer, name: string, wanted: PeerMember['liveness'] | undefined): Promise<void> {
  await untilAsync(
    async () => (await memberOf(peer, name))?.liveness === wanted,
    `${name} is ${wanted ?? 'no member'}`,
  )
}

/** What a push-pull says of a member, in the peer's own words. */
async function recordOf(raw: RawMember, peer: Peer, name: string): Promise<Fields | undefined> {
  const { nodes } = await raw.request(peer, pushPull([raw.entry()], false))
  return nodes.find(({ Name }) => textOf(Name) === name)
}

async function eventsOf(peer: Peer, name: string): Promise<readonly string[]> {
  return (await peer.events()).flatMap((event) =>
    'name' in event && event.name === name && event.type !== 'ack' ? [event.type] : [],
  )
}

onBoth((rig) => {
  it('item 118: a suspicion is passed on, and after its time the suspect is declared dead', async () => {
    const peer = await rig.peer({ probeIntervalMs: 500, suspicionMult: 1 })
    const watcher = await rig.joined(peer)
    const accused = await rig.joined(peer)
    watcher.send(peer, suspect(accused.name, watcher.name))
    const passedOn = await watcher.message(TYPE.suspect)
    expect([textOf(passedOn.body.Node), textOf(passedOn.body.From)]).toEqual([accused.name, watcher.name])
    expect(passedOn.body.Incarnation).toBe(1)
    const verdict = await watcher.message(TYPE.dead)
    expect([textOf(verdict.body.Node), textOf(verdict.body.From)]).toEqual([accused.name, 'subject'])
    expect(verdict.body.Incarnation).toBe(1)
    await untilIs(peer, accused.name, undefined)
    expect((await recordOf(watcher, peer, accused.name))?.State).toBe(STATE.dead)
    expect(await eventsOf(peer, accused.name)).toEqual(['join', 'leave'])
  })

  it('item 118: a suspect shows as such until then, and a new incarnation of it ends that', async () => {
    const peer = await rig.peer()
    const watcher = await rig.joined(peer)
    const accused = await rig.joined(peer)
    watcher.send(peer, suspect(accused.name, watcher.name))
    await untilIs(peer, accused.name, 'suspect')
    accused.send(peer, accused.alive({ Incarnation: 2 }))
    await untilIs(peer, accused.name, 'alive')
    expect(await eventsOf(peer, accused.name)).toEqual(['join'])
  })

  it('item 121: who is suspected itself refutes with a higher incarnation, and trusts itself less', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    const own = Number((await recordOf(raw, peer, 'subject'))?.Incarnation)
    expect(await peer.healthScore()).toBe(0)
    raw.send(peer, suspect('subject', raw.name, own))
    const { body } = await raw.message(TYPE.alive, (alive) => Number(alive.body.Incarnation) > own)
    expect([textOf(body.Node), body.Incarnation]).toEqual(['subject', own + 1])
    expect(await peer.healthScore()).toBe(1)
    expect((await memberOf(peer, 'subject'))?.liveness).toBe('alive')
  })

  it('item 121: a suspicion of a far higher incarnation is refuted by one above it', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    raw.send(peer, suspect('subject', raw.name, 1000))
    const { body } = await raw.message(TYPE.alive, (alive) => Number(alive.body.Incarnation) >= 1000)
    expect([textOf(body.Node), body.Incarnation]).toEqual(['subject', 1001])
  })

  it('item 127: who is declared dead refutes with a higher incarnation', async () => {
    const peer = await rig.peer()
    const raw = await rig.joined(peer)
    const own = Number((await recordOf(raw, peer, 'subject'))?.Incarnation)
    raw.send(peer, dead('subject', raw.name, own))
    const { body } = await raw.message(TYPE.alive, (alive) => Number(alive.body.Incarnation) > own)
    expect([textOf(body.Node), body.Incarnation]).toEqual(['subject', own + 1])
    expect((await memberOf(peer, 'subject'))?.liveness).toBe('alive')
  })

  it('item 115: who hears something else of itself refutes, and keeps its own meta', async () => {
    const peer = await rig.peer({ meta: Buffer.from('mine') })
    const raw = await rig.joined(peer)
    const own = Number((await recordOf(raw, peer, 'subject'))?.Incarnation)
    const Incarnation = own + 4
    raw.send(peer, raw.alive({ Name: 'subject', Port: peer.port, Incarnation, Meta: Buffer.from('theirs') }))
    const { body } = await raw.message(TYPE.alive, (alive) => Number(alive.body.Incarnation) > Incarnation)
    expect([textOf(body.Node), textOf(body.Meta), body.Incarnation]).toEqual(['subject', 'mine', own + 5])
    expect(Buffer.from((await memberOf(peer, 'subject'))?.meta ?? []).toString()).toBe('mine')
  })

  it('item 116: a live member keeps its address whoever claims its name', async () => {
    const peer = await rig.peer()
    const watcher = await rig.joined(peer)
    const owner = await rig.joined(peer)
    watcher.send(peer, owner.alive({ Port: 1, Incarnation: 2 }))
    await untilAsync(
      async () => (await eventsOf(peer, owner.name)).includes('conflict'),
      'the conflict is told',
    )
    const conflict = (await peer.events()).find(({ type }) => type === 'conflict')
    expect(conflict).toMatchObject({ otherAddr: '127.0.0.1', otherPort: 1 })
    expect((await memberOf(peer, owner.name))?.port).toBe(owner.port)
    expect(await recordOf(watcher, peer, owner.name)).toMatchObject({ Port: owner.port, Incarnation: 1 })
    expect(watcher.messages(TYPE.alive).filter(({ body }) => body.Port === 1)).toEqual([])
  })

  it('item 116: the name of a member that has been dead for long enough may be taken', async () => {
    const peer = await rig.peer({ deadNodeReclaimMs: 1 })
    const watcher = await rig.joined(peer)
    const owner = await rig.joined(peer)
    watcher.send(peer, dead(owner.name, watcher.name))
    await untilIs(peer, owner.name, undefined)
    await until(() => {
      watcher.send(peer, owner.alive({ Port: 1, Incarnation: 2 }))
      return watcher.messages(TYPE.alive).some(({ body }) => body.Port === 1)
    })
    expect(await memberOf(peer, owner.name)).toMatchObject({ port: 1, liveness: 'alive' })
  })

  it('item 122: who says of itself that it is dead has left, and its name can come back from elsewhere', async () => {
    const peer = await rig.peer()
    const watcher = await rig.joined(peer)
    const leaver = await rig.joined(peer)
    leaver.send(peer, dead(leaver.name, leaver.name))
    await untilIs(peer, leaver.name, undefined)
    expect((await recordOf(watcher, peer, leaver.name))?.State).toBe(STATE.left)
    const passedOn = await watcher.message(TYPE.dead)
    expect([textOf(passedOn.body.Node), textOf(passedOn.body.From)]).toEqual([leaver.name, leaver.name])
    watcher.send(peer, leaver.alive({ Port: 1, Incarnation: 2 }))
    await untilIs(peer, leaver.name, 'alive')
    expect((await memberOf(peer, leaver.name))?.port).toBe(1)
    expect(await eventsOf(peer, leaver.name)).toEqual(['join', 'leave', 'join'])
  })

  it('item 128: what a merge makes of alive, suspect and dead entries, known and unknown', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const entry = (Name: string, Port: number) => raw.entry({ Name, Port })
    await raw.join(peer, [entry('a', 1), entry('b', 2), entry('c', 3)])
    raw.send(peer, suspect('a', raw.name))
    await untilIs(peer, 'a', 'suspect')
    await raw.request(
      peer,
      pushPull(
        [
          { ...entry('a', 1), Incarnation: 2 },
          { ...entry('b', 2), State: STATE.suspect },
          { ...entry('c', 3), State: STATE.dead },
          { ...entry('d', 4), Incarnation: 2 },
          { ...entry('e', 5), State: STATE.dead },
        ],
        false,
      ),
    )
    await untilIs(peer, 'd', 'alive')
    const of = async (name: string) => (await memberOf(peer, name))?.liveness
    expect([await of('a'), await of('b'), await of('c')]).toEqual(['alive', 'suspect', 'suspect'])
    expect(await of('e')).toBeUndefined()
    expect(await eventsOf(peer, 'd')).toEqual(['join'])
    expect(await recordOf(raw, peer, 'a')).toMatchObject({ Incarnation: 2, State: STATE.alive })
  })
})
