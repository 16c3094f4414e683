/**
 * Where we go beyond memberlist (memberlist-wire.md section 11): each script runs on ours and on the original, and they end
 * differently. What it says of memberlist is what we would be if we kept its rule, so the script fails without ours.
 */
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'
import { message, type Packet, TYPE, textOf } from './raw/packets.ts'
import { LOOPBACK, type RawMember } from './raw/raw-member.ts'
import { pushPull } from './raw/streams.ts'
import { onBoth, type WireRig } from './raw/wire-rig.ts'
import type { Peer } from './subject.ts'

const MAX_U32 = 0xffff_ffff

function accusation(type: number, node: string, from: string, incarnation: number): Buffer {
  return message(type, { From: from, Incarnation: incarnation, Node: node })
}

async function livenessOf(peer: Peer, name: string): Promise<string> {
  return (await peer.members()).find((member) => member.name === name)?.liveness ?? 'not listed'
}

async function untilGone(peer: Peer, name: string): Promise<void> {
  await untilAsync(async () => (await livenessOf(peer, name)) === 'not listed', `${name} is not listed`)
}

/** What the peer tells of a member in a push-pull; undefined when it does not know it. */
async function incarnationOf(asker: RawMember, peer: Peer, name: string): Promise<number | undefined> {
  const { nodes } = await asker.request(peer, pushPull([asker.entry()], false))
  const record = nodes.find(({ Name }) => textOf(Name) === name)
  return record === undefined ? undefined : Number(record.Incarnation)
}

/** Everything sent before has been worked off when this is over. */
async function allRead(raw: RawMember, peer: Peer): Promise<void> {
  // memberlist hands membership messages to another thread: the list, asked for by stream, shows how far that one is.
  for (let i = 0; i < 3; i++) {
    await raw.acksUpToNow(peer)
    await incarnationOf(raw, peer, 'subject')
  }
}

interface Beyond {
  /** Where the reference names it; sections without a file are memberlist-wire.md's. */
  readonly item: string
  readonly claim: string
  /** @returns what is looked at, again and again until it is as it should: the other program may take its time */
  readonly script: (rig: WireRig) => Promise<() => unknown>
  readonly ours: unknown
  readonly memberlist: unknown
}

const evidence: readonly Beyond[] = [
  {
    item: 'section 11 number 3',
    claim: 'an accusation at the end of the incarnation range does not use up the power to refute',
    script: async (rig) => {
      const peer = await rig.peer()
      const raw = await rig.joined(peer)
      raw.send(peer, accusation(TYPE.suspect, 'subject', raw.name, MAX_U32))
      await allRead(raw, peer)
      return async () => ((await incarnationOf(raw, peer, 'subject')) === 0 ? 'wrapped to 0' : 'kept')
    },
    ours: 'kept',
    memberlist: 'wrapped to 0',
  },
  {
    item: 'section 11 number 4',
    claim: 'of dead at 1 and dead at 10, alive at 2 does not resurrect',
    script: async (rig) => {
      const peer = await rig.peer()
      const [witness, victim] = [await rig.joined(peer), await rig.joined(peer)]
      witness.send(peer, accusation(TYPE.dead, victim.name, witness.name, 1))
      await untilGone(peer, victim.name)
      witness.send(peer, accusation(TYPE.dead, victim.name, witness.name, 10))
      await allRead(witness, peer)
      witness.send(peer, victim.alive({ Incarnation: 2 }))
      await allRead(witness, peer)
      return () => livenessOf(peer, victim.name)
    },
    ours: 'not listed',
    memberlist: 'alive',
  },
  {
    item: 'section 11 number 2',
    claim: 'a stale alive is answered with the accusation, whether its member sent it or a list had it',
    script: async (rig) => {
      const peer = await rig.peer()
      const [witness, victim] = [await rig.joined(peer), await rig.joined(peer)]
      witness.send(peer, accusation(TYPE.dead, victim.name, witness.name, 7))
      await untilGone(peer, victim.name)
      const told = (): number =>
        victim.messages(TYPE.suspect).filter(({ body }) => textOf(body.Node) === victim.name).length
      victim.send(peer, victim.alive({ Incarnation: 1 }))
      await allRead(victim, peer)
      const directly = told()
      await witness.request(peer, pushPull([witness.entry(), victim.entry()], false))
      await allRead(victim, peer)
      return () => [directly > 0, told() > directly]
    },
    ours: [true, true],
    memberlist: [false, false],
  },
  {
    item: 'section 11 number 28',
    claim: 'an accusation by nobody, or by the accused itself, is none',
    script: async (rig) => {
      const peer = await rig.peer({ probeIntervalMs: 60_000 })
      const [witness, victim, other] = [
        await rig.joined(peer),
        await rig.joined(peer),
        await rig.joined(peer),
      ]
      witness.send(peer, accusation(TYPE.suspect, victim.name, '', 1))
      witness.send(peer, accusation(TYPE.suspect, other.name, other.name, 1))
      await allRead(witness, peer)
      return () => Promise.all([livenessOf(peer, victim.name), livenessOf(peer, other.name)])
    },
    ours: ['alive', 'alive'],
    memberlist: ['suspect', 'suspect'],
  },
  {
    item: 'reliability.md section 6 number 16',
    claim: 'a confirmation by who is no member does not count and is not passed on',
    script: async (rig) => {
      const peer = await rig.peer({ probeIntervalMs: 500, suspicionMult: 4 })
      const [witness, victim] = [await rig.joined(peer), await rig.joined(peer)]
      for (let i = 0; i < 2; i++) await rig.joined(peer)
      witness.send(peer, accusation(TYPE.suspect, victim.name, witness.name, 1))
      await untilAsync(async () => (await livenessOf(peer, victim.name)) === 'suspect', 'suspected')
      witness.send(peer, accusation(TYPE.suspect, victim.name, 'ghost', 1))
      await allRead(witness, peer)
      return () => witness.messages(TYPE.suspect).some(({ body }) => textOf(body.From) === 'ghost')
    },
    ours: false,
    memberlist: true,
  },
]

