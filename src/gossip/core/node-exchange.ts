/**
 * The member list's half of a push-pull: our records out, theirs in.
 *
 * Another's list is hearsay: what it calls dead or suspect we only suspect, with ourselves as the accuser, so that the
 * accused gets the time of a suspicion to speak up. What it calls left has left. One bad or unfit record is skipped;
 * its neighbours are merged.
 *
 * A joining push-pull may be refused as a whole, by the application, which sees all that the other side knows.
 */
import { type Random, shuffle } from '../../base/random.ts'
import type { GossipDelegate } from './delegate.ts'
import type { MemberRules } from './member-rules.ts'
import type { Members } from './members.ts'
import type { NodeRecord } from './messages.ts'
import type { Outbox } from './outbox.ts'

export interface NodeExchangeDeps extends Pick<GossipDelegate, 'admitsMerge'> {
  readonly members: Members
  readonly rules: MemberRules
  readonly random: Random
  readonly outbox: Outbox
  readonly selfName: string
  /** False when our own address is outside the allowed networks: then we are on no list. */
  readonly isSelfListed: boolean
}

export class NodeExchange {
  readonly #deps: NodeExchangeDeps

  constructor(deps: NodeExchangeDeps) {
    this.#deps = deps
  }

  /** All known, self and the not yet reaped included, in random order. */
  records(): NodeRecord[] {
    const { members, random, isSelfListed } = this.#deps
    const listed = members.order.filter(({ isSelf }) => isSelfListed || !isSelf)
    const records = listed.map(({ name, endpoint, meta, incarnation, liveness, vsn }) => {
      return { name, endpoint, meta, incarnation, liveness, vsn }
    })
    return shuffle(records, random)
  }

  /** @returns false when it was refused, and nothing of it taken */
  merge(nowMs: number, nodes: readonly NodeRecord[], join: boolean): boolean {
    if (join && !this.#isWelcome(nodes)) {
      this.#deps.outbox.note('warn', 'merge_refused', { nodes: nodes.length })
      return false
    }
    for (const node of nodes) this.#mergeOne(nowMs, node)
    return true
  }

  #isWelcome(nodes: readonly NodeRecord[]): boolean {
    const { members, admitsMerge, selfName } = this.#deps
    if (admitsMerge === undefined) return true
    return admitsMerge(
      nodes.map(({ name, endpoint, meta, incarnation, liveness }) => {
        const peerClass = members.classOf(meta)
        return { name, endpoint, meta, incarnation, liveness, peerClass, isSelf: name === selfName }
      }),
    )
  }

  #mergeOne(nowMs: number, node: NodeRecord): void {
    const { name, incarnation, endpoint, meta, vsn } = node
    switch (node.liveness) {
      case 'alive':
        this.#deps.rules.alive(nowMs, { kind: 'alive', node: name, incarnation, endpoint, meta, vsn })
        break
      case 'left':
        this.#deps.rules.dead(nowMs, { kind: 'dead', node: name, incarnation, from: name })
        break
      case 'suspect':
      case 'dead':
        this.#deps.rules.suspect(nowMs, {
          kind: 'suspect',
          node: name,
          incarnation,
          from: this.#deps.selfName,
        })
        break
    }
  }
}
