/** Whether what a live member held is here. Where all are Alertmanagers, that is their silences. */
import type { Gossip } from '../gossip/io/gossip.ts'

export interface Hearer {
  readonly gossip: Gossip | undefined
  /** Whether this member was seen to hold what we hold. */
  syncedWith(peer: string): boolean
}

export function hasHeardPeer(hearer: Hearer): boolean {
  const { gossip } = hearer
  if (gossip === undefined) return false
  const others = gossip.members().filter((member) => !member.isSelf && member.liveness === 'alive')
  const natives = others.filter((member) => member.peerClass === 'native')
  if (natives.length > 0) return natives.some(({ name }) => hearer.syncedWith(name))
  return others.some(({ name }) => gossip.exchangedWith(name))
}
