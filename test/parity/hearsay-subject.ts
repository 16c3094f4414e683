/**
 * The subject that is ours: gossip drivers in this process.
 *
 * Others count as foreign, as a plain memberlist program is to a replica, so that everything goes by the public protocol.
 * The one exception is a peer that is given an ack payload: hearsay puts those only into acks to its own kind.
 */
import { seededRandom } from '../../src/base/random.ts'
import type { Exchange, GossipDelegate, Member, MemberEvent } from '../../src/gossip/core/delegate.ts'
import { createGossip } from '../../src/gossip/io/driver.ts'
import { addressToText } from '../../src/gossip/io/endpoint-text.ts'
import type { Gossip, GossipOptions } from '../../src/gossip/io/gossip.ts'
import { Keyring } from '../../src/gossip/wire/keyring.ts'
import { freePort } from '../support/free-port.ts'
import { type FullPeerOptions, withDefaults } from './fast-peers.ts'
import type { Peer, PeerEvent, PeerMember, PeerOptions, Subject } from './subject.ts'

const EMPTY = new Uint8Array(0)

/** Writes everything down, in order. */
class NotingDelegate implements GossipDelegate {
  readonly noted: PeerEvent[] = []
  readonly #options: PeerOptions
  readonly admitsMember?: (member: { readonly name: string }) => boolean
  readonly admitsMerge?: (members: readonly { readonly name: string }[]) => boolean

  constructor(options: PeerOptions) {
    this.#options = options
    const { refusesMembers = [], refusesMerges = false, watchesMerges = false } = options
    if (refusesMembers.length > 0) this.admitsMember = ({ name }) => !refusesMembers.includes(name)
    if (!refusesMerges && !watchesMerges) return
    this.admitsMerge = (members) => {
      this.noted.push({ type: 'merge', names: members.map(({ name }) => name) })
      return !refusesMerges
    }
  }

  localState(): Uint8Array {
    return this.#options.localState ?? EMPTY
  }

  mergeRemoteState(state: Uint8Array, { join }: Exchange): void {
    this.noted.push({ type: 'state', state: state.slice(), join })
  }

  userMessage(payload: Uint8Array): void {
    const atMs = performance.timeOrigin + performance.now()
    this.noted.push({ type: 'user', payload: payload.slice(), atMs })
  }

  memberEvent(event: MemberEvent): void {
    const { type, member } = event
    const { name } = member
    if (type !== 'conflict') this.noted.push({ type, name })
    else {
      const { addr, port } = event.otherEndpoint
      this.noted.push({ type, name, otherAddr: addressToText(addr), otherPort: port })
    }
  }

  ackPayload(): Uint8Array {
    return this.#options.ackPayload ?? EMPTY
  }

  ackReceived(name: string, payload: Uint8Array, rttMs: number): void {
    this.noted.push({ type: 'ack', name, payload: payload.slice(), rttMs })
  }
}

const withPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

function gossipOptions(options: FullPeerOptions): GossipOptions {
  const { advertiseAddr, advertisePort, bindAddr, bindPort, keys, label, allowedNetworks } = options
  const isAdvertised = advertiseAddr !== undefined || advertisePort !== undefined
  return {
    name: options.name,
    listen: withPort(bindAddr, bindPort),
    meta: options.meta,
    classify: () => (options.ackPayload === undefined ? 'foreign' : 'native'),
    compress: options.compress,
    verifyIncoming: options.verifyIncoming,
    verifyOutgoing: options.verifyOutgoing,
    tcpTimeoutMs: options.tcpTimeoutMs,
    reconnectIntervalMs: 0,
    refreshIntervalMs: 0,
    config: {
      vsn: Uint8Array.of(1, 5, options.protocolVersion, 0, 0, 0),
      gossipIntervalMs: options.gossipIntervalMs,
      gossipNodes: options.gossipNodes,
      gossipToTheDeadMs: options.gossipToTheDeadMs,
      probeIntervalMs: options.probeIntervalMs,
      probeTimeoutMs: options.probeTimeoutMs,
      suspicionMult: options.suspicionMult,
      pushPullIntervalMs: options.pushPullIntervalMs,
      deadNodeReclaimMs: options.deadNodeReclaimMs,
    },
    ...(isAdvertised && { advertise: withPort(advertiseAddr ?? bindAddr, advertisePort ?? bindPort) }),
    ...(keys !== undefined && { keyring: new Keyring(keys) }),
    ...(label !== undefined && { label }),
    ...(allowedNetworks !== undefined && { allowedNetworks }),
  }
}

