/**
 * The member list: who is known, where they are, and what we believe of them.
 *
 * A record is kept for everybody heard of, the dead and the departed included until they are reaped, because their
 * incarnation decides which later message is news. The list order is random on purpose: probes walk it, so every
 * member is probed once in n intervals, at a place no other member can predict.
 *
 * Pure bookkeeping: which message may change what is decided in member-rules.ts.
 */
import { assert } from '../../base/assert.ts'
import { type Random, shuffle } from '../../base/random.ts'
import type { Member, PeerClass } from './delegate.ts'
import { type Endpoint, endpointKey, placeKey } from './endpoint.ts'
import type { NodeLiveness, NodeRecord } from './messages.ts'

/** Mutable only through `Members`, save `incarnation` and `rttMs`. */
export interface MemberRecord {
  readonly name: string
  readonly isSelf: boolean
  endpoint: Endpoint
  meta: Uint8Array
  vsn: Uint8Array
  incarnation: number
  liveness: NodeLiveness
  changedAtMs: number
  peerClass: PeerClass
  rttMs: number | undefined
}

/** Whether a record takes part in the cluster as far as we know. */
export function isLive({ liveness }: Pick<MemberRecord, 'liveness'>): boolean {
  return liveness === 'alive' || liveness === 'suspect'
}

export function memberView(record: MemberRecord): Member {
  const { name, endpoint, meta, incarnation, liveness, peerClass, rttMs, isSelf } = record
  return { name, endpoint, meta, incarnation, liveness, peerClass, rttMs, isSelf }
}

/** Records, keys, the message that tells of it, and what the application keeps for each member (measured). */
const MEMBER_OVERHEAD_BYTES = 2048

/** What a member costs in memory, about: a name and a meta are held in several forms. */
export function memberBytes({ name, meta }: Pick<MemberRecord, 'name' | 'meta'>): number {
  return MEMBER_OVERHEAD_BYTES + 3 * name.length + 2 * meta.length
}

export class Members {
  readonly #byName = new Map<string, MemberRecord>()
  readonly #byPlace = new Map<string, Set<MemberRecord>>()
  readonly #order: MemberRecord[] = []
  #bytes = 0
  readonly #livePeers = { native: 0, foreign: 0 }
  readonly #classify: (meta: Uint8Array) => PeerClass

  constructor(classify: (meta: Uint8Array) => PeerClass) {
    this.#classify = classify
  }

  /** What all known are charged: see `memberBytes`. */
  get bytes(): number {
    return this.#bytes
  }

  /** All known, dead and left included. */
  get size(): number {
    return this.#order.length
  }

  /** In probe order. */
  get order(): readonly MemberRecord[] {
    return this.#order
  }

  get(name: string): MemberRecord | undefined {
    return this.#byName.get(name)
  }

  /** Who advertises this endpoint: a live member before one that was there earlier. */
  atEndpoint(endpoint: Endpoint): MemberRecord | undefined {
    const key = endpointKey(endpoint)
    return this.#foremost(endpoint, (record) => endpointKey(record.endpoint) === key)
  }

  /** Who a datagram from there is from: as `atEndpoint`, but IPv4 may be in either form. */
  atSource(from: Endpoint): MemberRecord | undefined {
    return this.#foremost(from, () => true)
  }

  #foremost(endpoint: Endpoint, accept: (record: MemberRecord) => boolean): MemberRecord | undefined {
    let found: MemberRecord | undefined
    for (const record of this.#byPlace.get(placeKey(endpoint)) ?? []) {
      if (!accept(record)) continue
      if (isLive(record)) return record
      found ??= record
    }
    return found
  }

  /** Alive and suspect members of the class, without self. */
  livePeers(peerClass: PeerClass): number {
    return this.#livePeers[peerClass]
  }

  classOf(meta: Uint8Array): PeerClass {
    return this.#classify(meta)
  }

  /** Adds at a random place. `node.liveness` is the first state. */
  insert(node: NodeRecord, isSelf: boolean, nowMs: number, random: Random): MemberRecord {
    assert(!this.#byName.has(node.name), 'a name is inserted once')
    const record: MemberRecord = {
      name: node.name,
      isSelf,
      endpoint: node.endpoint,
      meta: node.meta,
      vsn: node.vsn,
      incarnation: node.incarnation,
      liveness: node.liveness,
      changedAtMs: nowMs,
      peerClass: this.#classify(node.meta),
      rttMs: undefined,
    }
    this.#byName.set(record.name, record)
    this.#bytes += memberBytes(record)
    this.#indexEndpoint(record)
    const place = random.below(this.#order.length + 1)
    const displaced = this.#order[place]
    if (displaced === undefined) this.#order.push(record)
    else {
      this.#order.push(displaced)
      this.#order[place] = record
    }
    this.#countLive(record, 1)
    return record
  }

  setLiveness(record: MemberRecord, liveness: NodeLiveness, nowMs: number): void {
    this.#countLive(record, -1)
    record.liveness = liveness
    record.changedAtMs = nowMs
    this.#countLive(record, 1)
  }

  setMeta(record: MemberRecord, meta: Uint8Array): void {
    this.#countLive(record, -1)
    this.#bytes += memberBytes({ name: record.name, meta }) - memberBytes(record)
    record.meta = meta
    record.peerClass = this.#classify(meta)
    this.#countLive(record, 1)
  }

  setEndpoint(record: MemberRecord, endpoint: Endpoint): void {
    this.#unindexEndpoint(record)
    record.endpoint = endpoint
    this.#indexEndpoint(record)
  }

  /** Forgets members that have been dead or left for longer than `olderThanMs`, then shuffles the order. */
  reapAndShuffle(nowMs: number, olderThanMs: number, random: Random): MemberRecord[] {
    const reaped: MemberRecord[] = []
    let kept = 0
    for (const record of this.#order) {
      if (record.isSelf || isLive(record) || nowMs - record.changedAtMs <= olderThanMs) {
        this.#order[kept++] = record
        continue
      }
      reaped.push(record)
      this.#byName.delete(record.name)
      this.#bytes -= memberBytes(record)
      this.#unindexEndpoint(record)
    }
    this.#order.length = kept
    shuffle(this.#order, random)
    return reaped
  }

  #countLive(record: MemberRecord, by: 1 | -1): void {
    if (!record.isSelf && isLive(record)) this.#livePeers[record.peerClass] += by
  }

  #indexEndpoint(record: MemberRecord): void {
    const key = placeKey(record.endpoint)
    const records = this.#byPlace.get(key)
    if (records === undefined) this.#byPlace.set(key, new Set([record]))
    else records.add(record)
  }

  #unindexEndpoint(record: MemberRecord): void {
    const key = placeKey(record.endpoint)
    const records = this.#byPlace.get(key)
    records?.delete(record)
    if (records?.size === 0) this.#byPlace.delete(key)
  }
}
