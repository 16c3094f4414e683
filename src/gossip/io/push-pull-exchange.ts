/**
 * The push-pull: two peers tell each other everything they hold.
 *
 * Two halves. As initiator we send ours, read theirs, merge. As responder we read theirs, answer and only then merge,
 * as memberlist does, so that a slow merge never holds the caller; but our delegate sees their state before it
 * composes ours and may answer with the difference.
 *
 * Whom are we talking to? A stream carries no name. The initiator knows the address it dialled: a member listens there,
 * or the answer lists one. The responder sees an address with a port that means nothing, so it looks for members of
 * the caller's list at that address: when there is one, that is the caller; when all of them are of one class, so is the
 * caller; otherwise it stays unknown (several kinds of peers behind one address, such as loopback).
 */
import type { Exchange, GossipDelegate, PeerClass } from '../core/delegate.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { GossipMachine } from '../core/machine.ts'
import { isLive } from '../core/members.ts'
import type { NodeRecord, PushPullMessage, StreamMessage } from '../core/messages.ts'
import { addressToText, endpointToText } from './endpoint-text.ts'
import { type StreamClient, wasReached } from './stream-client.ts'

export interface PushPullDeps {
  readonly selfName: string
  readonly classify: (meta: Uint8Array) => PeerClass
  readonly machine: GossipMachine
  readonly delegate: GossipDelegate
  readonly client: StreamClient
  readonly nowMs: () => number
  readonly tcpTimeoutMs: number
  /** False once stopped: what arrives then is forgotten. */
  readonly isRunning: () => boolean
  /** False once we leave: from then on we tell and hear of members only. */
  readonly isMember: () => boolean
  /** Hears what a peer that we asked knew before it merged our half. */
  readonly answered?: (peer: Endpoint, nodes: readonly NodeRecord[]) => void
  /** Called after every merge, to carry out what the machine wants. */
  readonly merged: () => void
}

const NO_BYTES = new Uint8Array(0)

/** The other side, as far as it is known. */
type Party = Pick<Exchange, 'peer' | 'peerClass'>

export class PushPullExchange {
  readonly #deps: PushPullDeps
  /** Live members whose half was merged. */
  readonly #exchanged = new Set<string>()

  constructor(deps: PushPullDeps) {
    this.#deps = deps
  }

  /** @returns undefined after a complete exchange, or why there was none */
  async initiate(to: Endpoint, join: boolean): Promise<string | undefined> {
    const { machine, client, nowMs, tcpTimeoutMs } = this.#deps
    const known = this.#memberAt(to)
    const userState = this.#ourState({ join, remoteState: undefined, ...known })
    const outcome = await client.ask(to, this.#message(join, userState), nowMs() + tcpTimeoutMs)
    if (!this.#deps.isRunning()) return 'stopped'
    machine.streamDone(nowMs(), to, wasReached(outcome))
    if (outcome.type === 'failed') return outcome.reason
    if (outcome.type !== 'reply') return 'closed without a reply'
    const { message } = outcome
    if (message.kind === 'error') return `the peer refused: ${message.error}`
    if (message.kind !== 'push-pull') return `the peer answered with ${message.kind}`
    machine.listedBy(nowMs(), to, message.nodes)
    const at = endpointToText(to)
    const listed = this.#listed(message.nodes, (node) => endpointToText(node.endpoint) === at)
    const merged = this.#merge(message, undefined, {
      peer: listed.peer ?? known.peer,
      peerClass: listed.peerClass ?? known.peerClass,
    })
    this.#deps.answered?.(to, message.nodes)
    return merged ? undefined : 'this replica does not admit the peer and what it knows'
  }

  /** Answers first, then merges. */
  respond(message: PushPullMessage, from: Endpoint, reply: (message: StreamMessage) => void): void {
    const { join, userState } = message
    const at = addressToText(from.addr)
    const party = this.#listed(message.nodes, (node) => addressToText(node.endpoint.addr) === at)
    if (party.peer !== undefined) this.#deps.machine.streamHeard(this.#deps.nowMs(), party.peer)
    const exchange = { join, remoteState: userState, ...party }
    reply(this.#message(join, this.#ourState(exchange)))
    this.#merge(message, userState, party)
  }

  /** Whether this member's half has been merged since it was last seen to come. */
  exchangedWith(memberName: string): boolean {
    return this.#exchanged.has(memberName)
  }

  /** The member has gone. */
  forget(memberName: string): void {
    this.#exchanged.delete(memberName)
  }

  /** We come back, and have heard nobody since we left. */
  forgetAll(): void {
    this.#exchanged.clear()
  }

  #ourState(exchange: Exchange): Uint8Array {
    return this.#deps.isMember() ? this.#deps.delegate.localState(exchange) : NO_BYTES
  }

  #message(join: boolean, userState: Uint8Array): PushPullMessage {
    return { kind: 'push-pull', join, nodes: this.#deps.machine.nodeRecords(), userState }
  }

  /** @returns false when the application refused it, and nothing was taken */
  #merge(message: PushPullMessage, remoteState: Uint8Array | undefined, party: Party): boolean {
    const { machine, delegate, isMember, nowMs, merged } = this.#deps
    if (!machine.mergeNodes(nowMs(), message.nodes, message.join)) {
      merged()
      return false
    }
    if (message.userState.length > 0 && isMember()) {
      delegate.mergeRemoteState(message.userState, { join: message.join, remoteState, ...party })
    }
    // Only members, so that nobody fills memory with names.
    const { peer } = party
    const isListed = machine.members().some((member) => member.name === peer && isLive(member))
    if (peer !== undefined && isListed && isMember()) this.#exchanged.add(peer)
    merged()
    return true
  }

  #memberAt(to: Endpoint): Party {
    const at = endpointToText(to)
    const members = this.#deps.machine.members()
    // A dead one says nothing of who listens there now.
    const member = members.find(
      (member) => !member.isSelf && isLive(member) && endpointToText(member.endpoint) === at,
    )
    return { peer: member?.name, peerClass: member?.peerClass }
  }

  /** The one name and the one class that the live records chosen have, where it is one. */
  #listed(nodes: readonly NodeRecord[], chosen: (node: NodeRecord) => boolean): Party {
    const { classify, selfName } = this.#deps
    const candidates = nodes.filter((node) => node.name !== selfName && isLive(node) && chosen(node))
    const classes = new Set(candidates.map((node) => classify(node.meta)))
    const [peerClass] = classes
    return {
      peer: candidates.length === 1 ? candidates[0]?.name : undefined,
      peerClass: classes.size === 1 ? peerClass : undefined,
    }
  }
}
