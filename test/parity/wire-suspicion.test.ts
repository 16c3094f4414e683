/** Suspicions told by bare messages: of others, and of the peer itself. */
import { expect, it } from 'vitest'
import { untilAsync } from '../support/until-async.ts'
import type { Fields } from './raw/msgpack.ts'
import { message, TYPE, textOf } from './raw/packets.ts'
import type { RawMember } from './raw/raw-member.ts'
import { pushPull } from './raw/streams.ts'
import { onBoth } from './raw/wire-rig.ts'
import type { Peer, PeerMember } from './subject.ts'

const STATE_DEAD = 2

function suspect(node: string, from: string, incarnation = 1): Buffer {
  return message(TYPE.suspect, { From: from, Incarnation: incarnation, Node: node })
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
    expect((await recordOf(watcher, peer, accused.name))?.State).toBe(STATE_DEAD)
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
})