const versions: readonly Beyond[] = [
  {
    item: 'section 11 number 30',
    claim: 'a member with no versions does not keep others from joining',
    script: async (rig) => {
      const peer = await rig.peer()
      const odd = await rig.raw({ vsn: new Uint8Array(0) })
      odd.send(peer, odd.alive())
      await allRead(odd, peer)
      const newcomer = await rig.joined(peer)
      await allRead(odd, peer)
      return () => livenessOf(peer, newcomer.name)
    },
    ours: 'alive',
    memberlist: 'not listed',
  },
  {
    item: 'section 11 number 30',
    claim: 'of a list with an unfit member the others are taken',
    script: async (rig) => {
      const peer = await rig.peer()
      const [raw, neighbour] = [await rig.raw(), await rig.raw()]
      const unfit = (await rig.raw()).entry({ Vsn: Buffer.of(1, 5, 2, 2, 5, 5) })
      await raw.join(peer, [unfit, neighbour.entry()])
      return () => Promise.all([livenessOf(peer, raw.name), livenessOf(peer, neighbour.name)])
    },
    ours: ['alive', 'alive'],
    memberlist: ['not listed', 'not listed'],
  },
]

/** The partner of a stranger: what of it arrives elsewhere is reflected. */
async function stranger(rig: WireRig): Promise<RawMember> {
  const raw = await rig.raw()
  raw.answersPings = false
  return raw
}

const partsOf = (packets: readonly Packet[]): number =>
  Math.max(0, ...packets.map(({ parts }) => parts.length))

