/**
 * Gossip and its delegate, made for each other: the delegate speaks through gossip and gossip through the delegate, and
 * neither does before both exist.
 */
import { randomBytes } from 'node:crypto'
import { AlertmanagerDelegate, type AlertmanagerDelegateDeps } from '../alerting/alertmanager-delegate.ts'
import type { Clock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import type { Broadcaster } from '../gossip/core/delegate.ts'
import { classifyMeta, nativeMeta } from '../gossip/core/native-meta.ts'
import { observedDelegate } from '../gossip/core/observed-delegate.ts'
import { createGossip } from '../gossip/io/driver.ts'
import type { Gossip, GossipOptions } from '../gossip/io/gossip.ts'
import type { RoomLog } from './room-log.ts'
import { VERSION } from './version.ts'

export interface ReplicaGossipDeps
  extends Omit<
    AlertmanagerDelegateDeps,
    'broadcaster' | 'random' | 'schedule' | 'wallMs' | 'requestExchange'
  > {
  readonly clock: Clock
  readonly log: RoomLog
  readonly options: Omit<GossipOptions, 'name' | 'meta' | 'classify'>
  /** Members have come, gone or changed. */
  readonly membersChanged: () => void
}

export interface ReplicaGossip {
  readonly gossip: Gossip
  readonly delegate: AlertmanagerDelegate
}

/** Nothing is opened before `Gossip.start`. */
export function replicaGossip(deps: ReplicaGossipDeps): ReplicaGossip {
  const { name, clock, log, options, membersChanged } = deps
  const random = () => seededRandom(randomBytes(4).readUInt32LE())
  const broadcaster: Broadcaster = {
    broadcast: (broadcast) => gossip.broadcast(broadcast),
    sendReliable: (member, payload) => gossip.sendReliable(member, payload),
    members: () => gossip.members(),
  }
  const delegate = new AlertmanagerDelegate({
    ...deps,
    broadcaster,
    random: random(),
    schedule: (task) => void setImmediate(task),
    wallMs: () => clock.wallMs(),
    requestExchange: (peer) => void gossip.pushPullNow(peer),
  })
  const gossip = createGossip(
    { ...options, name, meta: nativeMeta(VERSION), classify: classifyMeta },
    observedDelegate(delegate, membersChanged),
    { clock, random: random(), log },
  )
  return { gossip, delegate }
}
