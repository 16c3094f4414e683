/**
 * The gossip machine: a memberlist peer without sockets, clock or dice.
 *
 * A driver feeds it decoded messages and the time, and carries out the effects it emits. One timer is enough: the
 * machine keeps its own deadlines and says which is the earliest.
 */
import type { Random } from '../../base/random.ts'
import type { PacketEncoder } from './codec.ts'
import type { GossipConfig } from './config.ts'
import type { Broadcast, Member } from './delegate.ts'
import type { EffectSink } from './effects.ts'
import type { Endpoint } from './endpoint.ts'
import type { NodeRecord, PacketMessage } from './messages.ts'

export interface MachineDeps {
  readonly config: GossipConfig
  readonly random: Random
  readonly encoder: PacketEncoder
  readonly sink: EffectSink
  /** Persisted incarnation to start above; default 0. */
  readonly incarnation?: number
}

/** Numbers for metrics. */
export interface GossipStats {
  readonly healthScore: number
  readonly alive: number
  readonly suspect: number
  readonly dead: number
  readonly left: number
  /** Pending broadcasts and their bytes, by queue. */
  readonly queues: Readonly<
    Record<'membership' | 'native' | 'foreign', { readonly messages: number; readonly bytes: number }>
  >
}

/** All `nowMs` are monotonic milliseconds. The sink must not call back into the machine: queue effects, then run them. */
export class GossipMachine {
  constructor(_deps: MachineDeps, _nowMs: number) {}
  /** Announces self and starts the probe, gossip and push-pull timers. */
  start(_nowMs: number): void {}
  /** @param from the datagram's source */
  receive(_nowMs: number, _message: PacketMessage, _from: Endpoint): void {}
  /** Earliest internal deadline; the driver arms one timer for it and calls `advance`. Ask again after every call. */
  nextWakeAt(): number | undefined {
    return undefined
  }
  /** Runs what is due; bounded work a call, so ask `nextWakeAt` again. */
  advance(_nowMs: number): void {}
  /** The result of a 'stream-ping' effect. */
  streamPingDone(_nowMs: number, _seqNo: number, _acked: boolean): void {}
  /** A 'packet' effect with `probeSeqNo` could not be sent. */
  sendFailed(_nowMs: number, _probeSeqNo: number): void {}
  /** Our half of a push-pull, self included, shuffled. */
  nodeRecords(): NodeRecord[] {
    return []
  }
  /** Their half of a push-pull. */
  mergeNodes(_nowMs: number, _nodes: readonly NodeRecord[], _join: boolean): void {}
  /** Spreads a user message to its audience: first transmission in the next `advance`, due at once. */
  broadcast(_nowMs: number, _broadcast: Broadcast): void {}
  sendReliable(_nowMs: number, _memberName: string, _payload: Uint8Array): void {}
  /** Tells peers; emits 'left' once enough of them were sent it, at once when alone. Goes on answering probes. */
  leave(_nowMs: number): void {}
  /** @throws HearsayError `GOSSIP_META_TOO_LONG` above 512 bytes */
  updateMeta(_nowMs: number, _meta: Uint8Array): void {}
  members(): Member[] {
    return []
  }
  /** Alive and suspect members, self included. */
  memberCount(): number {
    return 0
  }
  healthScore(): number {
    return 0
  }
  selfIncarnation(): number {
    return 0
  }
  stats(): GossipStats {
    const none = { messages: 0, bytes: 0 }
    return {
      healthScore: 0,
      alive: 0,
      suspect: 0,
      dead: 0,
      left: 0,
      queues: { membership: none, native: none, foreign: none },
    }
  }
}
