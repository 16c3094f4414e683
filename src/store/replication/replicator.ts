/**
 * Replication: turns what changed here into messages for the other replicas, and their messages into what changes here.
 *
 * Two ways out, as with every gossip. Quick and lossy: each mutation leaves at once as one small broadcast, and whoever
 * learns something new from one passes it on. Slow and complete: a push-pull exchanges whole states, and so repairs
 * whatever the quick way lost. Both end in the same join, so order, loss and repetition do not matter.
 *
 * Frames start with `f1`, the private wire version, and a kind: `D` delta, `F` full state, `B` batch of user messages
 * (gossip/core/batch-frame.ts). A one-key update of 100 bytes makes a frame of about 170. A frame of a newer version is
 * refused by name and counted; nothing of it is read.
 *
 * Pure: no clock, no socket; the store it joins into and the broadcaster it speaks through are given. Not here: what
 * foreign peers can read (alerting/alertmanager-delegate.ts), and digests (full states are sent whole).
 */
import { HearsayError } from '../../base/errors.ts'
import { decodeBatch, isBatch, PRIVATE_MAGIC, PRIVATE_VERSION } from '../../gossip/core/batch-frame.ts'
import type { Broadcaster, Exchange, GossipDelegate, MemberEvent } from '../../gossip/core/delegate.ts'
import { type Delta, isEmptyDelta } from '../core/delta.ts'
import type { Joinable } from '../core/joinable.ts'
import { splitDelta } from '../core/split-delta.ts'
import { decodeDelta, decodeFullState, encodeDelta, encodeFullState } from '../core/state-codec.ts'
import { stateKeyName } from '../core/state-key.ts'

const KIND_DELTA = 0x44
const KIND_FULL = 0x46
/** memberlist cuts a push-pull off at 20 MiB, membership included; beyond this the state is left out of it. */
const STATE_BYTES_MAX = 16 * 1024 * 1024
/** News out of a full state is passed on up to this many lines; a larger repair reaches the others by their own. */
const RELAY_LINES_MAX = 1000

export interface ReplicatorDeps {
  readonly store: Joinable
  readonly broadcaster: Broadcaster
  /** Frames of other kinds than ours, by their third byte, and who reads them. */
  readonly frames?: ReadonlyMap<number, (frame: Uint8Array) => void>
  /** Hears every delta that is spread, own or relayed, so that foreign peers can be told in their own format. */
  readonly onSpread?: (delta: Delta) => void
  /** Something to count and perhaps log; `event` is a stable code. */
  readonly note?: (event: string, fields: Readonly<Record<string, string | number>>) => void
}

export class Replicator implements GossipDelegate {
  readonly #deps: ReplicatorDeps

  constructor(deps: ReplicatorDeps) {
    this.#deps = deps
  }

  /** Own mutations, once durable: each leaves as a message of its own. */
  committed(deltas: readonly Delta[]): void {
    for (const delta of deltas) this.#spread(delta)
  }

  /** News that came by a foreign peer's message: native peers shall have it from us as well. */
  relay(news: Delta): void {
    this.#relay(news)
  }

