/**
 * Where an ack goes.
 *
 * A ping may name a reply address (Source*), because NAT can change a datagram's source. Followed blindly it lets
 * anyone aim our acks at a third party, so it is used only when it is where the ping came from, or a member's.
 */
import { type Endpoint, endpointKey } from './endpoint.ts'
import type { Members } from './members.ts'

export function replyAddress(members: Members, source: Endpoint | undefined, from: Endpoint): Endpoint {
  if (source === undefined || source.port === 0 || source.addr.length === 0) return from
  if (endpointKey(source) === endpointKey(from)) return source
  return members.atEndpoint(source) === undefined ? from : source
}
