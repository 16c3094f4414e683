/**
 * Two processes under one name: noticed, asked about, told, and forgotten when it is over.
 *
 * A name in a configuration that was copied once too often is easily made and hard to see: each member keeps the name for
 * whom it knew first, the second one is heard of by nobody, gets no gossip and takes a minute to learn anything, and the
 * first one never hears that there is a second (memberlist logs a line on bystanders). So:
 *
 * - Of our own name: whoever is said to be us elsewhere is sent a ping for our name, with our own alive. An ack proves
 *   that somebody there answers to it, and the alive makes that one ask us: so both sides know. A former self, which peers
 *   still believe in for some seconds after a restart under another address, does not answer, and is none.
 * - Of another's name: we only listen. A conflict that lasts half a minute is no restart.
 *
 * Numbers: asked again every 10 s; a namesake that has answered is forgotten 35 s after its last ack, one that pings us 35 s
 * after its last ping (longer beyond eight members, whom it pings in turn), everything else 150 s after it was last heard
 * of; claims without an ack are believed after 30 s. The log says it once, and again every 10 minutes. At most 64 are
 * remembered, 4 of them of our own name, so whoever forges claims makes us send at most 4 small packets in 10 s.
 *
 * Nothing is done about it here: both go on, and a person must rename one. What they store is told apart by actor, never
 * by name. But both own what falls to the name, so a notification may be sent twice, and whom no member lists hears of no
 * changes: it is answered under a name that leads to the other. That one should know, so we also watch whom the lists of
 * others have under our name; the lists of the namesake itself prove nothing. Who is pinged by name by a member is on a
 * list, so one member that lies cannot make us unready.
 */
import type { Admission } from './admission.ts'
import type { GossipConfig } from './config.ts'
import { type Endpoint, placeKey } from './endpoint.ts'
import { endpointToText } from './endpoint-format.ts'
import type { MemberRecord } from './members.ts'
import type { AliveMessage, NodeRecord, PingMessage } from './messages.ts'
import type { Outbox } from './outbox.ts'
import type { Sequence } from './sequence.ts'
import type { Timers } from './timers.ts'

export const CONFLICTS_MAX = 64
export const NAMESAKES_MAX = 4
const ASK_AGAIN_MS = 10_000
const BELIEVED_AFTER_MS = 30_000
const FORGOTTEN_AFTER_MS = 150_000
/** After an ack or a ping, which both come again while there is somebody. */
const FORGOTTEN_AFTER_SIGN_MS = 35_000
/** A prober goes through its list in an order that it shuffles each time, so two pings are two rounds apart at most. */
const PING_ROUNDS = 4
/** Then one ping goes there again. */
const OWN_PLACE_MS = 600_000
const TELL_AGAIN_MS = 600_000
/** Two push-pulls and a half, as Alertmanager spaces them: so long nobody may list us who was listed once. */
const UNLISTED_AFTER_MS = 150_000

export interface NameConflict {
  readonly name: string
  /** Whether it is our own name. */
  readonly isSelf: boolean
  /** Of the member as we know it. */
  readonly endpoint: Endpoint
  readonly otherEndpoint: Endpoint
  /** First and last sign of the other, monotonic milliseconds. */
  readonly sinceMs: number
  readonly seenMs: number
  /** Whether others take that one for the owner of our name, and none takes us for it. */
  readonly isUnlisted: boolean
}

interface Claim {
  readonly record: MemberRecord
  readonly other: Endpoint
  /** Where the member itself was at that time. */
  readonly endpoint: Endpoint
  readonly sinceMs: number
  seenMs: number
  /** Of the last ping under that name; undefined before the first. */
  pingedMs: number | undefined
  /** Of the last ack; undefined before the first. */
  ackedMs: number | undefined
  /** Number of the last ping. */
  seqNo: number | undefined
  /** When it was last logged; undefined: it is not believed yet. */
  toldMs: number | undefined
}

