/** A live member of a cluster, as gossip shows it to a delegate. */
import type { Member, PeerClass } from '../../src/gossip/core/delegate.ts'

export function member(name: string, peerClass: PeerClass, meta: Uint8Array = new Uint8Array(0)): Member {
  return {
    name,
    peerClass,
    meta,
    endpoint: { addr: Uint8Array.of(127, 0, 0, 1), port: 9094 },
    incarnation: 1,
    liveness: 'alive',
    rttMs: undefined,
    isSelf: false,
  }
}
