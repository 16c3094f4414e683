/**
 * The answer to a ping: an ack, and in it what our delegate has to tell a member of our own kind.
 *
 * A probe a second and member makes acks the cheapest place for a few bytes that must be compared often: a digest of
 * the state, a clock. The payload goes only where it will be read: to a live native member that the ping names as its
 * sender, at that member's own address, and when the ping was meant for us by name. Serf rejects payloads it does not
 * know, and Alertmanager has no use for one, so both get the nil they expect; so does whoever borrows a native's name.
 *
 * A helper that pings us for somebody else is answered like any sender; it passes on the ack without the payload.
 */
import type { GossipConfig } from './config.ts'
import type { Dissemination } from './dissemination.ts'
import { type Endpoint, placeKey } from './endpoint.ts'
import { isLive, type Members } from './members.ts'
import type { PingMessage } from './messages.ts'
import type { NameConflicts } from './name-conflicts.ts'
import type { Outbox } from './outbox.ts'
import type { PathWatch } from './path-watch.ts'
import { replyAddress } from './reply-address.ts'

/** Bytes of a payload; a longer one is left out of the ack, ours and theirs. */
export const ACK_PAYLOAD_BYTES_MAX = 128

/** Our payload for the ack to this member; empty for none. Must not throw, nor call the machine. */
export type AckPayloadSource = (peer: string) => Uint8Array

export interface PingAnswerDeps {
  readonly config: GossipConfig
  readonly members: Members
  readonly dissemination: Dissemination
  readonly outbox: Outbox
  readonly ackPayload: AckPayloadSource
  readonly conflicts: NameConflicts
  readonly paths: PathWatch
}

const NO_PAYLOAD = new Uint8Array(0)

export class PingAnswer {
  readonly #deps: PingAnswerDeps

  constructor(deps: PingAnswerDeps) {
    this.#deps = deps
  }

  /** @param from the datagram's source */
  answer(nowMs: number, message: PingMessage, from: Endpoint): void {
    const { config, members, dissemination, outbox, paths, conflicts } = this.#deps
    if (message.node !== '' && message.node !== config.name) {
      outbox.note('debug', 'ping_for_another', { node: message.node.slice(0, 64) })
      return
    }
    this.#checkName(nowMs, message)
    const { to, listener } = replyAddress(members, message.source, from)
    if (listener !== undefined) {
      paths.heardPacket(nowMs, listener)
      if (message.node !== '') conflicts.pingedByMember(nowMs)
    }
    const ack = outbox.encode({ kind: 'ack', seqNo: message.seqNo, payload: this.#payload(message, to) })
    const piggyback = listener === undefined ? [] : dissemination.piggyback(ack.length, 1, listener)
    outbox.packet(to, [ack, ...piggyback])
  }

  /** Whoever pings under a member's name from elsewhere goes by the same name. */
  #checkName(nowMs: number, message: PingMessage): void {
    const { members, conflicts } = this.#deps
    const { source, sourceNode = '' } = message
    const member = members.get(sourceNode)
    if (member === undefined || !isLive(member) || source === undefined || source.port === 0) return
    if (member.isSelf) conflicts.pinged(nowMs, message, member)
    else conflicts.seen(nowMs, member, source, true)
  }

  #payload({ node, sourceNode }: PingMessage, to: Endpoint): Uint8Array {
    const { config, members, outbox, ackPayload } = this.#deps
    const peer = node === config.name && sourceNode !== undefined ? members.get(sourceNode) : undefined
    const reads =
      peer?.peerClass === 'native' && !peer.isSelf && isLive(peer) && placeKey(peer.endpoint) === placeKey(to)
    if (!reads) return NO_PAYLOAD
    const payload = ackPayload(peer.name)
    if (payload.length <= ACK_PAYLOAD_BYTES_MAX) return payload
    outbox.note('warn', 'ack_payload_too_long', { bytes: payload.length, limit: ACK_PAYLOAD_BYTES_MAX })
    return NO_PAYLOAD
  }
}