export interface NameConflictsDeps {
  readonly config: GossipConfig
  readonly sequence: Sequence
  readonly outbox: Outbox
  readonly timers: Timers
  readonly admission: Admission
  /** Members known, self included. */
  readonly memberCount: () => number
  readonly isOwn: (endpoint: Endpoint) => boolean
  /** Our alive of now; undefined when we have left, or are on no list. */
  readonly selfAlive: () => AliveMessage | undefined
}

export class NameConflicts {
  readonly #deps: NameConflictsDeps
  readonly #claims = new Map<string, Claim>()
  /** Other addresses of ours, since a ping sent there came back to us; until when, monotonic milliseconds. */
  readonly #ownPlaces = new Map<string, number>()
  /** When somebody last had our name at our address, and when a list last had it alive at another. */
  #listedMs: number | undefined
  #elsewhereMs: number | undefined

  constructor(deps: NameConflictsDeps) {
    this.#deps = deps
  }

  /** Somebody is said to have the name of `record` at `other`; `isPing`: by its own ping to us. */
  seen(nowMs: number, record: MemberRecord, other: Endpoint, isPing = false): void {
    const place = placeKey(other)
    if (place === placeKey(record.endpoint) || !this.#deps.admission.allowsEndpoint(other)) return
    if (record.isSelf && nowMs < (this.#ownPlaces.get(place) ?? nowMs)) return
    const key = `${place} ${record.name}`
    const known = this.#claims.get(key)
    if (known !== undefined) {
      known.seenMs = nowMs
      if (isPing) known.pingedMs = nowMs
      this.#judge(nowMs, known)
      return
    }
    if (this.#isFull(record.isSelf)) {
      this.#deps.outbox.note('debug', 'name_conflicts_full', { node: record.name })
      return
    }
    const claim: Claim = {
      record,
      other,
      endpoint: record.endpoint,
      sinceMs: nowMs,
      seenMs: nowMs,
      pingedMs: isPing ? nowMs : undefined,
      ackedMs: undefined,
      seqNo: undefined,
      toldMs: undefined,
    }
    if (this.#claims.size === 0) this.#tickLater(nowMs)
    this.#claims.set(key, claim)
    if (record.isSelf) this.#ask(claim)
  }

  /** A ping of somebody who goes by our own name; it may be ours, come back to ourselves by another of our addresses. */
  pinged(nowMs: number, ping: PingMessage, self: MemberRecord): void {
    const own = [...this.#claims].find(([, { seqNo }]) => seqNo === ping.seqNo)
    if (own !== undefined) {
      // A namesake may play our question back, to be taken for us.
      if (!this.#deps.isOwn(own[1].other)) return
      this.#claims.delete(own[0])
      const place = placeKey(own[1].other)
      this.#ownPlaces.delete(place)
      const [oldest] = this.#ownPlaces.keys()
      if (this.#ownPlaces.size >= NAMESAKES_MAX && oldest !== undefined) this.#ownPlaces.delete(oldest)
      this.#ownPlaces.set(place, nowMs + OWN_PLACE_MS)
    } else if (ping.source !== undefined && ping.source.port > 0) this.seen(nowMs, self, ping.source, true)
  }

  /** What a peer that we asked has under our name. */
  listed(nowMs: number, by: Endpoint, self: MemberRecord, record: NodeRecord): void {
    const at = placeKey(record.endpoint)
    if (at === placeKey(self.endpoint)) this.#listedMs = nowMs
    else if (record.liveness === 'alive' && at !== placeKey(by)) this.#elsewhereMs = nowMs
  }

  /** A member has pinged us by our name: it has us on its list, whatever one that we asked says of itself or others. */
  pingedByMember(nowMs: number): void {
    this.#listedMs = nowMs
  }

  #isUnlisted(): boolean {
    if (this.#elsewhereMs === undefined) return false
    return this.#listedMs === undefined || this.#elsewhereMs - this.#listedMs > UNLISTED_AFTER_MS
  }

  /** Returns false when the ack belongs to no question of ours. */
  ack(nowMs: number, seqNo: number, from: Endpoint): boolean {
    for (const claim of this.#claims.values()) {
      if (claim.seqNo !== seqNo) continue
      if (placeKey(claim.other) !== placeKey(from)) return false
      claim.seqNo = undefined
      claim.seenMs = nowMs
      claim.ackedMs = nowMs
      this.#judge(nowMs, claim)
      return true
    }
    return false
  }

  /** Whether somebody there has answered to our own name, and is not forgotten yet. */
  hasAnswered(at: Endpoint): boolean {
    const place = placeKey(at)
    return [...this.#claims.values()].some(
      ({ record, other, ackedMs }) => record.isSelf && ackedMs !== undefined && placeKey(other) === place,
    )
  }

  /** The conflict timer surfaced. */
  tick(nowMs: number): void {
    for (const [key, claim] of this.#claims) {
      const { record } = claim
      if (this.#isOver(nowMs, claim) || isMoot(claim)) this.#forget(key, claim)
      else if (record.isSelf) this.#ask(claim)
      if (claim.toldMs !== undefined && nowMs - claim.toldMs >= TELL_AGAIN_MS) this.#tell(nowMs, claim)
    }
    if (this.#claims.size > 0) this.#tickLater(nowMs)
  }

  /** Those that are believed. */
  list(): NameConflict[] {
    const told = [...this.#claims.values()].filter((claim) => claim.toldMs !== undefined && !isMoot(claim))
    return told.map(({ record, other, sinceMs, seenMs }) => {
      const { name, isSelf, endpoint } = record
      const isUnlisted = isSelf && this.#isUnlisted()
      return { name, isSelf, endpoint, otherEndpoint: other, sinceMs, seenMs, isUnlisted }
    })
  }

  #isOver(nowMs: number, { seenMs, pingedMs, ackedMs }: Claim): boolean {
    if (ackedMs !== undefined) return nowMs - ackedMs > FORGOTTEN_AFTER_SIGN_MS
    if (pingedMs === undefined) return nowMs - seenMs > FORGOTTEN_AFTER_MS
    const { config, memberCount } = this.#deps
    const pingsMs = Math.max(FORGOTTEN_AFTER_SIGN_MS, PING_ROUNDS * memberCount() * config.probeIntervalMs)
    return nowMs - pingedMs > Math.min(pingsMs, FORGOTTEN_AFTER_MS)
  }

  #isFull(isSelf: boolean): boolean {
    const own = [...this.#claims.values()].filter(({ record }) => record.isSelf).length
    return isSelf ? own >= NAMESAKES_MAX : this.#claims.size - own >= CONFLICTS_MAX - NAMESAKES_MAX
  }

  #ask(claim: Claim): void {
    const { config, sequence, outbox, selfAlive } = this.#deps
    const { name, advertise } = config
    claim.seqNo = sequence.next()
    const { seqNo } = claim
    const ping = outbox.encode({ kind: 'ping', seqNo, node: name, source: advertise, sourceNode: name })
    const alive = selfAlive()
    outbox.packet(claim.other, alive === undefined ? [ping] : [ping, outbox.encode(alive)])
  }

  #judge(nowMs: number, claim: Claim): void {
    if (claim.toldMs !== undefined) return
    if (claim.ackedMs === undefined && nowMs - claim.sinceMs < BELIEVED_AFTER_MS) return
    this.#tell(nowMs, claim)
  }

  #tell(nowMs: number, claim: Claim): void {
    claim.toldMs = nowMs
    this.#deps.outbox.note('warn', 'name_taken_twice', placesOf(claim))
  }

  #forget(key: string, claim: Claim): void {
    this.#claims.delete(key)
    if (claim.toldMs !== undefined) this.#deps.outbox.note('info', 'name_conflict_over', placesOf(claim))
    claim.toldMs = undefined
  }

  #tickLater(nowMs: number): void {
    this.#deps.timers.schedule(nowMs + ASK_AGAIN_MS, { kind: 'name-conflict-tick' })
  }
}

/** The member itself has moved there since, or was replaced from there: there are no two any more. */
function isMoot({ record, other }: Claim): boolean {
  return placeKey(record.endpoint) === placeKey(other)
}

function placesOf({ record, endpoint, other }: Claim): Record<string, string> {
  return {
    node: record.name,
    address: endpointToText(endpoint),
    otherAddress: endpointToText(other),
  }
}
