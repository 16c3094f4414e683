/**
 * What a person is told when two processes go by one name.
 *
 * A warning to both. A reason to be unready to one of them at most: to a replica whom nobody lists, because all that it asks
 * take the other one for the owner of the name. It gets no gossip and no sync under that name, so it would serve state that
 * grows older by the minute. The other one stays ready, and so do both where some members list this one and some that.
 */
import type { NameConflict } from '../gossip/core/name-conflicts.ts'
import { endpointToText } from '../gossip/io/endpoint-text.ts'

export function sharedNameWarning({ name, isSelf, endpoint, otherEndpoint }: NameConflict): string {
  const [at, other] = [endpointToText(endpoint), endpointToText(otherEndpoint)]
  const who = isSelf ? `this replica at ${at} and a process at ${other}` : `processes at ${at} and ${other}`
  return `${who} both go by the name ${name}: give one of them another --cluster.peer-name; until then a notification may be sent twice, and one of them may miss changes`
}

/** Why this replica is not ready; undefined unless nobody lists it. */
export function sharedNameReason(conflicts: readonly NameConflict[]): string | undefined {
  const taken = conflicts.find(({ isUnlisted }) => isUnlisted)
  if (taken === undefined) return undefined
  return `name: the other members take the process at ${endpointToText(taken.otherEndpoint)} for ${taken.name}, so this one hears of no changes; give it another --cluster.peer-name`
}