  localState(_exchange: Exchange): Uint8Array {
    const body = encodeFullState(this.#deps.store.fullState())
    if (body.length > STATE_BYTES_MAX) {
      this.#note('replication.state_too_large', { bytes: body.length, limit: STATE_BYTES_MAX })
      return new Uint8Array(0)
    }
    return frame(KIND_FULL, body)
  }

  mergeRemoteState(state: Uint8Array, _exchange: Exchange): void {
    const body = this.#open(state, KIND_FULL)
    if (body === undefined) return
    const full = this.#decode(() => decodeFullState(body))
    if (full !== undefined) this.#relay(this.#deps.store.joinFull(full))
  }

  userMessage(payload: Uint8Array): void {
    if (isBatch(payload)) {
      const entries = decodeBatch(payload)
      if (entries === undefined) this.#note('replication.frame_malformed', { bytes: payload.length })
      // An entry that is itself a batch would nest without end; nobody makes one.
      else for (const entry of entries) if (!isBatch(entry)) this.userMessage(entry)
      return
    }
    const other = isOurVersion(payload) ? this.#deps.frames?.get(payload[2] ?? 0) : undefined
    if (other !== undefined) {
      other(payload)
      return
    }
    const body = this.#open(payload, KIND_DELTA)
    if (body === undefined) return
    const delta = this.#decode(() => decodeDelta(body))
    if (delta !== undefined) this.receive(delta)
  }

  /** A delta of another replica, by whatever way it came: joined, and passed on if it was news. */
  receive(delta: Delta): void {
    const news = this.#deps.store.join(delta)
    if (!isEmptyDelta(news)) this.#spread(news)
  }

  memberEvent(_event: MemberEvent): void {
    // Membership changes nothing in the state; a joining peer gets it by its own push-pull.
  }

  ackPayload(_peer: string): Uint8Array {
    return new Uint8Array(0)
  }

  ackReceived(_peer: string, _payload: Uint8Array, _rttMs: number): void {
    // Nothing is told in acks yet.
  }

  #relay(news: Delta): void {
    const lines = news.puts.length + news.adds.length + news.covered.length + news.records.length
    if (lines === 0) return
    if (lines > RELAY_LINES_MAX) {
      this.#note('replication.relay_skipped', { lines, limit: RELAY_LINES_MAX })
      return
    }
    for (const piece of splitDelta(news)) this.#spread(piece)
  }

  #spread(delta: Delta): void {
    const key = supersedingKey(delta)
    this.#deps.broadcaster.broadcast({
      audience: 'native',
      ...(key === undefined ? {} : { key }),
      payload: frame(KIND_DELTA, encodeDelta(delta)),
    })
    this.#deps.onSpread?.(delta)
  }

  #open(bytes: Uint8Array, kind: number): Uint8Array | undefined {
    const version = bytes[1]
    if (bytes[0] !== PRIVATE_MAGIC || version === undefined) {
      this.#note('replication.frame_unknown', { bytes: bytes.length })
      return undefined
    }
    if (version > PRIVATE_VERSION) {
      this.#note('replication.wire_version_newer', { theirs: version, ours: PRIVATE_VERSION })
      return undefined
    }
    if (bytes[2] !== kind) {
      this.#note('replication.frame_unknown', { bytes: bytes.length })
      return undefined
    }
    return bytes.subarray(3)
  }

  #decode<T>(decode: () => T): T | undefined {
    try {
      return decode()
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      this.#note('replication.frame_malformed', { code: error.code })
      return undefined
    }
  }

  #note(event: string, fields: Readonly<Record<string, string | number>>): void {
    this.#deps.note?.(event, fields)
  }
}

function isOurVersion(payload: Uint8Array): boolean {
  return payload[0] === PRIVATE_MAGIC && payload[1] === PRIVATE_VERSION
}

function frame(kind: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 3)
  bytes.set([PRIVATE_MAGIC, PRIVATE_VERSION, kind])
  bytes.set(body, 3)
  return bytes
}

/**
 * A newer write to the same map key or record makes the pending one needless: LWW keeps only the newest. Of a map key
 * that goes for one writer's own writes, which come in order; a relayed write of another may be older than the one that
 * is pending. Records are passed on only when they have won. Set deltas supersede nothing: a removal covers exactly the
 * dots it saw, so dropping an earlier one would lose its dots.
 */
function supersedingKey(delta: Delta): string | undefined {
  if (delta.adds.length > 0 || delta.puts.length + delta.records.length !== 1) return undefined
  const put = delta.puts[0]
  if (put !== undefined) {
    return `${stateKeyName({ kind: 'entry', map: put.map, key: put.key })}@${put.entry.dot.actor}`
  }
  const record = delta.records[0]
  if (delta.covered.length > 0 || record === undefined) return undefined
  return stateKeyName({ kind: 'record', table: record.table, key: record.key })
}
