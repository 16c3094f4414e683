/**
 * Gossip and its delegate, made for each other: the delegate speaks through gossip and gossip through the delegate, and
 * neither does before both exist.
 */
import { randomBytes } from 'node:crypto'
import { AlertmanagerDelegate, type AlertmanagerDelegateDeps } from '../alerting/alertmanager-delegate.ts'
import type { Clock } from '../base/clock.ts'
import type { ActorId } from '../base/names.ts'
import { seededRandom } from '../base/random.ts'
import type { Broadcaster } from '../gossip/core/delegate.ts'
import { classifyMeta, nativeMeta } from '../gossip/core/native-meta.ts'
import { observedDelegate } from '../gossip/core/observed-delegate.ts'
import { createGossip } from '../gossip/io/driver.ts'
import type { Gossip, GossipOptions } from '../gossip/io/gossip.ts'
import { MergeCounts } from './merge-counts.ts'
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
  /** Of the store, told in our node meta; it may change while we run. */
  readonly actor: () => ActorId
  /** Wall clocks of live hearsay members minus ours, by name. */
  readonly offsetsMs: () => ReadonlyMap<string, number>
  /** Members have come, gone or changed. */
  readonly membersChanged: () => void
}

export interface ReplicaGossip {
  readonly gossip: Gossip
  readonly delegate: AlertmanagerDelegate
  readonly merges: MergeCounts
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
  const merges = new MergeCounts({ clock, members: () => gossip.members(), offsetsMs: deps.offsetsMs })
  let told = deps.actor()
  const delegate = new AlertmanagerDelegate({
    ...deps,
    merged: (news, way) => merges.merged(news, way),
    heardClock: (peer, wallMs, rttMs) => {
      deps.heardClock?.(peer, wallMs, rttMs)
      if (deps.actor() === told) return
      told = deps.actor()
      // Called from a message, so not in the same turn.
      setImmediate(() => gossip.updateMeta(nativeMeta(VERSION, told)))
    },
    broadcaster,
    random: random(),
    schedule: (task) => void setImmediate(task),
    wallMs: () => clock.wallMs(),
    requestExchange: (peer) => void gossip.pushPullNow(peer),
  })
  const gossip = createGossip(
    { ...options, name, meta: nativeMeta(VERSION, told), classify: classifyMeta },
    observedDelegate(delegate, membersChanged),
    { clock, random: random(), log },
  )
  return { gossip, delegate, merges }
}
