/** Parity: what members of a cluster notice of each other and tell each other (memberlist-wire.md section 12). */
import { expect, it } from 'vitest'
import { untilAsync } from '../support/until-async.ts'
import { textOf } from './raw/packets.ts'
import { RawMember } from './raw/raw-member.ts'
import { pushPull } from './raw/streams.ts'
import { at, parity, type Stage, untilSees, untilTold } from './rig.ts'
import type { Peer, PeerOptions } from './subject.ts'

const BROADCASTS = 256

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload)

/** Members that know each other: each joins the first. */
async function cluster(
  stage: Stage,
  names: readonly string[],
  options: Partial<PeerOptions> = {},
): Promise<readonly Peer[]> {
  const peers: Peer[] = []
  for (const name of names) {
    const peer = await stage.peer({ name, ...options })
    if (peers[0] !== undefined) expect(await peer.join([at(peers[0])])).toEqual({ contacted: 1 })
    peers.push(peer)
  }
  for (const peer of peers) await untilSees(peer, names)
  return peers
}

async function pair(stage: Stage, options: Partial<PeerOptions> = {}): Promise<readonly [Peer, Peer]> {
  const [ana, ben] = await cluster(stage, ['ana', 'ben'], options)
  if (ana === undefined || ben === undefined) throw new Error('two names make two peers')
  return [ana, ben]
}

async function userTexts(peer: Peer): Promise<readonly string[]> {
  return (await peer.events()).flatMap((event) => (event.type === 'user' ? text(event.payload) : []))
}

/** What the peer's own list, as it sends it in a push-pull, says of a member: 0 alive, 1 suspect, 2 dead, 3 left. */
async function stateOnTheWire(peer: Peer, member: string): Promise<unknown> {
  const raw = await RawMember.open({ name: 'onlooker' })
  try {
    const { nodes } = await raw.request(peer, pushPull([], false))
    return nodes.find(({ Name }) => textOf(Name) === member)?.State
  } finally {
    await raw.close()
  }
}

/** All of them, and nothing else. */
async function untilHasAll(peer: Peer, sent: readonly string[], prefix: string): Promise<void> {
  await untilAsync(
    async () => new Set(await userTexts(peer)).size >= sent.length,
    `${peer.name} has all broadcasts`,
  )
  expect(new Set(await userTexts(peer))).toEqual(new Set(sent.map((each) => prefix + each)))
}

parity('life in a cluster', (stage) => {
  it('item 54: who leaves is marked left and is a member no more', async () => {
    const [ana, ben] = await pair(stage)
    await ben.leave(5000)
    await untilSees(ana, ['ana'])
    expect(await stateOnTheWire(ana, 'ben')).toBe(3)
    await untilTold(ana, 'leave', ({ name }) => name === 'ben')
  })

  it('item 55: who vanishes is found out, and marked dead', async () => {
    const [ana, ben] = await pair(stage)
    await ben.shutdown()
    await untilSees(ana, ['ana'])
    expect(await stateOnTheWire(ana, 'ben')).toBe(2)
    await untilTold(ana, 'leave', ({ name }) => name === 'ben')
  })

  it('item 56: meta is visible both ways after a join', async () => {
    const ana = await stage.peer({ name: 'ana', meta: bytes('web') })
    const ben = await stage.peer({ name: 'ben', meta: Uint8Array.of(0, 255, 128) })
    await ben.join([at(ana)])
    await untilSees(ana, ['ana', 'ben'])
    for (const peer of [ana, ben]) {
      const metas = (await peer.members()).map(({ name, meta }) => [name, [...meta]])
      expect(new Map(metas as [string, number[]][])).toEqual(
        new Map([
          ['ana', [...bytes('web')]],
          ['ben', [0, 255, 128]],
        ]),
      )
    }
  })

  it('item 57: a new meta is told to the others', async () => {
    const [ana, ben] = await pair(stage, { meta: bytes('old') })
    const started = [ana.updateMeta(bytes('of ana')), ben.updateMeta(bytes('of ben'))]
    await Promise.all(started)
    await untilTold(ben, 'update', ({ name }) => name === 'ana')
    await untilTold(ana, 'update', ({ name }) => name === 'ben')
    for (const peer of [ana, ben]) {
      for (const { name, meta } of await peer.members()) expect(text(meta)).toBe(`of ${name}`)
    }
  })

  it(`item 58: ${BROADCASTS} small broadcasts all arrive, both ways`, async () => {
    const [ana, ben] = await pair(stage)
    // Long enough that a packet takes fewer than 128: memberlist 0.2.2 itself misreads more (section 11, row 7).
    const sent = Array.from({ length: BROADCASTS }, (_, i) => `message ${i}`)
    await Promise.all(
      sent.flatMap((each) => [ana.broadcast(bytes(`a ${each}`)), ben.broadcast(bytes(`b ${each}`))]),
    )
    await untilHasAll(ben, sent, 'a ')
    await untilHasAll(ana, sent, 'b ')
  })

  it('item 58: user state goes both ways in the push-pull of a join and in later ones', async () => {
    const ana = await stage.peer({ name: 'ana', localState: bytes('of ana'), pushPullIntervalMs: 50 })
    const ben = await stage.peer({ name: 'ben', localState: bytes('of ben') })
    await ben.join([at(ana)])
    for (const join of [true, false]) {
      for (const [peer, state] of [
        [ana, 'of ben'],
        [ben, 'of ana'],
      ] as const) {
        await untilTold(peer, 'state', (event) => event.join === join && text(event.state) === state)
      }
    }
  })

  it('item 59: direct messages arrive both ways, also large ones', async () => {
    const [ana, ben] = await pair(stage)
    const large = 'x'.repeat(100_000)
    await ana.sendReliable('ben', bytes(large))
    await ben.sendReliable('ana', bytes('pong'))
    await untilTold(ben, 'user', ({ payload }) => text(payload) === large)
    await untilTold(ana, 'user', ({ payload }) => text(payload) === 'pong')
  })

  it('item 65: the payload of an ack and a round trip above zero come to the ping delegate', async () => {
    const ana = await stage.peer({ name: 'ana', ackPayload: bytes('from ana') })
    const ben = await stage.peer({ name: 'ben', ackPayload: bytes('from ben') })
    await ben.join([at(ana)])
    for (const [peer, other] of [
      [ana, 'ben'],
      [ben, 'ana'],
    ] as const) {
      const { payload, rttMs } = await untilTold(peer, 'ack', ({ name }) => name === other)
      expect(text(payload)).toBe(`from ${other}`)
      expect(rttMs).toBeGreaterThan(0)
    }
  })

  it('item 129: what one member gossips reaches the others', async () => {
    const peers = await cluster(stage, ['ana', 'ben', 'cyd', 'dan'])
    // memberlist draws its peers at random, and may spend all sends of one message on the same two of three.
    await untilAsync(async () => {
      for (const peer of peers) await peer.broadcast(bytes(`by ${peer.name}`))
      const heard = await Promise.all(peers.map(userTexts))
      return heard.every((texts) => new Set(texts).size === peers.length - 1)
    }, 'everybody hears of everybody else')
  })
})

parity(
  'beside memberlist',
  (stage) => {
    it('item 58: broadcasts of a few bytes arrive, though 0.2.2 misreads a packet of 128 and more', async () => {
      const [ours, theirs] = await pair(stage)
      const sent = Array.from({ length: BROADCASTS }, (_, i) => `${i}`)
      for (const each of sent) await ours.broadcast(bytes(each))
      await untilHasAll(theirs, sent, '')
    })
  },
  ['hearsay first'],
)
