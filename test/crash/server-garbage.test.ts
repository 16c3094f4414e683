/**
 * Garbage on the gossip port of running servers, from outside: random, truncated and bit-flipped datagrams and streams,
 * bombs, and streams that are opened and left. The processes live, count what they dropped by reason, go on finding
 * each other healthy, and replicate all the while. The wire tests have the same in detail; this is the proof that
 * nothing between socket and metric forgets it.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { encode } from '@msgpack/msgpack'
import { expect, it, onTestFinished } from 'vitest'
import { parseHostPort } from '../../src/base/host-port.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { PacketMessage } from '../../src/gossip/core/messages.ts'
import { encodeCompressed } from '../../src/gossip/wire/compressed-frame.ts'
import { labelHeader } from '../../src/gossip/wire/label.ts'
import { encodeMessage } from '../../src/gossip/wire/message-codec.ts'
import { MessageType } from '../../src/gossip/wire/message-type.ts'
import { sealPacket } from '../../src/gossip/wire/packet.ts'
import { encodeStream } from '../../src/gossip/wire/stream.ts'
import { ReplicaProcess } from '../support/replica-process.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const SEED = Number(process.env.HEARSAY_SEED ?? Date.now() % 1_000_000)
const TCP_TIMEOUT_MS = 2000
const HALF_OPEN = 40
const RANDOM_DATAGRAMS = 400

interface ClusterPage {
  readonly healthScore: number
  readonly members: readonly { readonly name: string; readonly state: string }[]
}

/** Well-formed, and without effect on anybody: about members that do not exist, or for nobody. */
const HARMLESS: readonly PacketMessage[] = [
  { kind: 'ping', seqNo: 7, node: 'somebody-else', sourceNode: 'stranger' },
  { kind: 'ack', seqNo: 4_000_000, payload: new Uint8Array(40) },
  { kind: 'nack', seqNo: 4_000_000 },
  { kind: 'suspect', incarnation: 3, node: 'nobody-here', from: 'stranger' },
  { kind: 'dead', incarnation: 3, node: 'nobody-here', from: 'stranger' },
  { kind: 'user', payload: new Uint8Array(300).fill(0xa5) },
]

const PARTS = HARMLESS.map(encodeMessage)

function sealed(crc: boolean, compress: boolean, label = ''): Uint8Array {
  return sealPacket(PARTS, { crc, compress, label, crc32 })
}

function message(type: number, fields: Readonly<Record<string, unknown>>): Uint8Array {
  return Uint8Array.of(type, ...encode(fields))
}

const ALIVE = {
  Incarnation: 1,
  Node: 'ghost',
  Addr: Uint8Array.of(127, 0, 0, 1),
  Port: 9,
  Meta: new Uint8Array(),
}
const VSN = Uint8Array.of(1, 5, 2, 0, 0, 0)

/** One datagram for each reason that a datagram can be dropped for by itself. */
const DATAGRAMS: Readonly<Record<string, Uint8Array>> = {
  empty: new Uint8Array(),
  'unknown-type': Uint8Array.of(200, 1, 2, 3),
  'empty-part': Uint8Array.of(MessageType.compound, 1, 0, 0),
  truncated: sealed(false, false).subarray(0, 40),
  'crc-mismatch': flipped(sealed(true, false), 500),
  'label-mismatch': Uint8Array.of(...labelHeader('elsewhere'), ...(PARTS[0] ?? [])),
  'label-empty': Uint8Array.of(MessageType.label, 0, 1),
  'lzw-malformed': message(MessageType.compressed, { Algo: 0, Buf: new Uint8Array(50).fill(0xff) }),
  'unknown-compression': message(MessageType.compressed, { Algo: 9, Buf: new Uint8Array(5) }),
  'too-large': encodeCompressed(new Uint8Array(20_000_000)),
  'msgpack-malformed': Uint8Array.of(MessageType.ping, 0xc1),
  'field-type': message(MessageType.ping, { SeqNo: 'seven', Node: '' }),
  'field-range': message(MessageType.ping, { SeqNo: -7, Node: '' }),
  'vsn-length': message(MessageType.alive, { ...ALIVE, Vsn: VSN.subarray(0, 3) }),
  'address-length': message(MessageType.alive, { ...ALIVE, Vsn: VSN, Addr: new Uint8Array(5) }),
  'name-control': message(MessageType.alive, { ...ALIVE, Vsn: VSN, Node: 'ghost\n' }),
  'name-too-long': message(MessageType.alive, { ...ALIVE, Vsn: VSN, Node: 'x'.repeat(600) }),
}

