/**
 * Recorded traffic, played again: all that a cluster said in its life (joins, writes, a member that left and came back,
 * one that died and came back) comes once more from a stranger's socket, in order, shuffled, and to whom it was never
 * meant. Everybody is still there afterwards, in the same incarnation, and the state is the same.
 */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { seededRandom, shuffle } from '../../../../src/base/random.ts'
import type { GossipDelegate } from '../../../../src/gossip/core/delegate.ts'
import type { Endpoint } from '../../../../src/gossip/core/endpoint.ts'
import { createGossip } from '../../../../src/gossip/io/driver.ts'
import { addressToText, endpointToText } from '../../../../src/gossip/io/endpoint-text.ts'
import type { Gossip, GossipOptions } from '../../../../src/gossip/io/gossip.ts'
import type { ReliableStream, Transport } from '../../../../src/gossip/io/transport.ts'
import { createUdpTcpTransport } from '../../../../src/gossip/io/udp-tcp-transport.ts'
import { Keyring } from '../../../../src/gossip/wire/keyring.ts'
import { ReplicaState } from '../../../../src/store/core/replica-state.ts'
import { Replicator } from '../../../../src/store/replication/replicator.ts'
import { memorySyncStore } from '../../../support/memory-sync-store.ts'
import { until } from '../../../support/until.ts'
import { entry, NOW_MS, put } from '../../store/core/fixtures.ts'
import { fastOptions } from './gossip-rig.ts'

const NAMES = ['ana', 'ben', 'cem', 'dan', 'eve'] as const
/** Stopped together at the end: the lives run side by side. */
const running: Node[] = []
afterAll(() => Promise.all(running.map(({ gossip }) => gossip.stop())))

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined }
const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }

interface Recording {
  readonly datagrams: Uint8Array[]
  /** What the side that dialled has said, a stream each. */
  readonly streams: Uint8Array[][]
}

/** UDP and TCP; all that leaves by our own will is kept. */
function recorded(recording: Recording): (listen: Endpoint) => Transport {
  return (listen) => {
    const inner = createUdpTcpTransport(listen)
    return {
      bind: (handler) => inner.bind(handler),
      close: () => inner.close(),
      sendPacket: (to, bytes) => {
        recording.datagrams.push(bytes.slice())
        inner.sendPacket(to, bytes)
      },
      dial: (to, listener) => {
        const said: Uint8Array[] = []
        recording.streams.push(said)
        return overheard(inner.dial(to, listener), said)
      },
    }
  }
}

function overheard(stream: ReliableStream, said: Uint8Array[]): ReliableStream {
  return {
    remote: stream.remote,
    get unsentBytes() {
      return stream.unsentBytes
    },
    send: (bytes) => {
      said.push(bytes.slice())
      stream.send(bytes)
    },
    end: () => stream.end(),
    destroy: () => stream.destroy(),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
  }
}

class Node {
  readonly name: string
  readonly gossip: Gossip
  readonly state: ReplicaState = new ReplicaState()
  readonly #replicator: Replicator

  constructor(name: string, recording: Recording, options: Partial<GossipOptions> = {}) {
    this.name = name
    const actor = (NAMES as readonly string[]).indexOf(name)
    this.#replicator = new Replicator({
      name,
      store: memorySyncStore(this.state, NOW_MS),
      random: seededRandom(actor + 1),
      schedule: (task) => void setImmediate(task),
      wallMs: () => NOW_MS,
      requestExchange: (peer) => void this.gossip.pushPullNow(peer),
      broadcaster: {
        broadcast: (broadcast) => this.gossip.broadcast(broadcast),
        sendReliable: (peer, payload) => this.gossip.sendReliable(peer, payload),
        members: () => this.gossip.members(),
      },
    })
    const delegate: GossipDelegate = this.#replicator
    this.gossip = createGossip({ ...fastOptions(name), ...options }, delegate, {
      clock,
      random: seededRandom(actor + 100),
      log,
      transport: recorded(recording),
    })
  }

  write(number: number): void {
    const delta = put(`k${number % 7}`, entry(number, number, `v${number}`))
    this.state.join(delta, NOW_MS)
    this.#replicator.committed([delta])
  }

  get at(): string {
    return endpointToText(this.gossip.advertise())
  }

  /** All that must not change. */
  get belief(): unknown {
    const members = this.gossip.members().map(({ name, liveness, incarnation, endpoint, meta }) => {
      return { name, liveness, incarnation, at: endpointToText(endpoint), meta: [...meta] }
    })
    members.sort((a, b) => (a.name < b.name ? -1 : 1))
    return { members, root: [...this.state.digest.root()], count: this.state.digest.count }
  }

  sees(name: string): string | undefined {
    return this.gossip.members().find((member) => member.name === name)?.liveness
  }

  async join(other: Node): Promise<void> {
    expect((await this.gossip.join([other.at])).failed).toEqual([])
  }
}

/** Patient enough that a busy machine makes nobody suspect, and no slower than that in finding who has died. */
const PATIENT: Partial<GossipOptions> = {
  config: {
    gossipIntervalMs: 20,
    probeIntervalMs: 500,
    probeTimeoutMs: 400,
    pushPullIntervalMs: 0,
    suspicionMult: 1,
    suspicionMaxTimeoutMult: 1,
  },
}

async function started(name: string, recording: Recording, options?: Partial<GossipOptions>): Promise<Node> {
  const node = new Node(name, recording, { ...PATIENT, ...options })
  running.push(node)
  await node.gossip.start()
  return node
}

