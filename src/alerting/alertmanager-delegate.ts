/**
 * The delegate of a replica that shares a cluster with Alertmanagers: it speaks their dialect to them and ours to our own
 * kind, over one store.
 *
 * Push-pull: an Alertmanager gets a `FullState` with its two parts and nothing else; a hearsay replica gets one whose
 * field 1000 holds our private frame and whose parts are empty, since what the frame starts brings the records too; to an
 * address whose owner is not known yet goes both. Reading takes whatever is there.
 *
 * Messages: a change of a silence goes to hearsay members in a private frame and to Alertmanagers as a `Part`. They
 * pass on only what is at most 700 bytes and expect a larger one straight from its author (alertmanager-state.md 1.4),
 * so that is what we do: own large records go by stream to each of them, relayed ones do not.
 */
import { PRIVATE_MAGIC, PRIVATE_VERSION } from '../gossip/core/batch-frame.ts'
import type { Exchange, GossipDelegate, MemberEvent } from '../gossip/core/delegate.ts'
import { nativeVersions } from '../gossip/core/native-meta.ts'
import { FOREIGN_RELAYED_BYTES_MAX } from '../gossip/core/stream-broadcast.ts'
import type { Delta, ForeignRecord, RecordPut } from '../store/core/delta.ts'
import type { MergeWay } from '../store/core/merge-way.ts'
import { stateKeyName } from '../store/core/state-key.ts'
import type { Records } from '../store/records.ts'
import type { PeerLook } from '../store/replication/peer-looks.ts'
import { Replicator, type ReplicatorDeps } from '../store/replication/replicator.ts'
import { AdmittingStore } from './admitting-store.ts'
import { QUARANTINE_TABLE, SILENCE_TABLE } from './core/admission.ts'
import {
  coalesceForeignParts,
  decodeForeignPart,
  decodeForeignState,
  encodeForeignPart,
  encodeForeignState,
  type ForeignState,
  hearsayFrameOf,
} from './core/foreign-state.ts'

/** A peer closes the connection above 20 MiB of user state, and membership suffers with it: so it is told a part of it. */
export const STATE_BYTES_MAX: number = 19 * 1024 * 1024
/** Around the records of a state. */
const ENVELOPE_BYTES = 64
const NO_BYTES = new Uint8Array(0)

export interface AlertmanagerDelegateDeps extends Omit<ReplicatorDeps, 'onSpread'> {
  readonly records: Records
  readonly note: NonNullable<ReplicatorDeps['note']>
  /** Hears of each join of something of others, and what of it was news. */
  readonly merged?: (news: Delta, way: MergeWay) => void
  /** A record or payload of a peer was left out; reasons are from a closed set. */
  readonly dropped: (reason: string, count: number) => void
  /** `none`: nothing is told to others than hearsay replicas, and nothing taken from them. Default `alertmanager`. */
  readonly foreignState?: 'alertmanager' | 'none'
}

export class AlertmanagerDelegate implements GossipDelegate {
  readonly #deps: AlertmanagerDelegateDeps
  readonly #replicator: Replicator
  readonly #store: AdmittingStore
  readonly #sharesWithForeigners: boolean
  /** Whether what is being spread was written here. */
  #isOwn = false

