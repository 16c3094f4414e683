/**
 * The cluster as HTTP shows it: members, which ways to each of them work, names that two processes go by, and of all this
 * what a person should do something about.
 *
 * Warnings are no reasons to be unready: a replica behind a firewall that lets one transport through still serves all it
 * holds and hears of changes. When a shared name is such a reason: shared-name-text.ts.
 */
import type { Clock } from '../base/clock.ts'
import type { Member } from '../gossip/core/delegate.ts'
import type { NameConflict } from '../gossip/core/name-conflicts.ts'
import { nativeRelease } from '../gossip/core/native-meta.ts'
import { type Path, type PeerPaths, pathHint } from '../gossip/core/path-watch.ts'
import { endpointToText } from '../gossip/io/endpoint-text.ts'
import type { ClusterLag, ClusterMember, ClusterPath, ClusterView, SharedName } from '../http/facades.ts'
import type { PeerLook } from '../store/replication/peer-looks.ts'
import { peerWarnings, unlistedPeers } from './peer-trouble-text.ts'
import type { Replica } from './replica.ts'
import { rounded } from './rounded.ts'
import { sharedNameWarning } from './shared-name-text.ts'
import { wallTime } from './wall-time.ts'

/** @param moreWarnings of what the replica itself does not know */
export function clusterView(replica: Replica, moreWarnings: () => readonly string[] = () => []): ClusterView {
  const { gossip, clock } = replica
  return {
    name: replica.name,
    members: () => {
      const offsetsMs = replica.clockOffsetsMs()
      const paths = gossip?.paths()
      return (gossip?.members() ?? []).map((member) =>
        clusterMember(clock, member, {
          clockOffsetMs: offsetsMs.get(member.name),
          paths: paths?.get(member.name),
          look: replica.lookAt(member.name),
        }),
      )
    },
    lost: () =>
      unlistedPeers(gossip?.members() ?? [], gossip?.troubles().lost ?? []).map((peer) => ({
        name: peer.name,
        state: 'lost',
        address: endpointToText(peer.endpoint),
        since: wallTime(clock, peer.sinceMs),
      })),
    healthScore: () => gossip?.healthScore() ?? 0,
    settled: () => replica.settled,
    left: () => replica.entry?.left ?? false,
    lag: () => lagOf(replica),
    sharedNames: () => (gossip?.nameConflicts() ?? []).map((conflict) => sharedName(clock, conflict)),
    warnings: () => [...(gossip === undefined ? [] : clusterWarnings(gossip, clock)), ...moreWarnings()],
  }
}

/** One sentence each, for a person. */
function clusterWarnings(gossip: NonNullable<Replica['gossip']>, clock: Clock): readonly string[] {
  const names = gossip.nameConflicts().map(sharedNameWarning)
  const paths = gossip.paths()
  const members = gossip.members()
  const hints = members.flatMap((member) => {
    const ways = paths.get(member.name)
    return (ways && pathHint(member, ways)) ?? []
  })
  return [...names, ...peerWarnings(clock, members, gossip.troubles()), ...hints]
}

/** What is known of a member beside what gossip lists. */
interface Known {
  readonly clockOffsetMs: number | undefined
  readonly paths: PeerPaths | undefined
  readonly look: PeerLook | undefined
}

function clusterMember(clock: Clock, member: Member, { clockOffsetMs, paths, look }: Known): ClusterMember {
  const { name, meta, liveness, endpoint, incarnation, rttMs, peerClass, isSelf } = member
  return {
    name,
    state: liveness,
    address: endpointToText(endpoint),
    incarnation,
    rttMs: rttMs === undefined ? undefined : rounded(rttMs),
    clockOffsetMs: clockOffsetMs === undefined ? undefined : Math.round(clockOffsetMs),
    class: peerClass,
    isSelf,
    version: nativeRelease(meta),
    sameState: look?.same,
    ...(paths && { udp: clusterPath(clock, paths.udp), tcp: clusterPath(clock, paths.tcp) }),
  }
}

function lagOf(replica: Replica): ClusterLag {
  const nowMs = replica.clock.monotonicMs()
  const differingMs = (replica.gossip?.members() ?? []).flatMap(({ name, liveness }) => {
    const look = liveness === 'alive' || liveness === 'suspect' ? replica.lookAt(name) : undefined
    return look?.same === false ? [nowMs - look.sinceMs] : []
  })
  return { members: differingMs.length, ms: Math.round(Math.max(0, ...differingMs)) }
}

function clusterPath(clock: Clock, { state, sinceMs, heardMs }: Path): ClusterPath {
  const heard = heardMs === undefined ? {} : { heardAt: wallTime(clock, heardMs) }
  return { state, since: wallTime(clock, sinceMs), ...heard }
}

function sharedName(clock: Clock, conflict: NameConflict): SharedName {
  const { name, isSelf, endpoint, otherEndpoint, sinceMs, seenMs, isUnlisted } = conflict
  return {
    name,
    isSelf,
    isUnlisted,
    address: endpointToText(endpoint),
    otherAddress: endpointToText(otherEndpoint),
    since: wallTime(clock, sinceMs),
    seenAt: wallTime(clock, seenMs),
  }
}
