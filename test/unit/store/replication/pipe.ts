/**
 * Replicas in memory, between which frames travel by a pipe that may lose, delay and reorder them, and whose disks may
 * refuse. Everything runs when `run` is called, one frame or slice at a time, in an order chosen by a seed.
 */
import { type ActorId, actorId } from '../../../../src/base/names.ts'
import { type Random, seededRandom } from '../../../../src/base/random.ts'
import type { Dot } from '../../../../src/crdt/dot.ts'
import type { Delta, MapEntry } from '../../../../src/store/core/delta.ts'
import { ReplicaState } from '../../../../src/store/core/replica-state.ts'
import { decodeSyncFrame, type SyncFrame } from '../../../../src/store/replication/frames.ts'
import { Syncer, type SyncLimits } from '../../../../src/store/replication/syncer.ts'
import { canonicalState } from '../../../../src/testing/canonical-state.ts'
import { memorySyncStore } from '../../../support/memory-sync-store.ts'
import { NOTHING, record, text } from '../core/fixtures.ts'

export const NOW_MS = 1000

export class Peer {
  readonly name: string
  readonly actor: ActorId
  readonly state: ReplicaState = new ReplicaState({ maxClockSkewMs: 1_000_000 })
  readonly relayed: Delta[] = []
  readonly notes: string[] = []
  readonly syncer: Syncer
  diskRefuses: boolean = false
  #nextDot = 1

  constructor(name: string, pipe: Pipe, limits: Partial<SyncLimits>) {
    this.name = name
    this.actor = actorId(name.repeat(32).slice(0, 32))
    const { state } = this
    const store = memorySyncStore(state, NOW_MS, {
      durable: (done) => pipe.later(() => done(!this.diskRefuses)),
    })
    this.syncer = new Syncer({
      selfName: name,
      store,
      random: seededRandom(name.charCodeAt(0)),
      schedule: (task) => pipe.later(task),
      send: (peer, bytes) => pipe.send(name, peer, bytes),
      isPeer: (other) => pipe.peers.has(other) && !pipe.isStranger(name, other),
      relay: (news) => void this.relayed.push(news),
      requestExchange: (peer) => pipe.later(() => pipe.call(name, peer)),
      note: (event) => void this.notes.push(event),
      limits,
    })
  }

  get text(): string {
    return canonicalState(this.state.fullState())
  }

  get stats(): Readonly<Record<string, number>> {
    return this.syncer.stats.toRecord()
  }

  /** As after a crash with a long lease. */
  skipDots(count: number): void {
    this.#nextDot += count
  }

  dot(): Dot {
    return { actor: this.actor, n: this.#nextDot++ }
  }

  /** @param value undefined deletes */
  put(key: string, value: string | undefined, ms: number = NOW_MS): Delta {
    const held = this.state.entry('m', key)
    const entry: MapEntry = {
      dot: this.dot(),
      stamp: { epoch: 0, ms: Math.max(ms, (held?.stamp.ms ?? 0) + 1), logical: 0, actor: this.actor },
      value: value === undefined ? undefined : text(value),
      expiresAtMs: undefined,
    }
    return this.#apply({
      ...NOTHING,
      puts: [{ map: 'm', key, entry }],
      covered: held === undefined ? [] : [held.dot],
    })
  }

  add(member: string): Delta {
    const dot = this.dot()
    return this.#apply({
      ...NOTHING,
      adds: [{ set: 's', member, dot }],
      covered: [dot, ...this.state.dotsOf('s', member)],
    })
  }

  remove(member: string): Delta {
    return this.#apply({ ...NOTHING, covered: this.state.dotsOf('s', member) })
  }

  record(key: string, version: bigint, value: string): Delta {
    return this.#apply({
      ...NOTHING,
      records: [{ table: 't', key, record: record(version, value, 1_000_000) }],
    })
  }

  hear(delta: Delta): void {
    this.state.join(delta, NOW_MS)
  }

  #apply(delta: Delta): Delta {
    this.state.apply(delta, NOW_MS)
    return delta
  }
}

export interface Sent {
  readonly from: string
  readonly to: string
  readonly bytes: Uint8Array
  readonly frame: SyncFrame
}

export class Pipe {
  readonly peers: Map<string, Peer> = new Map()
  /** All frames sent, push-pulls included. */
  readonly sent: Sent[] = []
  /** False loses the frame. */
  carries: (sent: Sent) => boolean = (_sent: Sent): boolean => true
  /** Whether one takes another for no member yet. */
  isStranger: (self: string, other: string) => boolean = () => false
  readonly #limits: Partial<SyncLimits>
  readonly #random: Random | undefined
  #waiting: (() => void)[] = []
  #nowMs = 0

  /** @param random without one, everything happens in order */
  constructor(names: readonly string[], random?: Random, limits: Partial<SyncLimits> = {}) {
    this.#random = random
    this.#limits = limits
    for (const name of names) this.boot(name)
  }

  /** A peer of that name without anything in it; one of before is forgotten. */
  boot(name: string): Peer {
    const peer = new Peer(name, this, this.#limits)
    this.peers.set(name, peer)
    return peer
  }

  peer(name: string): Peer {
    const peer = this.peers.get(name)
    if (peer === undefined) throw new Error(`no peer ${name}`)
    return peer
  }

  later(task: () => void): void {
    this.#waiting.push(task)
  }

  send(from: string, to: string, bytes: Uint8Array): void {
    const sent = { from, to, bytes, frame: decodeSyncFrame(bytes) }
    this.sent.push(sent)
    if (!this.carries(sent)) return
    this.later(() => this.peers.get(to)?.syncer.receive(decodeSyncFrame(bytes)))
  }

  /** One push-pull, then everything that follows from it. @param known whether the caller knows whom it calls */
  exchange(from: string, to: string, known = true): void {
    this.call(from, to, known)
    this.run()
  }

  call(from: string, to: string, known = true): void {
    const [caller, called] = [this.peer(from), this.peer(to)]
    const offer = caller.syncer.offer(known ? to : undefined)
    const answer = called.syncer.answer(decodeSyncFrame(offer))
    this.sent.push({ from, to, bytes: offer, frame: decodeSyncFrame(offer) })
    this.sent.push({ from: to, to: from, bytes: answer, frame: decodeSyncFrame(answer) })
    this.later(() => called.syncer.exchanged(decodeSyncFrame(offer), true))
    this.later(() => caller.syncer.exchanged(decodeSyncFrame(answer), false))
  }

  run(stepsMax = 100_000): void {
    for (let steps = 0; this.#waiting.length > 0; steps++) {
      if (steps > stepsMax) throw new Error('it does not come to an end')
      const at = this.#random?.below(Math.min(8, this.#waiting.length)) ?? 0
      const [task] = this.#waiting.splice(at, 1)
      task?.()
    }
  }

  tick(byMs: number): void {
    this.#nowMs += byMs
    for (const { syncer } of this.peers.values()) syncer.tick(this.#nowMs)
  }

  /** Bytes on the wire so far without the deltas in chunks. */
  metadataBytes(): number {
    return this.sent.reduce((sum, { bytes, frame: { body } }) => {
      return sum + bytes.length - (body.kind === 'chunk' ? body.delta.length : 0)
    }, 0)
  }

  kinds(): string[] {
    return this.sent.map(({ from, frame: { body } }) => `${from} ${body.kind}`)
  }
}