/** Streams for the reasons that only they have. Node counts and lengths are announced, not sent. */
const STREAMS: Readonly<Record<string, Uint8Array>> = {
  'stream-cut-off': encodeStream({
    kind: 'push-pull',
    join: true,
    nodes: [],
    userState: new Uint8Array(999),
  }).subarray(0, 200),
  'too-many-nodes': message(MessageType.pushPull, { Nodes: 4_000_000_000, UserStateLen: 0, Join: false }),
  'too-large': message(MessageType.user, { UserMsgLen: 4_000_000_000 }),
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const at = bit % (copy.length * 8)
  copy[at >> 3] = (copy[at >> 3] ?? 0) ^ (1 << (at & 7))
  return copy
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256))
}

function* garbageDatagrams(random: Random): Iterable<Uint8Array> {
  for (let i = 0; i < RANDOM_DATAGRAMS; i++) yield randomBytes(random, random.below(1500))
  // Random behind every known type byte, so that it gets past the first look.
  for (const type of Object.values(MessageType)) {
    for (let i = 0; i < 20; i++) yield Uint8Array.of(type, ...randomBytes(random, random.below(200)))
  }
  for (const packet of [sealed(true, true), sealed(true, false), sealed(false, true), sealed(false, false)]) {
    for (let length = 0; length < packet.length; length += 7) yield packet.subarray(0, length)
  }
  const whole = sealed(true, true)
  // Behind the checksum's own type byte: with another type the packet would be a random message, which came before.
  for (let bit = 8; bit < whole.length * 8; bit += 13) yield flipped(whole, bit)
}

function* garbageStreams(random: Random): Iterable<Uint8Array> {
  for (let i = 0; i < 30; i++) yield randomBytes(random, 1 + random.below(3000))
  const whole = encodeStream({
    kind: 'push-pull',
    join: false,
    nodes: [],
    userState: randomBytes(random, 300),
  })
  for (let bit = 0; bit < 400; bit += 9) yield flipped(whole, bit)
  yield* Object.values(STREAMS)
}

/** A connection to the gossip port; resets are what a server may do to it. */
function dial(address: string): Socket {
  const { host, port } = parseHostPort(address)
  const socket = connect(port, host)
  socket.on('error', () => undefined).resume()
  return socket
}

async function shoot(address: string, bytes: Uint8Array): Promise<void> {
  const socket = dial(address)
  socket.end(bytes)
  if (!socket.closed) await once(socket, 'close')
}

async function page(replica: ReplicaProcess): Promise<ClusterPage> {
  return (await (await fetch(`${replica.url}/api/v1/cluster`)).json()) as ClusterPage
}

/** Drops by reason. */
async function drops(replica: ReplicaProcess): Promise<Map<string, number>> {
  const text = await (await fetch(`${replica.url}/metrics`)).text()
  const lines = text.matchAll(/^hearsay_gossip_dropped_total\{reason="([^"]+)"\} (\d+)$/gm)
  return new Map([...lines].map(([, reason = '', count]) => [reason, Number(count)]))
}

async function openStreams(replica: ReplicaProcess): Promise<number> {
  const text = await (await fetch(`${replica.url}/metrics`)).text()
  return Number(/^hearsay_gossip_streams_open\{direction="received"\} (\d+)$/m.exec(text)?.[1])
}

