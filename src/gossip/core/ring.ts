/**
 * The ring of names: whom each member tells first, so that nobody is left out by chance.
 *
 * Random sends leave gaps: of nine members that send a message to four others each, one in twenty times somebody is in
 * nobody's draw. So one of the first sends is not drawn. It goes to the live member whose name comes next, and after the
 * last to the first again. Then every member is told by the one before it, as soon as that one has heard itself, and as
 * long as nothing is lost the message cannot die out. It costs no send more, and the other draws make it fast.
 *
 * Members that see the list differently for a moment only lose the guarantee, not the message. Looking for the next name
 * takes a look at every member, so it is kept until the tick, or until that member is no longer live.
 */
import type { PeerClass } from './delegate.ts'
import { isLive, type MemberRecord, type Members } from './members.ts'

/** Members of one class, or of any. */
export type RingScope = PeerClass | 'any'

export class Ring {
  readonly #members: Members
  readonly #selfName: string
  readonly #kept = new Map<RingScope, MemberRecord>()

  constructor(members: Members, selfName: string) {
    this.#members = members
    this.#selfName = selfName
  }

  /** The live member after ourselves; undefined when there is no other. */
  next(scope: RingScope): MemberRecord | undefined {
    const kept = this.#kept.get(scope)
    if (kept !== undefined && isIn(scope, kept)) return kept
    const found = this.#search(scope)
    if (found !== undefined) this.#kept.set(scope, found)
    return found
  }

  /** To be called now and then: somebody may have come in between. */
  review(): void {
    this.#kept.clear()
  }

  #search(scope: RingScope): MemberRecord | undefined {
    let first: MemberRecord | undefined
    let next: MemberRecord | undefined
    for (const peer of this.#members.order) {
      if (!isIn(scope, peer)) continue
      if (first === undefined || peer.name < first.name) first = peer
      if (peer.name > this.#selfName && (next === undefined || peer.name < next.name)) next = peer
    }
    return next ?? first
  }
}

function isIn(scope: RingScope, peer: MemberRecord): boolean {
  return !peer.isSelf && isLive(peer) && (scope === 'any' || peer.peerClass === scope)
}
