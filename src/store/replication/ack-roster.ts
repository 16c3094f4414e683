/**
 * The roster: the replicas of which a write concern counts parts.
 *
 * On it is every hearsay member that has not left on purpose, seen or not. Gossip drops who has been dead for half a
 * minute from its list; a roster that shrank with it would let the last one alive call itself the majority, and both sides of a
 * partition at once. So the lost stay, those of an earlier life of this process as well (app/known-peers.ts keeps them on
 * disk), until they are back, have left, are replaced at their address, or are forgotten after the reconnect timeout: see
 * gossip/core/reconnect.ts. Alertmanagers hold none of this state. A configured peer that was never met is not on it.
 */
import type { Member } from '../../gossip/core/delegate.ts'
import type { KnownPeer } from '../../gossip/core/reconnect.ts'

export interface AckRoster {
  /** Replicas, this one included. */
  readonly size: number
  /** Those of them that gossip lists, without this one. The others can be sent nothing. */
  readonly listed: readonly Member[]
}

/** @param lost of a name that is listed, the list decides */
export function ackRoster(members: readonly Member[], lost: readonly KnownPeer[]): AckRoster {
  const names = new Set(members.map(({ name }) => name))
  const listed = members.filter(isOfRoster)
  const missing = lost.filter(({ name, isReplica }) => isReplica === true && !names.has(name))
  return { size: 1 + listed.length + missing.length, listed }
}

function isOfRoster({ isSelf, peerClass, liveness }: Member): boolean {
  return !isSelf && peerClass === 'native' && liveness !== 'left'
}