  constructor(deps: AlertmanagerDelegateDeps) {
    this.#deps = deps
    this.#sharesWithForeigners = deps.foreignState !== 'none'
    this.#store = new AdmittingStore(
      deps.store,
      (table, key) => deps.records.get(table, key),
      (reason) => deps.dropped(reason, 1),
      deps.merged,
    )
    this.#replicator = new Replicator({
      ...deps,
      store: this.#store,
      onSpread: (delta) => this.#tellForeigners(delta.records),
    })
  }

  /** Own mutations, once durable. */
  committed(deltas: readonly Delta[]): void {
    this.#isOwn = true
    this.#replicator.committed(deltas)
    this.#isOwn = false
    const overtaken = this.#store.overtaken(deltas.flatMap(({ records }) => records))
    if (overtaken.length > 0) this.#replicator.relay(this.#store.joinJudged(overtaken))
  }

  /** @param nowMs monotonic; to be called about once a second */
  tick(nowMs: number): void {
    this.#replicator.tick(nowMs)
  }

  /** See Replicator. */
  syncedWith(peer: string): boolean {
    return this.#replicator.syncedWith(peer)
  }

  /** See Replicator. */
  lookAt(peer: string): PeerLook | undefined {
    return this.#replicator.lookAt(peer)
  }

  /** See Replicator. */
  departed(): void {
    this.#replicator.departed()
  }

  syncStats(): Readonly<Record<string, number>> {
    return this.#replicator.syncStats()
  }

  /** A delta of another hearsay replica, judged and joined as if it had come by gossip. */
  receive(delta: Delta): void {
    this.#replicator.receive(delta)
  }

  localState(exchange: Exchange): Uint8Array {
    const frame = this.#frameFor(exchange)
    // Whoever sent us a frame reads one, whatever class gossip takes it for.
    const reads = exchange.remoteState !== undefined || exchange.peerClass === 'native'
    if (!this.#sharesWithForeigners && frame.length === 0) return NO_BYTES
    const withRecords = this.#sharesWithForeigners && !(reads && frame.length > 0)
    const records = (table: string): Iterable<readonly [string, ForeignRecord]> =>
      withRecords ? this.#deps.records.entries(table) : []
    const state = encodeForeignState(records, frame)
    if (state.length <= STATE_BYTES_MAX) return state
    this.#deps.note('replication_state_too_large', { bytes: state.length, limit: STATE_BYTES_MAX })
    const bytesMax = Math.max(0, STATE_BYTES_MAX - frame.length - ENVELOPE_BYTES)
    return encodeForeignState(records, frame, { bytesMax, from: this.#deps.random.next() })
  }

  #frameFor(exchange: Exchange): Uint8Array {
    const { remoteState, peerClass } = exchange
    if (remoteState === undefined)
      return peerClass === 'foreign' ? NO_BYTES : this.#replicator.localState(exchange)
    const theirs = hearsayFrameOf(remoteState)
    return theirs.length === 0 ? NO_BYTES : this.#replicator.localState({ ...exchange, remoteState: theirs })
  }

  mergeRemoteState(bytes: Uint8Array, exchange: Exchange): void {
    const state = decodeForeignState(bytes, (table, key) => this.#deps.records.get(table, key))
    if (this.#sharesWithForeigners) this.#merge(state)
    if (state.hearsayFrame.length > 0) this.#replicator.mergeRemoteState(state.hearsayFrame, exchange)
  }

  userMessage(payload: Uint8Array): void {
    if (payload[0] === PRIVATE_MAGIC) this.#replicator.userMessage(payload)
    else if (!this.#sharesWithForeigners) this.#deps.dropped('foreign_message', 1)
    else this.#merge(decodeForeignPart(payload, (table, key) => this.#deps.records.get(table, key)))
  }

  memberEvent(event: MemberEvent): void {
    this.#replicator.memberEvent(event)
    const { name, meta, peerClass } = event.member
    const versions = nativeVersions(meta)
    if (event.type !== 'join' || peerClass === 'native' || versions === undefined) return
    const theirs = `${versions.min}-${versions.max}`
    this.#deps.note('replication_peer_version_unsupported', { peer: name, theirs, ours: PRIVATE_VERSION })
  }

  ackPayload(peer: string): Uint8Array {
    return this.#replicator.ackPayload(peer)
  }

  ackReceived(peer: string, payload: Uint8Array, rttMs: number): void {
    this.#replicator.ackReceived(peer, payload, rttMs)
  }

  coalesce(payloads: readonly Uint8Array[]): readonly Uint8Array[] {
    return coalesceForeignParts(payloads)
  }

  #merge(state: ForeignState): void {
    for (const [reason, count] of state.faults) this.#deps.dropped(reason, count)
    if (state.puts.length === 0) return
    this.#replicator.relay(this.#store.joinJudged(state.puts))
  }

  #tellForeigners(records: readonly RecordPut[]): void {
    if (records.length === 0 || !this.#sharesWithForeigners) return
    const foreigners = this.#deps.broadcaster.members().some(({ peerClass }) => peerClass === 'foreign')
    if (!foreigners) return
    for (const put of records) {
      const payload = encodeForeignPart(put, (table, key) => this.#deps.records.get(table, key))
      // Gossip sends a long message to every foreign member by stream: once is enough, and its author does it.
      const isOwn = this.#isOwn || this.#store.isOwn(put.record)
      if (payload === undefined || (payload.length > FOREIGN_RELAYED_BYTES_MAX && !isOwn)) continue
      this.#deps.broadcaster.broadcast({
        audience: 'foreign',
        key: foreignKeyName(put),
        payload,
        isRelayed: !isOwn,
      })
    }
  }
}

/** To Alertmanagers a quarantined silence is the same silence, of which they must not get two versions in one message. */
function foreignKeyName({ table, key }: RecordPut): string {
  return stateKeyName({ kind: 'record', table: table === QUARANTINE_TABLE ? SILENCE_TABLE : table, key })
}
