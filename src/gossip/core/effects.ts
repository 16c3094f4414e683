/**
 * What the gossip machine wants done. The machine never does it: a driver with sockets, or the simulator, carries
 * each effect out and reports back through the machine's methods.
 */

import type { MemberEvent } from './delegate.ts'
import type { Endpoint } from './endpoint.ts'
import type { PingMessage } from './messages.ts'

export type Effect =
  /**
   * One datagram. `parts` are encoded messages, at most 127, never empty; the wire layer makes a compound of more than
   * one, compresses if that is shorter, and adds the CRC when `crc` says the receiver understands it (pMax >= 5).
   */
  | {
      readonly type: 'packet'
      readonly to: Endpoint
      readonly parts: readonly Uint8Array[]
      readonly crc: boolean
      /** Set on a direct probe: a failed send is reported with `sendFailed(now, probeSeqNo)`. */
      readonly probeSeqNo?: number
    }
  /** The same ping over TCP; report with `streamPingDone` at the latest at `deadlineMs` (monotonic). */
  | {
      readonly type: 'stream-ping'
      readonly to: Endpoint
      readonly ping: PingMessage
      readonly deadlineMs: number
    }
  /** Dial, send our state, read theirs, merge. */
  | { readonly type: 'push-pull'; readonly to: Endpoint; readonly join: boolean }
  /** A reliable user message; best effort, failures counted by the driver. */
  | { readonly type: 'stream-user'; readonly to: Endpoint; readonly payload: Uint8Array }
  /** For the delegate. */
  | { readonly type: 'user-message'; readonly payload: Uint8Array }
  /** What the ack to our own direct probe of a native member carried; never empty. `rttMs` is that probe's round trip. */
  | {
      readonly type: 'ack-payload'
      readonly peer: string
      readonly payload: Uint8Array
      readonly rttMs: number
    }
  | { readonly type: 'member-event'; readonly event: MemberEvent }
  /** An own incarnation that is about to be told, for whoever keeps it over restarts. Comes before the packets that carry it. */
  | { readonly type: 'own-incarnation'; readonly incarnation: number }
  /** Our leave has been told to enough peers. */
  | { readonly type: 'left' }
  /** Something a person may want to know; `event` is a stable code. Counted always, logged at `level`. */
  | {
      readonly type: 'note'
      readonly level: 'debug' | 'info' | 'warn'
      readonly event: string
      readonly fields: Readonly<Record<string, string | number>>
    }

export interface EffectSink {
  emit(effect: Effect): void
}
