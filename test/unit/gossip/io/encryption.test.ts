/** Drivers with a keyring: what is on the wire, who gets in, and keys that change while traffic runs. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../../src/gossip/core/endpoint.ts'
import { addressToText } from '../../../../src/gossip/io/endpoint-text.ts'
import type { GossipOptions } from '../../../../src/gossip/io/gossip.ts'
import type { ReliableStream, StreamListener, Transport } from '../../../../src/gossip/io/transport.ts'
import { createUdpTcpTransport } from '../../../../src/gossip/io/udp-tcp-transport.ts'
import { Keyring } from '../../../../src/gossip/wire/keyring.ts'
import { encodeMessage } from '../../../../src/gossip/wire/message-codec.ts'
import { encodeStream, StreamReader } from '../../../../src/gossip/wire/stream.ts'
import { until } from '../../../support/until.ts'
import { KEY, OTHER_KEY, under } from '../wire/fixed-nonce.ts'
import { concat } from '../wire/hex.ts'
import { fastOptions, GossipRig, type TestNode, utf8 } from './gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

const keyed = (...keys: Uint8Array[]): Partial<GossipOptions> => ({ keyring: new Keyring(keys) })

/** Nobody is suspected for a machine's slowness. */
const calm: Partial<GossipOptions> = {
  config: { ...fastOptions('').config, probeIntervalMs: 500, probeTimeoutMs: 450 },
}

/** UDP and TCP; `sent` gets everything that leaves, on streams in both roles. */
function tapped(sent: Uint8Array[]): (listen: Endpoint) => Transport {
  const tap = (stream: ReliableStream): ReliableStream => ({
    remote: stream.remote,
    get unsentBytes() {
      return stream.unsentBytes
    },
    send: (bytes) => {
      sent.push(bytes.slice())
      stream.send(bytes)
    },
    end: () => stream.end(),
    destroy: () => stream.destroy(),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
  })
  return (listen) => {
    const inner = createUdpTcpTransport(listen)
    return {
      bind: (handler) =>
        inner.bind({
          ...handler,
          packet: (bytes, from) => handler.packet(bytes, from),
          packetFailed: (to, error) => handler.packetFailed(to, error),
          accept: (stream): StreamListener => handler.accept(tap(stream)),
        }),
      dial: (to, listener) => tap(inner.dial(to, listener)),
      close: () => inner.close(),
      sendPacket: (to, bytes) => {
        sent.push(bytes.slice())
        inner.sendPacket(to, bytes)
      },
    }
  }
}

function contains(haystack: Uint8Array, needle: string): boolean {
  return Buffer.from(haystack).includes(needle)
}

async function joined(...nodes: TestNode[]): Promise<void> {
  const [first, ...rest] = nodes
  for (const node of rest) expect((await node.gossip.join([first?.at() ?? ''])).failed).toEqual([])
  await until(() => nodes.every((node) => nodes.every((other) => node.sees(other.gossip.name) === 'alive')))
}

