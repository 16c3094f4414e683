/** A gossip delegate that also tells when members come, go or change. */
import type { GossipDelegate } from './delegate.ts'

/** @param membersChanged called after the delegate has heard of it */
export function observedDelegate(delegate: GossipDelegate, membersChanged: () => void): GossipDelegate {
  const { coalesce, admitsMember, admitsMerge } = delegate
  return {
    localState: (exchange) => delegate.localState(exchange),
    mergeRemoteState: (state, exchange) => delegate.mergeRemoteState(state, exchange),
    userMessage: (payload) => delegate.userMessage(payload),
    memberEvent: (event) => {
      delegate.memberEvent(event)
      membersChanged()
    },
    ackPayload: (peer) => delegate.ackPayload(peer),
    ackReceived: (peer, payload, rttMs) => delegate.ackReceived(peer, payload, rttMs),
    ...(coalesce && { coalesce: coalesce.bind(delegate) }),
    ...(admitsMember && { admitsMember: admitsMember.bind(delegate) }),
    ...(admitsMerge && { admitsMerge: admitsMerge.bind(delegate) }),
  }
}
