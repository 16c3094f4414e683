/**
 * What the notifier (notifier.ts) asks of the world. It is pure: the driver (app/notifier-driver.ts) and the simulator
 * implement this, and feed it with time, frames, changes of the log and of the members.
 */
import type { Flush, FlushResult, SendOrder, SendOutcome } from '../core/flush.ts'
import type { Notification } from '../core/notification.ts'

/** A member as far as claims need to know it. */
export interface NotifierPeer {
  readonly name: string
  readonly isSelf: boolean
  /** Speaks our private frames; others cannot be asked. */
  readonly isNative: boolean
  /** Dead and left members are gone for claims; a suspected one is passed over in turns but still holds what it holds. */
  readonly liveness: 'alive' | 'suspect' | 'dead' | 'left'
}

/** What came of a claim that was asked for by itself (`Notifier.claim`). */
export type ClaimResult =
  | { readonly held: true }
  /** `holder` is undefined when none is known: the turn did not come in time. */
  | {
      readonly held: false
      readonly holder: string | undefined
      readonly reason: 'denied' | 'newer-entry' | 'timeout' | 'closed' | 'left' | 'overloaded'
    }

export interface NotifierHost {
  /** All known, self included; only self without gossip. */
  peers(): readonly NotifierPeer[]
  /** One reliable frame to a native member; failures are silent. */
  send(peer: string, frame: Uint8Array): void
  /** Ms since 1970. */
  wallMs(): number
  /** Whether this replica has heard its peers since it started. Nothing is decided before. */
  settled(): boolean
  /** The log entry of a key (`notificationKey`), as held now. */
  entry(key: string): Notification | undefined
  /** The bytes of that record, for a member that lacks it; undefined when there is none. */
  record(key: string): Uint8Array | undefined
  /** Joins a record that a member sent along with its denial; judged like any other from a peer. */
  join(record: Uint8Array): void
  /** Runs the caller's send; the answer comes by `Notifier.sent`. Must not call back in the same turn. */
  order(flushId: number, order: SendOrder): void
  /** A send that is no longer wanted: its claim is lost, or its time is up. */
  abort(flushId: number): void
  /**
   * Writes the log entry of a flush that has been sent: durable here, and on as many live replicas as can have it within a
   * second. The answer comes by `Notifier.logged`. Must not call back in the same turn.
   */
  log(flushId: number, flush: Flush, outcome: SendOutcome & { readonly ok: true }): void
  finished(flushId: number, result: FlushResult): void
  /** The answer to `Notifier.claim`. */
  claimed(claimId: number, result: ClaimResult): void
  /** A claim held by `Notifier.claim` that is no more: its lease ran out, or another holds it after a partition. */
  claimLost(claimId: number): void
  /** Something to count and perhaps log; `event` is a stable code from a closed set. */
  note(event: string, fields: Readonly<Record<string, string | number>>): void
}