async function pair(): Promise<readonly [ReplicaProcess, ReplicaProcess]> {
  const flags = [
    `--cluster.tcp-timeout=${TCP_TIMEOUT_MS}ms`,
    '--cluster.pushpull-interval=1s',
    '--log.level=error',
  ]
  const first = await ReplicaProcess.start({ storagePath: tempDir(), flags })
  onTestFinished(() => first.kill())
  const second = await ReplicaProcess.start({ storagePath: tempDir(), flags, peers: [first.gossipAddress] })
  onTestFinished(() => second.kill())
  for (const replica of [first, second]) {
    await untilAsync(async () => (await page(replica)).members.length === 2, 'two members')
  }
  return [first, second]
}

it('two servers take garbage of every kind for bad bytes and for nothing else', async () => {
  const random = seededRandom(SEED)
  const replicas = await pair()
  const udp = createSocket('udp4')
  onTestFinished(() => {
    udp.close()
  })
  const throwDatagram = async (to: ReplicaProcess, bytes: Uint8Array): Promise<void> => {
    const { host, port } = parseHostPort(to.gossipAddress)
    await new Promise((resolve) => udp.send(bytes, port, host, resolve))
  }

  let throwing = true
  let rounds = 0
  const complaints: string[] = []
  const watching = (async () => {
    for (let i = 0; throwing; i++, rounds++) {
      const [from, to] = i % 2 === 0 ? replicas : ([replicas[1], replicas[0]] as const)
      await fetch(`${from.url}/api/v1/kv/m/k${i}`, { method: 'PUT', body: 'x' })
      await untilAsync(async () => (await fetch(`${to.url}/api/v1/kv/m/k${i}`)).ok, `write ${i} on the other`)
      for (const replica of replicas) {
        const { healthScore, members } = await page(replica)
        const well =
          healthScore === 0 && members.length === 2 && members.every(({ state }) => state === 'alive')
        if (!well) complaints.push(JSON.stringify({ healthScore, members }))
      }
    }
  })()

  // It is awaited below; until then a failing test must not leave it without a listener.
  watching.catch(() => undefined)

  const halfOpen = replicas.flatMap(({ gossipAddress }) =>
    Array.from({ length: HALF_OPEN }, (_, i) => {
      const socket = dial(gossipAddress)
      // Silent ones, and ones that fall silent in the middle of a header.
      if (i % 2 === 0) socket.write(Uint8Array.of(MessageType.pushPull, 0x83, 0xa5))
      return socket
    }),
  )
  for (const replica of replicas) {
    let sent = 0
    for (const bytes of garbageDatagrams(random)) {
      await throwDatagram(replica, bytes)
      // The kernel's buffer is finite: what it drops proves nothing.
      if (++sent % 20 === 0) await turn()
    }
    for (const bytes of garbageStreams(random)) await shoot(replica.gossipAddress, bytes)
    for (const [reason, bytes] of Object.entries(DATAGRAMS)) {
      const before = (await drops(replica)).get(reason) ?? 0
      await throwDatagram(replica, bytes)
      await untilAsync(
        async () => ((await drops(replica)).get(reason) ?? 0) > before,
        `${reason}, HEARSAY_SEED=${SEED}`,
      )
    }
  }
  await Promise.all(halfOpen.map((socket) => socket.closed || once(socket, 'close')))
  throwing = false
  await watching

  expect(complaints, `HEARSAY_SEED=${SEED}`).toEqual([])
  expect(rounds).toBeGreaterThan(10)
  for (const replica of replicas) {
    const found = await drops(replica)
    expect([...found.keys()]).toEqual(expect.arrayContaining(Object.keys(STREAMS)))
    await untilAsync(async () => (await openStreams(replica)) === 0, 'no stream left')
    expect(replica.output).toMatch(/^\S+ serves \S+ and gossips on \S+\n$/)
    expect(await replica.stop()).toBe(0)
  }
}, 60_000)
