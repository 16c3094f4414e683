/**
 * The push-pull: two peers tell each other everything they hold.
 *
 * Two halves. As initiator we send ours, read theirs, merge. As responder we read theirs, answer and only then merge,
 * as memberlist does, so that a slow merge never holds the caller; but our delegate sees their state before it
 * composes ours and may answer with the difference.
 *
 * Whom are we talking to? A stream carries no name. The initiator knows the address it dialled: a member listens there,
 * or the answer lists one. The responder sees an address with a port that means nothing, so it looks for members of
 * the caller's list at that address: when all of them are of one class, that is the caller's; otherwise it stays unknown
 * (several kinds of peers behind one address, such as loopback).
 */
import type { GossipDelegate, PeerClass } from '../core/delegate.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { GossipMachine } from '../core/machine.ts'
import type { NodeRecord, PushPullMessage, StreamMessage } from '../core/messages.ts'
import { addressToText, endpointToText } from './endpoint-text.ts'
import type { StreamClient } from './stream-client.ts'

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
  /** Called after every merge, to carry out what the machine wants. */
  readonly merged: () => void
}

export class PushPullExchange {
  readonly #deps: PushPullDeps

  constructor(deps: PushPullDeps) {
    this.#deps = deps
  }

  /** @returns undefined after a complete exchange, or why there was none */
  async initiate(to: Endpoint, join: boolean): Promise<string | undefined> {
    const { delegate, client, nowMs, tcpTimeoutMs } = this.#deps
    const peerClass = this.#classOfMember(to)
    const userState = delegate.localState({ join, remoteState: undefined, peerClass })
    const outcome = await client.ask(to, this.#message(join, userState), nowMs() + tcpTimeoutMs)
    if (!this.#deps.isRunning()) return 'stopped'
    if (outcome.type === 'failed') return outcome.reason
    if (outcome.type !== 'reply') return 'closed without a reply'
    const { message } = outcome
    if (message.kind === 'error') return `the peer refused: ${message.error}`
    if (message.kind !== 'push-pull') return `the peer answered with ${message.kind}`
    const at = endpointToText(to)
    const inReply = this.#onlyClass(message.nodes, (node) => endpointToText(node.endpoint) === at)
    this.#merge(message, undefined, inReply ?? peerClass)
    return undefined
  }

  /** Answers first, then merges. */
  respond(message: PushPullMessage, from: Endpoint, reply: (message: StreamMessage) => void): void {
    const { join, userState } = message
    const at = addressToText(from.addr)
    const peerClass = this.#onlyClass(message.nodes, (node) => addressToText(node.endpoint.addr) === at)
    const exchange = { join, remoteState: userState, peerClass }
    reply(this.#message(join, this.#deps.delegate.localState(exchange)))
    this.#merge(message, userState, peerClass)
  }

  #message(join: boolean, userState: Uint8Array): PushPullMessage {
    return { kind: 'push-pull', join, nodes: this.#deps.machine.nodeRecords(), userState }
  }

  #merge(
    message: PushPullMessage,
    remoteState: Uint8Array | undefined,
    peerClass: PeerClass | undefined,
  ): void {
    const { machine, delegate, nowMs, merged } = this.#deps
    machine.mergeNodes(nowMs(), message.nodes, message.join)
    if (message.userState.length > 0) {
      delegate.mergeRemoteState(message.userState, { join: message.join, remoteState, peerClass })
    }
    merged()
  }

  #classOfMember(to: Endpoint): PeerClass | undefined {
    const at = endpointToText(to)
    const members = this.#deps.machine.members()
    // A dead one says nothing of who listens there now.
    return members.find(
      ({ isSelf, liveness, endpoint }) =>
        !isSelf && liveness !== 'dead' && liveness !== 'left' && endpointToText(endpoint) === at,
    )?.peerClass
  }

  /** The class that all live records chosen share. */
  #onlyClass(nodes: readonly NodeRecord[], chosen: (node: NodeRecord) => boolean): PeerClass | undefined {
    const { classify, selfName } = this.#deps
    let common: PeerClass | undefined
    for (const node of nodes) {
      if (node.name === selfName || node.liveness === 'dead' || node.liveness === 'left' || !chosen(node))
        continue
      const peerClass = classify(node.meta)
      if (common !== undefined && common !== peerClass) return undefined
      common = peerClass
    }
    return common
  }
}
