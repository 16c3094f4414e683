/** Parity: encrypted clusters, their keys exchanged live, and labels (memberlist-wire.md section 12). */
import { expect, it } from 'vitest'
import { at, names, parity, type Stage, untilSees, untilTold } from './rig.ts'
import type { Peer, PeerOptions } from './subject.ts'

const CHAIN = 16
const OLD: Uint8Array = new Uint8Array(16).map((_, i) => i)
const NEW: Uint8Array = new Uint8Array(32).map((_, i) => 255 - i)
/** Who cannot be understood must not be declared dead meanwhile. */
const CALM = { probeIntervalMs: 60_000, probeTimeoutMs: 500 }

async function talks(from: Peer, to: Peer, text: string): Promise<void> {
  await from.broadcast(Buffer.from(`${text} by packet`))
  await from.sendReliable(to.name, Buffer.from(`${text} by stream`))
  for (const way of ['packet', 'stream']) {
    await untilTold(to, 'user', ({ payload }) => Buffer.from(payload).toString() === `${text} by ${way}`)
  }
}

async function expectNoJoin(from: Peer, to: Peer): Promise<string> {
  const { contacted, error = '' } = await from.join([at(to)])
  expect(contacted).toBe(0)
  for (const peer of [from, to]) expect(await names(peer)).not.toContain(peer === from ? to.name : from.name)
  return error
}

/** Probes that soon show whether acks are understood, and that declare nobody dead for a slow machine. */
const STEADY = { probeIntervalMs: 200, probeTimeoutMs: 150, suspicionMult: 20 }

/** The stages of the upgrade that memberlist's users are told to go through. */
const UPGRADE: readonly Partial<PeerOptions>[] = [
  {},
  { keys: [OLD], verifyIncoming: false, verifyOutgoing: false },
  { keys: [OLD], verifyIncoming: false, verifyOutgoing: true },
  { keys: [OLD], verifyIncoming: true, verifyOutgoing: true },
]

/** Two that know each other and talk, one on either side of a step of the upgrade. */
async function acrossTheStep(stage: Stage, step: number): Promise<void> {
  const ackPayload = Buffer.from('here')
  const ana = await stage.peer({ name: 'ana', ackPayload, ...STEADY, ...UPGRADE[step] })
  const ben = await stage.peer({ name: 'ben', ackPayload, ...STEADY, ...UPGRADE[step + 1] })
  expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
  for (const peer of [ana, ben]) await untilSees(peer, ['ana', 'ben'])
  await talks(ana, ben, 'forth')
  await talks(ben, ana, 'back')
  for (const peer of [ana, ben]) await untilTold(peer, 'ack')
  for (const peer of [ana, ben]) expect(await names(peer)).toEqual(['ana', 'ben'])
}

parity('keys', (stage) => {
  it(`item 8: ${CHAIN} encrypted nodes that join in a chain all see each other`, async () => {
    const all = Array.from({ length: CHAIN }, (_, i) => `node-${i}`)
    const peers: Peer[] = []
    for (const name of all) {
      const peer = await stage.peer({ name, keys: [OLD], probeTimeoutMs: 90, pushPullIntervalMs: 200 })
      const last = peers.at(-1)
      if (last !== undefined) expect(await peer.join([at(last)])).toEqual({ contacted: 1 })
      peers.push(peer)
    }
    for (const peer of peers) await untilSees(peer, all)
  })

  it('item 15: what is under any key of the ring is read', async () => {
    const ana = await stage.peer({ name: 'ana', keys: [OLD, NEW] })
    const ben = await stage.peer({ name: 'ben', keys: [NEW, OLD] })
    expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
    for (const peer of [ana, ben]) await untilSees(peer, ['ana', 'ben'])
    await talks(ana, ben, 'under the old')
    await talks(ben, ana, 'under the new')
  })

  it('item 16: what is under a removed key is not read', async () => {
    const ana = await stage.peer({ name: 'ana', keys: [OLD], ...CALM })
    const ben = await stage.peer({ name: 'ben', keys: [OLD], ...CALM })
    await ana.addKey(NEW)
    await ana.useKey(NEW)
    await ana.removeKey(OLD)
    await expectNoJoin(ben, ana)
    await ben.addKey(NEW)
    await ben.useKey(NEW)
    expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
    await untilSees(ana, ['ana', 'ben'])
    await talks(ben, ana, 'under the new')
  })

  it('items 15 and 16: a key is exchanged under traffic, and everybody stays', async () => {
    const ana = await stage.peer({ name: 'ana', keys: [OLD], ...STEADY })
    const ben = await stage.peer({ name: 'ben', keys: [OLD], ...STEADY })
    await ben.join([at(ana)])
    await talks(ana, ben, 'before')
    for (const peer of [ana, ben]) await peer.addKey(NEW)
    for (const peer of [ana, ben]) {
      await peer.useKey(NEW)
      await talks(ana, ben, `while ${peer.name} has it, forth`)
      await talks(ben, ana, `while ${peer.name} has it, back`)
    }
    for (const peer of [ana, ben]) {
      await peer.removeKey(OLD)
      await talks(ana, ben, `${peer.name} without the old, forth`)
      await talks(ben, ana, `${peer.name} without the old, back`)
    }
    for (const peer of [ana, ben]) {
      expect(await names(peer)).toEqual(['ana', 'ben'])
      expect((await peer.events()).filter(({ type }) => type === 'leave')).toEqual([])
    }
  })

  it('item 66: a cluster is moved to encryption in steps, and across each step members stay joined', async () => {
    for (let step = 0; step + 1 < UPGRADE.length; step++) {
      await acrossTheStep(stage, step)
      await stage.endPeers()
    }
  })

  it('item 81: with different keys the join fails and says that no key could decrypt', async () => {
    const ana = await stage.peer({ name: 'ana', keys: [OLD], ...CALM })
    const ben = await stage.peer({ name: 'ben', keys: [NEW], ...CALM })
    expect(await expectNoJoin(ben, ana)).toMatch(/no (installed )?keys? (of ours )?(could|can|opens)/i)
  })
})

parity(
  'labels',
  (stage) => {
    for (const keys of [[], [OLD]]) {
      const how = keys.length === 0 ? 'without' : 'with'
      it(`item 47: the same label joins, ${how} encryption`, async () => {
        const ana = await stage.peer({ name: 'ana', label: 'blue', keys })
        const ben = await stage.peer({ name: 'ben', label: 'blue', keys })
        expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
        await untilSees(ana, ['ana', 'ben'])
        await talks(ana, ben, 'hello')
      })

      it(`item 47: a missing or different label does not join, ${how} encryption`, async () => {
        const ana = await stage.peer({ name: 'ana', label: 'blue', keys, tcpTimeoutMs: 500 })
        for (const label of ['', 'green']) {
          const ben = await stage.peer({ name: 'ben', label, keys, tcpTimeoutMs: 500 })
          await expectNoJoin(ben, ana)
          await expectNoJoin(ana, ben)
        }
      })
    }
  },
  ['hearsay'],
)
