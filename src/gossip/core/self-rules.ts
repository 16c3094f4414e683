/**
 * Our own membership: announcing it, defending it, ending it.
 *
 * Whoever calls us suspect or dead is answered with an alive at a higher incarnation, and costs us a point of health:
 * being accused is a hint that we are slow. After `leave` we no longer defend ourselves, until `rejoin`: memberlist needs
 * another instance for that, here the next incarnation is enough.
 */
import { compareBytes } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import type { Awareness } from './awareness.ts'
import type { BroadcastNotice } from './broadcast-queue.ts'
import type { GossipConfig } from './config.ts'
import type { Dissemination } from './dissemination.ts'
import { endpointKey } from './endpoint.ts'
import type { Incarnation } from './incarnation.ts'
import { isLive, type MemberRecord, type Members, memberView } from './members.ts'
import type { AliveMessage, DeadMessage, SuspectMessage } from './messages.ts'
import type { NameConflicts } from './name-conflicts.ts'
import type { Outbox } from './outbox.ts'

/** memberlist peers panic or refuse above this. */
export const META_BYTES_MAX = 512
/** Datagrams of a goodbye to each peer. */
const TELLINGS = 2

export interface SelfRulesDeps {
  readonly config: GossipConfig
  readonly members: Members
  readonly record: MemberRecord
  readonly incarnation: Incarnation
  readonly awareness: Awareness
  readonly dissemination: Dissemination
  readonly outbox: Outbox
  /** False when our own address is outside the allowed networks: then we say nothing of ourselves. */
  readonly isListed: boolean
  readonly conflicts: NameConflicts
}

export class SelfRules {
  readonly #deps: SelfRulesDeps
  #leaving = false
  /** How often each peer was told that we leave, while that goes on. */
  #tellings: Map<string, number> | undefined

  constructor(deps: SelfRulesDeps) {
    this.#deps = deps
    checkMeta(deps.config.meta)
  }

  get leaving(): boolean {
    return this.#leaving
  }

  /** Our alive, at the current incarnation. */
  announce(nowMs: number): void {
    const { record, outbox, dissemination, isListed } = this.#deps
    if (!isListed) {
      outbox.note('warn', 'self_outside_networks', { node: record.name })
      return
    }
    outbox.emit({ type: 'own-incarnation', incarnation: record.incarnation })
    dissemination.membership(nowMs, this.aliveMessage())
  }

  /** @throws HearsayError `GOSSIP_META_TOO_LONG` */
  updateMeta(nowMs: number, meta: Uint8Array): void {
    checkMeta(meta)
    const { members, record, incarnation } = this.#deps
    members.setMeta(record, meta)
    if (this.#leaving) return
    record.incarnation = incarnation.raise()
    this.announce(nowMs)
  }

  /** Somebody says that we are alive: ours of now, ours of a former life, or another's. */
  alive(nowMs: number, alive: AliveMessage): void {
    const { record, outbox, conflicts, isListed } = this.#deps
    if (this.#leaving || !isListed) return
    if (endpointKey(alive.endpoint) !== endpointKey(record.endpoint)) {
      outbox.note('debug', 'name_conflict', { node: record.name })
      conflicts.seen(nowMs, record, alive.endpoint)
      const event = {
        type: 'conflict',
        member: memberView(record),
        otherEndpoint: alive.endpoint,
      } as const
      outbox.emit({ type: 'member-event', event })
      return
    }
    if (alive.incarnation < record.incarnation) return
    const same = compareBytes(alive.meta, record.meta) === 0 && compareBytes(alive.vsn, record.vsn) === 0
    if (alive.incarnation === record.incarnation && same) return
    this.#refute(nowMs, alive.incarnation)
  }

  /** Somebody says that we are suspect or dead, at our incarnation or a higher one. */
  accused(nowMs: number, accusation: SuspectMessage | DeadMessage): void {
    if (this.#leaving || !this.#deps.isListed) return
    this.#deps.outbox.note('info', 'accusation_refuted', {
      kind: accusation.kind,
      from: accusation.from.slice(0, 64),
      incarnation: accusation.incarnation,
    })
    this.#refute(nowMs, accusation.incarnation)
  }

  /**
   * Says goodbye. `left` is emitted once the message went to every live peer twice, since the first datagram may be lost,
   * when its transmissions are used up, or when nobody is left to be told (`reviewLeave`).
   */
  leave(nowMs: number): void {
    if (this.#leaving) return
    this.#leaving = true
    this.#tellings = new Map()
    const { members, record, dissemination, isListed } = this.#deps
    const { name, incarnation } = record
    members.setLiveness(record, 'left', nowMs)
    if (!isListed) {
      this.#left()
      return
    }
    this.reviewLeave()
    if (this.#tellings === undefined) return
    const notice: BroadcastNotice = {
      sent: (peerName) => {
        this.#tellings?.set(peerName, (this.#tellings.get(peerName) ?? 0) + 1)
        this.reviewLeave()
      },
      finished: () => this.#left(),
    }
    dissemination.membership(nowMs, { kind: 'dead', incarnation, node: name, from: name }, notice)
  }

  /** Takes a leave back, also one that is still being told. */
  rejoin(nowMs: number): void {
    if (!this.#leaving) return
    this.#leaving = false
    this.#left()
    const { members, record, incarnation } = this.#deps
    members.setLiveness(record, 'alive', nowMs)
    record.incarnation = incarnation.raise()
    this.announce(nowMs)
  }

  /** To be called when a peer may have gone: those that leave with us need not be told. */
  reviewLeave(): void {
    const tellings = this.#tellings
    if (tellings === undefined) return
    const isTold = (peer: MemberRecord): boolean => (tellings.get(peer.name) ?? 0) >= TELLINGS
    if (this.#deps.members.order.every((peer) => peer.isSelf || !isLive(peer) || isTold(peer))) this.#left()
  }

  #left(): void {
    if (this.#tellings === undefined) return
    this.#tellings = undefined
    this.#deps.outbox.emit({ type: 'left' })
  }

  #refute(nowMs: number, accused: number): void {
    const { record, incarnation, awareness, dissemination } = this.#deps
    record.incarnation = incarnation.raise(accused)
    awareness.apply(1)
    this.announce(nowMs)
    dissemination.tellTheDead(this.aliveMessage())
  }

  /** Our alive, as it stands. */
  aliveMessage(): AliveMessage {
    const { name, endpoint, meta, vsn, incarnation } = this.#deps.record
    return { kind: 'alive', incarnation, node: name, endpoint, meta, vsn }
  }
}

function checkMeta(meta: Uint8Array): void {
  if (meta.length <= META_BYTES_MAX) return
  throw new HearsayError(
    'GOSSIP_META_TOO_LONG',
    `node meta is ${meta.length} bytes, at most ${META_BYTES_MAX} are allowed`,
  )
}
