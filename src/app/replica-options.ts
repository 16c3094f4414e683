/** What a replica is opened with, by `serve` and by embedders. */
import type { Logger } from 'pino'
import type { AlertsOptions } from '../alerting/alerts.ts'
import type { SilenceLimits } from '../alerting/core/silence-limits.ts'
import type { Clock } from '../base/clock.ts'
import type { GossipOptions } from '../gossip/io/gossip.ts'
import type { StoreLimits } from '../store/store-limits.ts'

/** What gossip needs beyond what replica.ts provides. */
export type ReplicaGossipOptions = Omit<
  GossipOptions,
  'name' | 'meta' | 'classify' | 'incarnation' | 'onIncarnation'
>

export type AlertLimits = Pick<AlertsOptions, 'alertsMax' | 'bytesMax'>

export interface ReplicaOptions {
  /** Omitted: memory only. */
  readonly storagePath?: string
  /** Default: generated and kept beside the store; sorts last, so that Alertmanagers do not wait for us by position. */
  readonly name?: string
  /** How long an ended silence is remembered. Read each time it is needed, as are the limits: a getter may change it. */
  readonly retentionMs: number
  readonly maxClockSkewMs: number
  /** Omitted: alone. */
  readonly gossip?: ReplicaGossipOptions
  readonly settleTimeoutMs: number
  /** See NotifierOptions. Default 15 s. */
  readonly peerTimeoutMs?: number
  /** Of local writes; what is left out has its default. */
  readonly limits?: Partial<StoreLimits>
  /** Of silences created here; what is left out is not bounded. */
  readonly silenceLimits?: Partial<SilenceLimits>
  /** Of alerts held here; what is left out has its default. */
  readonly alertLimits?: AlertLimits
  /** What is shared with members that are no hearsay replicas. Default: silences, as Alertmanagers do. */
  readonly foreignState?: 'alertmanager' | 'none'
  /** Default: the host's. */
  readonly clock?: Clock
  readonly log: (name: string) => Logger
}
