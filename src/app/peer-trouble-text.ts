/**
 * What a person is told of peers: who is missing, who cannot be joined, and whose traffic cannot be read.
 *
 * One sentence each, with the addresses and reasons that whoever is woken by it would look up first; a few of them, since the
 * whole list is in `GET /api/v1/cluster`.
 */

import type { Clock } from '../base/clock.ts'
import { counted } from '../base/counted.ts'
import type { Member } from '../gossip/core/delegate.ts'
import type { LostPeer } from '../gossip/core/reconnect.ts'
import { endpointToText } from '../gossip/io/endpoint-text.ts'
import type { PeerTroubles } from '../gossip/io/gossip.ts'
import { wallTime } from './wall-time.ts'

const NAMED_MAX = 5

export function peerWarnings(
  clock: Clock,
  members: readonly Member[],
  { lost, unjoined, turnedAway }: PeerTroubles,
): readonly string[] {
  const living = members.filter(({ liveness }) => liveness === 'alive' || liveness === 'suspect')
  const missing = missingPeers(clock, members, lost)
  const warnings: string[] = []
  if (missing.length > 0) {
    const known = living.length + missing.length
    warnings.push(
      `${missing.length} of ${known} known members ${isAre(missing.length)} unreachable: ${some(missing, ', ')}`,
    )
  }
  if (unjoined.length > 0) {
    const count = unjoined.length
    const isAlone = living.every(({ isSelf }) => isSelf)
    const who = isAlone
      ? `this replica is alone: ${count === 1 ? 'the one peer it calls cannot' : `none of the ${count} peers it calls can`} be joined`
      : `${counted(count, 'peer')} cannot be joined`
    warnings.push(`${who}: ${some(unjoined.map(told), '; ')}`)
  }
  if (turnedAway.length > 0) {
    warnings.push(
      `in the last minute traffic was dropped that cannot be read here: ${some(turnedAway.map(told), '; ')}`,
    )
  }
  return warnings
}

/** Lost peers that gossip lists no more. */
export function unlistedPeers(members: readonly Member[], lost: readonly LostPeer[]): readonly LostPeer[] {
  const listed = new Set(members.map(({ name }) => name))
  return lost.filter(({ name }) => !listed.has(name))
}

/** Dead or lost, the last lost first. */
function missingPeers(
  clock: Clock,
  members: readonly Member[],
  lost: readonly LostPeer[],
): readonly string[] {
  const dead = new Set(members.filter(({ liveness }) => liveness === 'dead').map(({ name }) => name))
  const unlisted = new Set(unlistedPeers(members, lost))
  const texts = lost
    .filter((peer) => dead.delete(peer.name) || unlisted.has(peer))
    .map(({ name, endpoint, sinceMs }) => {
      const time = wallTime(clock, sinceMs).slice(11, 19)
      return `${name} at ${endpointToText(endpoint)} (since ${time} UTC)`
    })
  return [...texts, ...dead]
}

function told({ address, reason }: { readonly address: string; readonly reason: string }): string {
  return `${address}: ${reason}`
}

function isAre(count: number): string {
  return count === 1 ? 'is' : 'are'
}

function some(texts: readonly string[], separator: string): string {
  const others = texts.length - NAMED_MAX
  const shown = texts.slice(0, NAMED_MAX).join(separator)
  return others > 0 ? `${shown}${separator}and ${others} more` : shown
}