const reflections: readonly Beyond[] = [
  {
    item: 'section 11 number 17',
    claim: 'an ack goes to a stranger only if it is who asked',
    script: async (rig) => {
      const peer = await rig.peer()
      const [asker, victim] = [await rig.raw(), await stranger(rig)]
      asker.send(peer, asker.ping(77, { SourcePort: victim.port, SourceNode: victim.name }))
      await until(() => [asker, victim].some((raw) => raw.messages(TYPE.ack).length > 0))
      return () => (victim.messages(TYPE.ack).length > 0 ? 'the victim' : 'the asker')
    },
    ours: 'the asker',
    memberlist: 'the victim',
  },
  {
    item: 'reliability.md section 5 G5',
    claim: 'nobody can have us ping who is no member, nor a member by a name that is not its own',
    script: async (rig) => {
      const peer = await rig.peer()
      const [asker, member, victim] = [await rig.joined(peer), await rig.joined(peer), await stranger(rig)]
      for (const [seqNo, port, node] of [
        [5, victim.port, victim.name],
        [6, member.port, 'another'],
      ] as const) {
        const target = { Target: LOOPBACK, Port: port, Node: node, Nack: true }
        const source = { SourceAddr: LOOPBACK, SourceNode: asker.name, SourcePort: asker.port }
        asker.send(peer, message(TYPE.indirectPing, { SeqNo: seqNo, ...target, ...source }))
      }
      await until(() => {
        const answered = [...asker.messages(TYPE.nack), ...asker.messages(TYPE.ack)]
        return [5, 6].every((seqNo) => answered.some(({ body }) => body.SeqNo === seqNo))
      })
      const pinged = (raw: RawMember, node: string): boolean =>
        raw.messages(TYPE.ping).some(({ body }) => textOf(body.Node) === node)
      return () => [pinged(victim, victim.name), pinged(member, 'another')]
    },
    ours: [false, false],
    memberlist: [true, true],
  },
  {
    item: 'section 11 number 17',
    claim: 'a stranger is answered with an ack and nothing else, and a member gets the news',
    script: async (rig) => {
      // No gossip for a minute: what there is to tell waits, and rides along with acks.
      const peer = await rig.peer({ gossipIntervalMs: 60_000 })
      const member = await rig.joined(peer)
      const asker = await stranger(rig)
      asker.send(peer, asker.ping(78))
      const toStranger = await asker.ack(78)
      member.send(peer, member.ping(79))
      const toMember = await member.ack(79)
      return () => [partsOf([toStranger]) > 1, partsOf([toMember]) > 1]
    },
    ours: [false, true],
    memberlist: [true, true],
  },
  {
    item: 'section 12 item 106',
    claim: 'the number of the next ping cannot be told from those before, so its ack cannot be forged unseen',
    script: async (rig) => {
      const peer = await rig.peer({ probeIntervalMs: 100, probeTimeoutMs: 50 })
      const raw = await rig.joined(peer)
      await until(() => raw.messages(TYPE.ping).length >= 3)
      const numbers = raw.messages(TYPE.ping).map(({ body }) => Number(body.SeqNo))
      return () => numbers.slice(1).every((number, i) => number - (numbers[i] ?? 0) === 1)
    },
    ours: false,
    memberlist: true,
  },
]

const others: readonly Beyond[] = [
  {
    item: 'section 11 numbers 14 and 15',
    claim: 'who is said to have our name is asked, and so learns of us',
    script: async (rig) => {
      const peer = await rig.peer()
      const namesake = await rig.raw({ name: 'subject' })
      const witness = await rig.joined(peer)
      witness.send(peer, namesake.alive({ Incarnation: 5 }))
      await allRead(witness, peer)
      const asked = namesake.messages(TYPE.ping).some(({ body }) => textOf(body.Node) === 'subject')
      const told = namesake.messages(TYPE.alive).some(({ body }) => body.Port === peer.port)
      return () => [asked, told]
    },
    ours: [true, true],
    memberlist: [false, false],
  },
  {
    item: 'section 11 number 9',
    claim: 'news of hundreds of members does not keep a user message waiting',
    script: async (rig) => {
      const peer = await rig.peer({ gossipIntervalMs: 60_000 })
      const raw = await rig.joined(peer)
      const crowd = Array.from({ length: 400 }, (_, i) =>
        raw.entry({ Name: `member-of-a-large-cluster-${i}`, Addr: Buffer.of(127, 9, i >> 8, i & 255) }),
      )
      await raw.request(peer, pushPull([raw.entry(), ...crowd], false))
      await allRead(raw, peer)
      await peer.broadcast(Buffer.from('urgent'))
      const hasCome = (): boolean =>
        raw.messages(TYPE.user).some(({ bytes }) => bytes.subarray(1).toString() === 'urgent')
      const heardOf = raw.messages(TYPE.alive).length
      let outcome = 'at once'
      for (let seqNo = 1000; !hasCome() && outcome === 'at once'; seqNo++) {
        raw.send(peer, raw.ping(seqNo))
        await raw.ack(seqNo)
        if (raw.messages(TYPE.alive).length - heardOf > 150) outcome = 'after 150 members'
      }
      return () => outcome
    },
    ours: 'at once',
    memberlist: 'after 150 members',
  },
]

onBoth((rig) => {
  const isOurs = rig.program === 'hearsay'
  describe.each([
    ['evidence', evidence],
    ['versions', versions],
    ['reflection', reflections],
    ['others', others],
  ] as const)('%s', (_title, table) => {
    it.each(table)('$item: $claim', async ({ script, ours, memberlist }) => {
      expect(memberlist).not.toEqual(ours)
      const look = await script(rig)
      await expect.poll(look, { timeout: 10_000 }).toEqual(isOurs ? ours : memberlist)
    })
  })
})