describe('drivers with a key', () => {
  it('put nothing readable on the wire, and say so', async () => {
    const sent: Uint8Array[] = []
    const [ana, ben] = [
      await rig.started('ana-name', keyed(KEY), { transport: tapped(sent) }),
      await rig.started('ben-name', keyed(KEY), { transport: tapped(sent) }),
    ]
    await joined(ana, ben)
    ana.gossip.broadcast({ audience: 'native', payload: utf8('a secret by packet') })
    ana.gossip.sendReliable('ben-name', utf8('a secret by stream'))
    await until(() => new Set(ben.delegate.messages).size === 2 && (ana.gossip.stats().received.ack ?? 0) > 0)
    expect(sent.length).toBeGreaterThan(5)
    for (const secret of ['ana-name', 'ben-name', 'secret', 'state of', 'native'])
      expect(sent.filter((bytes) => contains(bytes, secret))).toEqual([])
    expect(ana.gossip.stats().encryption).toEqual({ sends: true, requires: true })
    expect([ana.gossip.stats().drops, ben.gossip.stats().drops]).toEqual([{}, {}])
  })

  it('that share none of their keys do not join, and say why on both sides', async () => {
    const [ana, ben] = [await rig.started('ana', keyed(KEY)), await rig.started('ben', keyed(OTHER_KEY))]
    const { contacted, failed } = await ben.gossip.join([ana.at()])
    expect([contacted, failed]).toEqual([
      0,
      [
        {
          address: ana.at(),
          reason: expect.stringContaining('no key could decrypt the reply'),
          isThere: true,
        },
      ],
    ])
    expect([ana.gossip.members().length, ben.gossip.members().length]).toEqual([1, 1])
    expect(ana.gossip.stats().drops).toEqual({ undecryptable: 1 })
    expect(ana.delegate.merged).toEqual([])
  })

  it('and drivers without do not join, whoever calls', async () => {
    const [ana, ben] = [await rig.started('ana', keyed(KEY)), await rig.started('ben')]
    const [toAna, toBen] = [await ben.gossip.join([ana.at()]), await ana.gossip.join([ben.at()])]
    expect(toAna.failed.map(({ reason }) => reason)).toEqual([
      'the reply is encrypted and no key is set here: the peer uses a gossip key that we do not have',
    ])
    expect(toBen.failed.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('answers in plaintext'),
    ])
    expect([ana.gossip.members().length, ben.gossip.members().length]).toEqual([1, 1])
    expect(ana.gossip.stats().drops['plaintext-refused']).toBeGreaterThan(0)
    expect(ben.gossip.stats().drops['encrypted-without-key']).toBeGreaterThan(0)
  })

  it('join under a label, which answers do not carry', async () => {
    const options = { ...keyed(KEY), label: 'prod' }
    await joined(await rig.started('ana', options), await rig.started('ben', options))
    const other = await rig.started('cy', { ...keyed(KEY), label: 'test' })
    const dan = await rig.started('dan', options)
    expect((await other.gossip.join([dan.at()])).contacted).toBe(0)
  })

  it('decode nothing that is not encrypted: packets vanish, streams are told under the key', async () => {
    const ana = await rig.started('ana', keyed(KEY))
    const { addr, port } = ana.gossip.advertise()
    const plain = encodeMessage({
      kind: 'alive',
      node: 'mallory',
      incarnation: 1,
      endpoint: { addr, port: 9 },
      meta: utf8('native'),
      vsn: Uint8Array.of(1, 5, 2, 0, 0, 0),
    })
    const socket = createSocket('udp4')
    socket.send(plain, port, addressToText(addr))
    await until(() => ana.gossip.stats().drops.undecryptable === 1)
    socket.close()
    const reader = new StreamReader({ label: '', dialled: true, encryption: under([KEY]) })
    const answer = await new Promise((resolve) => {
      const stream = connect(port, addressToText(addr), () =>
        stream.write(encodeStream({ kind: 'user', payload: utf8('plain') })),
      )
      stream.on('data', (chunk) => {
        resolve(reader.push(chunk))
        stream.destroy()
      })
    })
    expect(answer).toEqual({
      kind: 'error',
      error: 'hearsay cannot read this stream: it is plaintext, and this member takes encrypted traffic only',
    })
    expect(reader.decrypted).toBe(true)
    expect(ana.gossip.stats().received).toEqual({})
    expect([ana.gossip.members().length, ana.delegate.messages]).toEqual([1, []])
  })

  it('say the same of a recorded stream, however far they can read it under another version', async () => {
    const ana = await rig.started('ana', keyed(KEY))
    const { addr, port } = ana.gossip.advertise()
    const ending = (...last: number[]): Uint8Array => {
      // With the head of the message a multiple of 16.
      const payload = concat(new Uint8Array(64 - 14 - last.length), last)
      const bytes = encodeStream({ kind: 'user', payload }, { encryption: under([KEY]) })
      bytes[5] = 0
      return bytes
    }
    const altered = ending(1)
    altered[20] = (altered[20] ?? 0) ^ 1
    const complaints: unknown[] = []
    for (const bytes of [altered, ending(0xff), ending(1), ending(2, 2)]) {
      const reader = new StreamReader({ label: '', dialled: true, encryption: under([KEY]) })
      complaints.push(
        await new Promise((resolve) => {
          const stream = connect(port, addressToText(addr), () => stream.write(bytes))
          stream.on('data', (chunk) => resolve(reader.push(chunk)))
          stream.on('close', () => resolve('closed without a word'))
          stream.on('end', () => stream.destroy())
        }),
      )
    }
    const error = 'hearsay cannot read this stream: no key could decrypt it to a message'
    expect(complaints).toEqual(complaints.map(() => ({ kind: 'error', error })))
    expect(ana.gossip.stats().drops).toEqual({ undecryptable: 1, 'padding-malformed': 1, truncated: 2 })
  })

  it('are not harmed by a recorded packet with another version byte, which ends a memberlist program', async () => {
    const sent: Uint8Array[] = []
    const [ana, ben] = [
      await rig.started('ana', { ...calm, ...keyed(KEY) }, { transport: tapped(sent) }),
      await rig.started('ben', { ...calm, ...keyed(KEY) }),
    ]
    await joined(ana, ben)
    // Its last byte stands for more padding than there is packet.
    ana.gossip.broadcast({ audience: 'native', payload: new Uint8Array(10).fill(0xff) })
    const ofOne = (bytes: Uint8Array): boolean => bytes[0] === 1
    await until(() => ben.delegate.messages.length > 0 && sent.some(ofOne))
    const { addr, port } = ben.gossip.advertise()
    const recorded = sent.filter(ofOne)
    const socket = createSocket('udp4')
    for (const packet of recorded) socket.send(concat([0], packet.subarray(1)), port, addressToText(addr))
    const dropped = (): number =>
      Object.values(ben.gossip.stats().drops).reduce((sum, count) => sum + count, 0)
    await until(() => dropped() === recorded.length)
    socket.close()
    expect(ben.gossip.stats().drops['padding-malformed']).toBeGreaterThan(0)
    expect(ben.sees('ana')).toBe('alive')
  })

  it('count a reliable message that the other side cannot read as failed', async () => {
    const [ring, options] = [new Keyring([KEY]), keyed(KEY)]
    const [ana, ben] = [
      await rig.started('ana', { ...calm, keyring: ring }),
      await rig.started('ben', { ...calm, ...options }),
    ]
    await joined(ana, ben)
    ring.replace([OTHER_KEY])
    ana.gossip.sendReliable('ben', utf8('unreadable'))
    await until(() => ana.gossip.stats().events.reliable_failed === 1)
    expect(ben.delegate.messages).toEqual([])
  })

  it('keep every packet within the budget, with room for the encryption', async () => {
    const sent: Uint8Array[] = []
    const deps = { transport: tapped(sent) }
    const [ana, ben] = [await rig.started('ana', keyed(KEY), deps), await rig.started('ben', keyed(KEY))]
    await joined(ana, ben)
    sent.length = 0
    for (let i = 0; i < 40; i++)
      ana.gossip.broadcast({ audience: 'native', payload: utf8(`${i}`.padStart(60, '.')) })
    await until(() => new Set(ben.delegate.messages).size === 40)
    const packets = sent.filter(([type]) => type === 1)
    const longest = Math.max(...packets.map((bytes) => bytes.length))
    expect(longest).toBeLessThanOrEqual(1400)
    expect(longest).toBeGreaterThan(1300)
  })
})

