/**
 * Where an ack goes, and what may go with it.
 *
 * A ping may name a reply address (Source*), because NAT can change a datagram's source. Followed blindly it lets
 * anyone aim our acks at a third party, so it is used only when it is where the ping came from, or a member's.
 *
 * Aimed at a member it still is a reflection, so then the ack goes alone: some 30 bytes for a ping of 60 or more. News
 * rides along (up to 1,400 bytes) only to a live member that pings from its own address. Nor can strangers use up, by
 * pinging, the few transmissions that a piece of news gets.
 */
import { type Endpoint, placeKey } from './endpoint.ts'
import { isLive, type MemberRecord, type Members } from './members.ts'

export interface ReplyAddress {
  readonly to: Endpoint
  /** Who may be told news along with the reply; undefined for nobody. */
  readonly listener: MemberRecord | undefined
}

/** @param from the datagram's source */
export function replyAddress(members: Members, source: Endpoint | undefined, from: Endpoint): ReplyAddress {
  const at = members.atSource(from)
  const listener = at !== undefined && isLive(at) && !at.isSelf ? at : undefined
  if (source === undefined || source.port === 0 || source.addr.length === 0) return { to: from, listener }
  if (placeKey(source) === placeKey(from)) return { to: source, listener }
  if (members.atEndpoint(source) === undefined) return { to: from, listener }
  return { to: source, listener: undefined }
}
