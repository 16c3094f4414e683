/**
 * Parity: keys of every length, both versions of the block, and clusters of four whose members are changed one by one
 * (memberlist-wire.md section 12; what two members show is in cluster-keys.test.ts). In the mixed casts members of the two
 * programs sit side by side.
 */
import { expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { untilAsync } from '../support/until-async.ts'
import { at, parity, type Stage, untilSees } from './rig.ts'
import type { Peer, PeerOptions } from './subject.ts'

const KEY = new Uint8Array(16).fill(1)
const NEW_KEY = new Uint8Array(32).fill(2)
/** Nobody is suspected for a machine's slowness. */
const CALM = { probeIntervalMs: 1000, probeTimeoutMs: 900 }

/** All join the first. */
async function cluster(stage: Stage, options: readonly Omit<PeerOptions, 'name'>[]): Promise<Peer[]> {
  const peers: Peer[] = []
  for (const [i, own] of options.entries()) peers.push(await stage.peer({ name: `m${i}`, ...CALM, ...own }))
  const [first, ...rest] = peers
  for (const peer of rest)
    expect(await peer.join([first === undefined ? '' : at(first)])).toEqual({ contacted: 1 })
  for (const peer of peers)
    await untilSees(
      peer,
      peers.map(({ name }) => name),
    )
  return peers
}

async function heardBy(peer: Peer): Promise<ReadonlySet<string>> {
  const events = await peer.events()
  return new Set(
    events.flatMap((event) => (event.type === 'user' ? [Buffer.from(event.payload).toString()] : [])),
  )
}

/**
 * A message of each, by stream and by gossip, reaches everybody else. What is gossiped is said again while it is not
 * heard: memberlist may send a message to the same members each time and leave one out.
 */
async function allTalk(peers: readonly Peer[], about: string): Promise<void> {
  const words = (from: Peer, to: string): string => `${about}, ${from.name} to ${to}`
  for (const from of peers) {
    for (const to of peers)
      if (to !== from) await from.sendReliable(to.name, Buffer.from(words(from, to.name)))
  }
  await untilAsync(async () => {
    let missing = 0
    for (const to of peers) {
      const heard = await heardBy(to)
      for (const from of peers) {
        if (from === to) continue
        if (!heard.has(words(from, to.name))) missing++
        if (heard.has(words(from, 'all'))) continue
        missing++
        await from.broadcast(Buffer.from(words(from, 'all')))
      }
    }
    return missing === 0
  }, `all are heard by all: ${about}`)
}

parity('encryption', (stage) => {
  it.each([16, 24, 32])('item 36: members with a key of %d bytes talk', async (bytes) => {
    const keys = [new Uint8Array(bytes).fill(7)]
    await allTalk(await cluster(stage, [{ keys }, { keys }]), 'with a key')
  })

  it('items 93 and 94: a member at protocol 1, which encrypts after version 0, and one at 2 talk', async () => {
    // At protocol 1 memberlist takes everybody to listen on its own port.
    const [bindPort, keys] = [await freePort(), [KEY]]
    const old = await stage.peer({ name: 'old', keys, protocolVersion: 1, bindPort, ...CALM })
    const young = await stage.peer({ name: 'young', keys, bindAddr: '127.0.0.2', bindPort, ...CALM })
    expect(await young.join([at(old)])).toEqual({ contacted: 1 })
    await untilSees(old, ['old', 'young'])
    await allTalk([old, young], 'in two versions')
  })

  it('item 47: with a key on one side only there is no join, whoever calls', async () => {
    const ana = await stage.peer({ name: 'ana', keys: [KEY], ...CALM })
    const ben = await stage.peer({ name: 'ben', ...CALM })
    expect(await ben.join([at(ana)])).toMatchObject({ contacted: 0, error: expect.stringMatching(/encrypt/) })
    expect(await ana.join([at(ben)])).toMatchObject({
      contacted: 0,
      error: expect.stringMatching(/encrypt|plaintext/),
    })
    await untilSees(ana, ['ana'])
    await untilSees(ben, ['ben'])
  })

  it('items 13, 16: keys are exchanged live, and nobody is lost; who was left out then is', async () => {
    const peers = await cluster(stage, Array(4).fill({ keys: [KEY] }))
    for (const peer of peers) await peer.addKey(NEW_KEY)
    await allTalk(peers, 'added')
    for (const peer of peers) {
      await peer.useKey(NEW_KEY)
      await allTalk(peers, `used by ${peer.name}`)
    }
    for (const peer of peers) await peer.removeKey(KEY)
    await allTalk(peers, 'removed')
    for (const peer of peers) {
      const left = (await peer.events()).filter(({ type }) => type === 'leave')
      expect(left).toEqual([])
    }
    const late = await stage.peer({ name: 'late', keys: [KEY], ...CALM })
    const [first] = peers
    if (first !== undefined) expect((await late.join([at(first)])).contacted).toBe(0)
  })

  it('item 66: a plaintext cluster is moved to encryption member by member, joined at every step', async () => {
    const names = ['m0', 'm1', 'm2', 'm3']
    const steps: readonly (readonly [string, Partial<PeerOptions>])[] = [
      ['key, nothing verified', { keys: [KEY], verifyIncoming: false, verifyOutgoing: false }],
      ['outgoing', { keys: [KEY], verifyIncoming: false }],
      ['incoming', { keys: [KEY] }],
    ]
    const peers = await cluster(stage, [{}, {}, {}, {}])
    for (const [step, options] of steps) {
      for (const [i, peer] of [...peers.entries()]) {
        await peer.shutdown()
        const others = peers.filter((other) => other !== peer)
        const again = await stage.peer({ name: peer.name, bindPort: peer.port, ...CALM, ...options })
        peers[i] = again
        expect(await again.join(others.map(at))).toEqual({ contacted: 3 })
        for (const each of peers) await untilSees(each, names)
        await allTalk(peers, `${step}, ${peer.name}`)
      }
    }
    const plain = await stage.peer({ name: 'plain', ...CALM })
    expect((await plain.join(peers.map(at))).contacted).toBe(0)
  })
})
