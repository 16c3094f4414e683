/**
 * The member list's half of a push-pull: our records out, theirs in.
 *
 * Another's list is hearsay: what it calls dead or suspect we only suspect, with ourselves as the accuser, so that the
 * accused gets the time of a suspicion to speak up. What it calls left has left. One bad or unfit record is skipped;
 * its neighbours are merged.
 */
import { type Random, shuffle } from '../../base/random.ts'
import type { MemberRules } from './member-rules.ts'
import type { Members } from './members.ts'
import type { NodeRecord } from './messages.ts'

export class NodeExchange {
  readonly #members: Members
  readonly #rules: MemberRules
  readonly #random: Random
  readonly #selfName: string

  constructor(members: Members, rules: MemberRules, random: Random, selfName: string) {
    this.#members = members
    this.#rules = rules
    this.#random = random
    this.#selfName = selfName
  }

  /** All known, self and the not yet reaped included, in random order. */
  records(): NodeRecord[] {
    const records = this.#members.order.map(({ name, endpoint, meta, incarnation, liveness, vsn }) => ({
      name,
      endpoint,
      meta,
      incarnation,
      liveness,
      vsn,
    }))
    return shuffle(records, this.#random)
  }

  merge(nowMs: number, nodes: readonly NodeRecord[]): void {
    for (const node of nodes) this.#mergeOne(nowMs, node)
  }

  #mergeOne(nowMs: number, node: NodeRecord): void {
    const { name, incarnation, endpoint, meta, vsn } = node
    switch (node.liveness) {
      case 'alive':
        this.#rules.alive(nowMs, { kind: 'alive', node: name, incarnation, endpoint, meta, vsn })
        break
      case 'left':
        this.#rules.dead(nowMs, { kind: 'dead', node: name, incarnation, from: name })
        break
      case 'suspect':
      case 'dead':
        this.#rules.suspect(nowMs, { kind: 'suspect', node: name, incarnation, from: this.#selfName })
        break
    }
  }
}
