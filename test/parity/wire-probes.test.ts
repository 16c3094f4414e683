/** Probes: who is asked what when somebody does not answer, and what the answers are worth. */
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'
import { compound, message, TYPE, textOf, userMessage } from './raw/packets.ts'
import { ackTo, LOOPBACK, type RawMember } from './raw/raw-member.ts'
import { onBoth } from './raw/wire-rig.ts'
import type { Peer, PeerLiveness } from './subject.ts'

/** Fast, but nobody is declared dead before the test is over. */
const PROBING = { probeIntervalMs: 100, probeTimeoutMs: 30, suspicionMult: 600 } as const

async function livenessOf(peer: Peer, name: string): Promise<PeerLiveness | undefined> {
  return (await peer.members()).find((member) => member.name === name)?.liveness
}

async function untilSuspected(peer: Peer, member: RawMember): Promise<void> {
  await untilAsync(
    async () => (await livenessOf(peer, member.name)) === 'suspect',
    `${member.name} is suspect`,
  )
}

onBoth((rig) => {
  it('item 95: who answers probes stays alive', async () => {
    const peer = await rig.peer({ probeIntervalMs: 400, probeTimeoutMs: 200 })
    const raw = await rig.joined(peer)
    await until(() => raw.messages(TYPE.ping).length >= 2)
    const numbers = raw.messages(TYPE.ping).map(({ body }) => body.SeqNo)
    // Ours cannot be guessed, so that no stranger acks for a member.
    if (rig.program === 'hearsay') expect(new Set(numbers).size).toBe(2)
    else expect(numbers).toEqual([1, 2])
    expect(await livenessOf(peer, raw.name)).toBe('alive')
    expect(raw.messages(TYPE.suspect)).toEqual([])
  })

  it('item 95: a probe names its target and where the ack shall go, and comes from the bound port', async () => {
    const peer = await rig.peer(PROBING)
    const raw = await rig.joined(peer)
    const { body } = await raw.message(TYPE.ping)
    expect(textOf(body.Node)).toBe(raw.name)
    expect(textOf(body.SourceNode)).toBe('subject')
    expect(body.SourceAddr).toEqual(LOOPBACK)
    expect(body.SourcePort).toBe(peer.port)
    expect(new Set(raw.packets.map(({ fromPort }) => fromPort))).toEqual(new Set([peer.port]))
  })

  it('item 96: another member is asked about one that is silent, and the silent one is suspected', async () => {
    const peer = await rig.peer(PROBING)
    const helper = await rig.joined(peer)
    const silent = await rig.raw()
    silent.answersPings = false
    await silent.join(peer)
    const { body } = await helper.message(TYPE.indirectPing)
    const { body: ping } = await silent.message(TYPE.ping, (other) => other.body.SeqNo === body.SeqNo)
    expect(textOf(ping.Node)).toBe(silent.name)
    expect(textOf(body.Node)).toBe(silent.name)
    expect([body.Target, body.Port, body.Nack]).toEqual([LOOPBACK, silent.port, true])
    expect([body.SourceAddr, body.SourcePort, textOf(body.SourceNode)]).toEqual([
      LOOPBACK,
      peer.port,
      'subject',
    ])
    const accusation = await helper.message(TYPE.suspect)
    expect([textOf(accusation.body.Node), textOf(accusation.body.From)]).toEqual([silent.name, 'subject'])
    expect(accusation.body.Incarnation).toBe(1)
    await untilSuspected(peer, silent)
  })

  it('item 96: an ack that comes through a helper keeps a silent member alive', async () => {
    const peer = await rig.peer({ ...PROBING, probeIntervalMs: 600 })
    const helper = await rig.joined(peer)
    const silent = await rig.raw()
    silent.answersPings = false
    await silent.join(peer)
    const { body } = await helper.message(TYPE.indirectPing)
    helper.send(peer, ackTo(body.SeqNo))
    // The next probe begins when this one has its verdict.
    const probes = (): number => silent.messages(TYPE.ping).length + helper.messages(TYPE.ping).length
    const before = probes()
    await until(() => probes() > before)
    expect(await livenessOf(peer, silent.name)).toBe('alive')
  })

  it('item 70: an indirect ping is passed on, and its ack comes back under the number of the one who asked', async () => {
    const peer = await rig.peer()
    const asker = await rig.joined(peer)
    const target = await rig.joined(peer)
    asker.send(peer, indirectPing(asker, target, 100))
    const { body } = await target.message(TYPE.ping)
    expect(textOf(body.Node)).toBe(target.name)
    expect([body.SourceAddr, body.SourcePort, textOf(body.SourceNode)]).toEqual([
      LOOPBACK,
      peer.port,
      'subject',
    ])
    const { parts } = await asker.ack(100)
    expect(textOf(parts[0]?.body.Payload)).toBe('')
  })

  it('item 70: a target that does not answer is reported by a nack to an asker that wants one', async () => {
    const peer = await rig.peer({ probeTimeoutMs: 50 })
    const asker = await rig.joined(peer)
    const target = await rig.joined(peer)
    target.answersPings = false
    asker.send(peer, indirectPing(asker, target, 99, false))
    asker.send(peer, indirectPing(asker, target, 100))
    await until(() => asker.messages(TYPE.nack).length > 0)
    expect(asker.messages(TYPE.nack).map(({ body }) => body.SeqNo)).toEqual([100])
  })

  it('item 71: a ping by stream is acked by stream', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const { type, body } = await raw.request(peer, raw.ping(23, { Node: 'subject' }))
    expect([type, body.SeqNo, textOf(body.Payload)]).toEqual([TYPE.ack, 23, ''])
    expect((await raw.request(peer, message(TYPE.ping, { SeqNo: 24 }))).body.SeqNo).toBe(24)
    expect(await raw.stream(peer, raw.ping(25, { Node: 'nobody' }))).toEqual(Buffer.alloc(0))
  })

  it('item 71: who answers by stream alone stays alive', async () => {
    const peer = await rig.peer({ ...PROBING, probeIntervalMs: 500 })
    const raw = await rig.raw()
    raw.answersPings = false
    raw.answersStream = ({ body }) => ackTo(body.SeqNo)
    await raw.join(peer)
    await until(() => raw.messages(TYPE.ping).length >= 3)
    const asked = raw.requests.map(({ type, body }) => [type, body.SeqNo, textOf(body.Node)])
    const pinged = raw.messages(TYPE.ping).map(({ body }) => [TYPE.ping, body.SeqNo, raw.name])
    expect(asked.slice(0, 2)).toEqual(pinged.slice(0, 2))
    expect(await livenessOf(peer, raw.name)).toBe('alive')
  })

  it('item 72: an ack by stream under another number is worth nothing', async () => {
    const peer = await rig.peer(PROBING)
    const raw = await rig.raw()
    raw.answersPings = false
    raw.answersStream = ({ body }) => ackTo(Number(body.SeqNo) + 1)
    await raw.join(peer)
    await untilSuspected(peer, raw)
    expect(raw.requests.length).toBeGreaterThan(0)
  })

  it('item 73: an answer by stream that is no ack is worth nothing', async () => {
    const peer = await rig.peer(PROBING)
    const raw = await rig.raw()
    raw.answersPings = false
    raw.answersStream = ({ body }) => message(TYPE.ping, { Node: '', SeqNo: Number(body.SeqNo) })
    await raw.join(peer)
    await untilSuspected(peer, raw)
    expect(raw.requests.length).toBeGreaterThan(0)
    raw.answersStream = () => userMessage('')
    const before = raw.requests.length
    await until(() => raw.requests.length > before)
    expect(await livenessOf(peer, raw.name)).toBe('suspect')
  })

  it('item 103: a ping to a suspect tells it of the suspicion, and of nothing else', async () => {
    const peer = await rig.peer({ ...PROBING, gossipIntervalMs: 60_000 })
    const raw = await rig.raw()
    raw.answersPings = false
    await raw.join(peer)
    const isToldBy = ({ type, body }: { type: number; body: { From?: unknown } }): boolean =>
      type === TYPE.suspect && textOf(body.From as Buffer) === 'subject'
    const find = () => raw.packets.find(({ parts }) => parts[0]?.type === TYPE.ping && parts.some(isToldBy))
    await until(() => find() !== undefined)
    const { parts = [] } = find() ?? {}
    expect(parts.map(({ type }) => type)).toEqual([TYPE.ping, TYPE.suspect])
    expect([textOf(parts[1]?.body.Node), parts[1]?.body.Incarnation]).toEqual([raw.name, 1])
  })

  it('item 103: a suspect that is told so by a ping refutes', async () => {
    const peer = await rig.peer()
    const raw = await rig.raw()
    const { nodes } = await raw.join(peer)
    const own = nodes.find(({ Name }) => textOf(Name) === 'subject')?.Incarnation
    expect(own).toBeTypeOf('number')
    const suspect = message(TYPE.suspect, { From: raw.name, Incarnation: Number(own), Node: 'subject' })
    raw.send(peer, compound([raw.ping(5), suspect]))
    await raw.ack(5)
    const refutation = await raw.message(
      TYPE.alive,
      ({ body }) => textOf(body.Node) === 'subject' && Number(body.Incarnation) > Number(own),
    )
    expect(refutation.body.Incarnation).toBe(Number(own) + 1)
  })
})

function indirectPing(asker: RawMember, target: RawMember, seqNo: number, nack = true): Buffer {
  return message(TYPE.indirectPing, {
    Nack: nack,
    Node: target.name,
    Port: target.port,
    SeqNo: seqNo,
    SourceAddr: LOOPBACK,
    SourceNode: asker.name,
    SourcePort: asker.port,
    Target: LOOPBACK,
  })
}
