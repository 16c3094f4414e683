/**
 * The notifier of one replica: who of several sends a notification (docs/adr/0007). To be written; this is its face.
 *
 * All times are monotonic ms unless their name says otherwise. Every method may call the host in the same turn.
 */
import type { Flush, SendOutcome } from '../core/flush.ts'
import type { Receiver } from '../core/receiver.ts'
import type { NotifierHost } from './notifier-host.ts'

export interface NotifierOptions {
  /** Our member name. */
  readonly name: string
  /** What each member that sorts before us costs in waiting while a foreign Alertmanager lives. */
  readonly peerTimeoutMs: number
}

/** A claim by itself, for senders outside this process. */
export interface ClaimRequest {
  readonly groupKey: string
  readonly receiver: Receiver
  /** Longest wait for the turn and the grants. */
  readonly waitMs: number
  /** From when it is held, unless renewed. */
  readonly leaseMs: number
}

export class Notifier {
  readonly host: NotifierHost
  readonly options: NotifierOptions

  constructor(host: NotifierHost, options: NotifierOptions) {
    this.host = host
    this.options = options
  }

  /** When `tick` has something to do; undefined for never. */
  get dueMs(): number | undefined {
    return undefined
  }

  get stats(): Readonly<Record<string, number>> {
    return {}
  }

  /** This replica notifies for a receiver from now on; told to all members. Also done by `start` and `claim`. */
  advertise(_receiver: Receiver, _nowMs: number): void {}

  /** @returns the flush, which ends with `host.finished` (never in the same turn) */
  start(_flush: Flush, _nowMs: number): number {
    return 0
  }

  sent(_flushId: number, _outcome: SendOutcome, _nowMs: number): void {}

  /** @param ok whether the entry is on disk here */
  logged(_flushId: number, _ok: boolean, _nowMs: number): void {}

  /** Its caller has lost interest: finished as `closed`. */
  cancel(_flushId: number, _nowMs: number): void {}

  /** @returns the claim, which is answered by `host.claimed` (never in the same turn) */
  claim(_request: ClaimRequest, _nowMs: number): number {
    return 0
  }

  /** @returns whether it is held, and so prolonged to `leaseMs` from now */
  renew(_claimId: number, _leaseMs: number, _nowMs: number): boolean {
    return false
  }

  /** @param failed whether the next in order shall try */
  release(_claimId: number, _failed: boolean, _nowMs: number): void {}

  /** A frame of kind `KIND_CLAIM` from whoever could reach our port. Never throws. */
  heard(_frame: Uint8Array, _nowMs: number): void {}

  /** A log entry has changed here. */
  changed(_key: string, _nowMs: number): void {}

  membersChanged(_nowMs: number): void {}

  tick(_nowMs: number): void {}

  /** Ends all flushes as `closed` and releases what is held. */
  close(_nowMs: number): void {}
}