describe('while a cluster is moved to encryption', () => {
  const unverified = { verifyIncoming: false, verifyOutgoing: false }

  it('a driver that verifies nothing yet talks with both kinds, and counts what comes in plaintext', async () => {
    const plain = await rig.started('ana')
    const moving = await rig.started('ben', { ...keyed(KEY), ...unverified })
    const done = await rig.started('cy', { ...keyed(KEY), verifyIncoming: false })
    await joined(plain, moving)
    expect((await done.gossip.join([moving.at()])).contacted).toBe(1)
    await until(() => moving.sees('cy') === 'alive')
    expect(moving.gossip.stats()).toMatchObject({
      encryption: { sends: false, requires: false },
      packets: { plaintext: expect.any(Number) },
      streams: { plaintext: 1 },
    })
    expect(done.gossip.stats().encryption).toEqual({ sends: true, requires: false })
    expect(plain.gossip.stats()).toMatchObject({ encryption: { sends: false, requires: false } })
    expect(plain.gossip.stats().packets.plaintext).toBeUndefined()
  })
})

describe('a keyring', () => {
  it('that changes counts from the next packet and stream', async () => {
    const rings = [new Keyring(), new Keyring()] as const
    const [ana, ben] = [
      await rig.started('ana', { ...calm, keyring: rings[0] }),
      await rig.started('ben', { ...calm, keyring: rings[1] }),
    ]
    await joined(ana, ben)
    expect(ana.gossip.stats().encryption).toEqual({ sends: false, requires: false })
    rings[0].add(KEY)
    expect(ana.gossip.stats().encryption).toEqual({ sends: true, requires: true })
    expect(await ana.gossip.pushPullNow('ben')).toBe(false)
    rings[1].add(KEY)
    expect(await ana.gossip.pushPullNow('ben')).toBe(true)
    rings[1].replace([OTHER_KEY])
    expect(await ben.gossip.pushPullNow('ana')).toBe(false)
  })

  it('is exchanged under traffic without one packet refused, message lost or member suspected', async () => {
    const names = ['ana', 'ben', 'cy']
    const rings = names.map(() => new Keyring([KEY]))
    const nodes: TestNode[] = []
    for (const [i, name] of names.entries()) {
      const keyring = rings[i]
      if (keyring !== undefined) nodes.push(await rig.started(name, { ...calm, keyring }))
    }
    await joined(...nodes)
    let said = 0
    const say = (): void => {
      for (const { gossip } of nodes) {
        gossip.broadcast({ audience: 'native', payload: utf8(`by packet ${said}`) })
        for (const name of names)
          if (name !== gossip.name) gossip.sendReliable(name, utf8(`by stream ${said}`))
        said++
      }
    }
    const step = async (change: (ring: Keyring) => void): Promise<void> => {
      for (const ring of rings) {
        change(ring)
        for (let round = 0; round < 10; round++) {
          say()
          await new Promise((resolve) => setImmediate(resolve))
        }
        expect(await nodes[0]?.gossip.pushPullNow('cy')).toBe(true)
      }
    }
    await step((ring) => ring.add(OTHER_KEY))
    await step((ring) => ring.use(OTHER_KEY))
    await step((ring) => ring.remove(KEY))
    expect(rings.map(({ keys }) => keys)).toEqual([[OTHER_KEY], [OTHER_KEY], [OTHER_KEY]])
    // Each hears every message of the other two, once by packet and once by stream.
    const wanted = (said / 3) * 2 * 2
    await until(() => nodes.every(({ delegate }) => new Set(delegate.messages).size >= wanted))
    for (const { gossip, delegate } of nodes) {
      const { drops, events } = gossip.stats()
      expect([drops, events.member_suspect, events.reliable_failed]).toEqual([{}, undefined, undefined])
      expect(delegate.events.filter(({ type }) => type !== 'join')).toEqual([])
    }
  })
})