/** Three who stay, one that leaves and comes back, and one that dies and comes back. */
async function life(recording: Recording, options: Partial<GossipOptions>): Promise<readonly Node[]> {
  const [ana, ben, cem] = await Promise.all(
    ['ana', 'ben', 'cem'].map((name) => started(name, recording, options)),
  )
  if (ana === undefined || ben === undefined || cem === undefined) throw new Error('three nodes')
  const three = [ana, ben, cem]
  await ben.join(ana)
  await cem.join(ana)
  for (let number = 1; number <= 30; number++) three[number % 3]?.write(number)
  const dan = await started('dan', recording, options)
  const eve = await started('eve', recording, options)
  await dan.join(ben)
  await eve.join(cem)
  await until(() => three.every((node) => node.sees('dan') === 'alive' && node.sees('eve') === 'alive'))
  const [danAt, eveAt] = [dan.at, eve.at]
  await dan.gossip.leave(2000)
  await Promise.all([dan.gossip.stop(), eve.gossip.stop()])
  await until(() => three.every((node) => node.sees('dan') === 'left' && node.sees('eve') === 'dead'), 20_000)
  const again = await Promise.all([
    started('dan', recording, { ...options, listen: danAt }),
    started('eve', recording, { ...options, listen: eveAt }),
  ])
  await Promise.all(again.map((node) => node.join(ana)))
  const all = [...three, ...again]
  await until(() => all.every((node) => NAMES.every((name) => node.sees(name) === 'alive')), 20_000)
  for (let number = 31; number <= 40; number++) ben.write(number)
  const rootOf = (node: Node): string => node.state.digest.root().join()
  await until(() => all.every((node) => rootOf(node) === rootOf(ben)), 20_000)
  await quiet(all)
  return all
}

/** Until nobody says anything but pings and acks for a while, and all agree on the incarnations. */
async function quiet(nodes: readonly Node[]): Promise<void> {
  const said = (): string =>
    JSON.stringify(
      nodes.map(({ gossip }) => {
        const { alive, suspect, dead, user } = gossip.stats().sent
        return [alive, suspect, dead, user]
      }),
    )
  let last = said()
  let sinceMs = performance.now()
  await until(() => {
    if (said() !== last) {
      last = said()
      sinceMs = performance.now()
    }
    return performance.now() - sinceMs > 400
  }, 20_000)
}

/** @returns what it could not say, since it was hung up on */
async function play({ datagrams, streams }: Recording, to: readonly Node[]): Promise<void> {
  const socket = createSocket('udp4')
  for (const { gossip } of to) {
    const { addr, port } = gossip.advertise()
    const host = addressToText(addr)
    for (const [i, bytes] of datagrams.entries()) {
      await new Promise((resolve) => socket.send(bytes, port, host, resolve))
      // The kernel's buffer is finite: what it drops proves nothing.
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    for (const said of streams) {
      const stream = connect(port, host)
      stream.on('error', () => undefined).resume()
      for (const bytes of said) stream.write(bytes)
      await new Promise((resolve) => stream.once('close', resolve))
    }
  }
  socket.close()
}

function shuffled({ datagrams, streams }: Recording, seed: number): Recording {
  const random = seededRandom(seed)
  return { datagrams: shuffle([...datagrams], random), streams: shuffle([...streams], random) }
}

const emptyRecording = (): Recording => ({ datagrams: [], streams: [] })
const kept = ({ datagrams, streams }: Recording): Recording => ({
  datagrams: [...datagrams],
  streams: [...streams],
})

async function changesNothing(options: Partial<GossipOptions>): Promise<void> {
  const tape = emptyRecording()
  const nodes = await life(tape, options)
  const recording = kept(tape)
  expect(recording.datagrams.length).toBeGreaterThan(100)
  expect(recording.streams.length).toBeGreaterThan(5)
  const before = nodes.map(({ belief }) => belief)
  const userBefore = nodes.map(({ gossip }) => gossip.stats().sent.user ?? 0)
  const receivedBefore = nodes.map(({ gossip }) => gossip.stats().received.user ?? 0)
  await play(recording, nodes)
  await play(shuffled(recording, 1), nodes)
  await quiet(nodes)
  expect(nodes.map(({ belief }) => belief)).toEqual(before)
  // It was heard, all right, and is no news to pass on; a question of anti-entropy is answered to the member that once asked.
  for (const [i, { gossip }] of nodes.entries()) {
    const heard = (gossip.stats().received.user ?? 0) - (receivedBefore[i] ?? 0)
    const said = (gossip.stats().sent.user ?? 0) - (userBefore[i] ?? 0)
    expect(heard).toBeGreaterThan(20)
    expect(said).toBeLessThan(heard)
  }
}

describe('a life played again', { timeout: 60_000 }, () => {
  it.concurrent('changes nothing', () => changesNothing({}))

  it.concurrent('under the key it was encrypted with changes nothing', () =>
    changesNothing({ keyring: new Keyring([new Uint8Array(32).fill(5)]) }))

  it.concurrent('in plaintext is not even looked at by a node with a key', async ({ expect }) => {
    const tape = emptyRecording()
    const nodes = await life(tape, {})
    const recording = kept(tape)
    await Promise.all(nodes.map(({ gossip }) => gossip.stop()))
    const keyed = await started('zoe', emptyRecording(), {
      keyring: new Keyring([new Uint8Array(32).fill(5)]),
    })
    const before = keyed.belief
    await play(recording, [keyed])
    const { received, drops, packets } = keyed.gossip.stats()
    expect(packets.received).toBeGreaterThan(100)
    expect(received).toEqual({})
    expect(Object.keys(drops).sort()).toEqual(['plaintext-refused', 'undecryptable'])
    expect(drops.undecryptable).toBe(packets.received)
    expect(drops['plaintext-refused']).toBe(recording.streams.length)
    expect(keyed.belief).toEqual(before)
  })
})