function memberOf({ name, endpoint, meta, liveness }: Member): PeerMember {
  return { name, addr: addressToText(endpoint.addr), port: endpoint.port, meta, liveness }
}

class HearsayPeer implements Peer {
  readonly name: string
  readonly port: number
  readonly #gossip: Gossip
  readonly #delegate: NotingDelegate
  readonly #audience: 'native' | 'foreign'
  readonly #keyring: Keyring | undefined

  constructor(gossip: Gossip, delegate: NotingDelegate, options: GossipOptions, port: number) {
    this.name = gossip.name
    this.port = port
    this.#gossip = gossip
    this.#delegate = delegate
    this.#audience = options.classify(EMPTY)
    this.#keyring = options.keyring
  }

  async members(): Promise<readonly PeerMember[]> {
    return this.#gossip
      .members()
      .filter(({ liveness }) => liveness === 'alive' || liveness === 'suspect')
      .map(memberOf)
  }

  async join(addresses: readonly string[]): Promise<{ contacted: number; error?: string }> {
    const { contacted, failed } = await this.#gossip.join(addresses)
    if (contacted > 0) return { contacted }
    return { contacted, error: failed.map(({ address, reason }) => `${address}: ${reason}`).join('; ') }
  }

  leave(timeoutMs: number): Promise<void> {
    return this.#gossip.leave(timeoutMs)
  }

  shutdown(): Promise<void> {
    return this.#gossip.stop()
  }

  async updateMeta(meta: Uint8Array): Promise<void> {
    this.#gossip.updateMeta(meta)
  }

  async broadcast(payload: Uint8Array): Promise<void> {
    this.#gossip.broadcast({ audience: this.#audience, payload })
  }

  async sendReliable(member: string, payload: Uint8Array): Promise<void> {
    this.#gossip.sendReliable(member, payload)
  }

  async addKey(key: Uint8Array): Promise<void> {
    this.#keyring?.add(key)
  }

  async useKey(key: Uint8Array): Promise<void> {
    this.#keyring?.use(key)
  }

  async removeKey(key: Uint8Array): Promise<void> {
    this.#keyring?.remove(key)
  }

  async healthScore(): Promise<number> {
    return this.#gossip.healthScore()
  }

  async events(): Promise<readonly PeerEvent[]> {
    return [...this.#delegate.noted]
  }
}

class HearsaySubject implements Subject {
  readonly program = 'hearsay'
  readonly features = { labels: true }
  readonly #running: Gossip[] = []

  async start(options: PeerOptions): Promise<Peer> {
    const bindPort = options.advertisePort === undefined ? (options.bindPort ?? 0) : options.bindPort
    const full = withDefaults({ ...options, bindPort: bindPort ?? (await freePort()) })
    const driverOptions = gossipOptions(full)
    const delegate = new NotingDelegate(options)
    const gossip = createGossip(driverOptions, delegate, {
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      random: seededRandom(this.#running.length + 1),
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
    })
    await gossip.start()
    this.#running.push(gossip)
    const port = full.bindPort === 0 ? gossip.advertise().port : full.bindPort
    return new HearsayPeer(gossip, delegate, driverOptions, port)
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((gossip) => gossip.stop()))
  }
}

export function hearsaySubject(): Subject {
  return new HearsaySubject()
}
