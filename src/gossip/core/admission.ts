/**
 * Whom we take for a member: what the operator and the application have to say about it.
 *
 * Two filters of memberlist's (section 4.1 steps 3 to 5). Networks: an address outside them is no member's, whoever
 * names it; a node whose own address is outside sees others and is not seen, and does not list itself. The application:
 * it is asked about whoever is new or comes back, maybe elsewhere, and not about each sign of life. A refused one leaves no record,
 * so it may ask again; what it costs is a note, and a line of the log for the first of them.
 */
import type { GossipDelegate } from './delegate.ts'
import type { Endpoint } from './endpoint.ts'
import { isLive, type MemberRecord, type Members } from './members.ts'
import type { AliveMessage } from './messages.ts'
import type { Outbox } from './outbox.ts'

export interface AdmissionDeps extends Pick<GossipDelegate, 'admitsMember'> {
  readonly members: Members
  readonly outbox: Outbox
  /** Whether members may have this address; absent: any. */
  readonly allowsAddress: ((addr: Uint8Array) => boolean) | undefined
}

export class Admission {
  readonly #deps: AdmissionDeps

  constructor(deps: AdmissionDeps) {
    this.#deps = deps
  }

  allowsEndpoint(endpoint: Endpoint): boolean {
    return this.#deps.allowsAddress?.(endpoint.addr) ?? true
  }

  /**
   * @param known its record as yet; undefined for a new name
   * @param moved whether the alive names another address than the record
   */
  admits(alive: AliveMessage, known: MemberRecord | undefined, moved: boolean): boolean {
    const { node, endpoint } = alive
    const { outbox } = this.#deps
    if ((known === undefined || moved) && !this.allowsEndpoint(endpoint)) {
      outbox.note('debug', 'member_outside_networks', { node: node.slice(0, 64) })
      return false
    }
    const isNews = known === undefined || !isLive(known)
    if (!isNews || this.#isWelcome(alive)) return true
    outbox.note('debug', 'member_refused', { node: node.slice(0, 64) })
    return false
  }

  #isWelcome({ node: name, endpoint, meta, incarnation }: AliveMessage): boolean {
    const { admitsMember, members } = this.#deps
    const peerClass = members.classOf(meta)
    return admitsMember?.({ name, endpoint, meta, incarnation, peerClass, isSelf: false }) ?? true
  }
}
