/**
 * The helper's side of an indirect ping: ask the target on another's behalf, pass its ack on, or say that none came.
 *
 * A relay lives for one probe timeout. The nack tells the asker that we at least are reachable and well, so that a
 * missing ack is the target's fault and not the asker's. Only members are pinged: nobody can use us to reach strangers.
 * An asker that knows a member before we do still gets its nack, or it would lose health for our ignorance.
 */
import type { GossipConfig } from './config.ts'
import type { Dissemination } from './dissemination.ts'
import type { Endpoint } from './endpoint.ts'
import type { Members } from './members.ts'
import type { IndirectPingMessage } from './messages.ts'
import type { Outbox } from './outbox.ts'
import { replyAddress } from './reply-address.ts'
import type { Sequence } from './sequence.ts'
import type { Timers } from './timers.ts'

/** Relays under way at once; further requests are counted and dropped. */
export const RELAYS_MAX = 1024

interface Pending {
  readonly askerSeqNo: number
  readonly replyTo: Endpoint
  readonly nack: boolean
}

export interface RelayDeps {
  readonly config: GossipConfig
  readonly members: Members
  readonly sequence: Sequence
  readonly dissemination: Dissemination
  readonly outbox: Outbox
  readonly timers: Timers
}

export class Relay {
  readonly #deps: RelayDeps
  readonly #pending = new Map<number, Pending>()

  constructor(deps: RelayDeps) {
    this.#deps = deps
  }

  request(nowMs: number, message: IndirectPingMessage, from: Endpoint): void {
    const { config, members, sequence, dissemination, outbox, timers } = this.#deps
    const { addr, port } = message.target
    const target = { addr, port: port === 0 ? config.advertise.port : port }
    const member = members.atEndpoint(target)
    if (this.#pending.size >= RELAYS_MAX) {
      outbox.note('debug', 'relay-full', { node: message.node.slice(0, 64) })
      return
    }
    const seqNo = sequence.next()
    this.#pending.set(seqNo, {
      askerSeqNo: message.seqNo,
      replyTo: replyAddress(members, message.source, from),
      nack: message.nack,
    })
    timers.schedule(nowMs + config.probeTimeoutMs, { kind: 'relay-end', seqNo })
    if (member === undefined || member.isSelf) {
      outbox.note('debug', 'relay-to-stranger', { node: message.node.slice(0, 64) })
      return
    }
    const ping = outbox.encode({
      kind: 'ping',
      seqNo,
      node: message.node,
      source: config.advertise,
      sourceNode: config.name,
    })
    outbox.packet(target, [ping, ...dissemination.piggyback(ping.length, 1, member)])
  }

  /** Returns false when the ack belongs to no relay. */
  ack(seqNo: number): boolean {
    const pending = this.#pending.get(seqNo)
    if (pending === undefined) return false
    this.#pending.delete(seqNo)
    this.#reply(pending, 'ack')
    return true
  }

  /** The relay's time is over. */
  expire(seqNo: number): void {
    const pending = this.#pending.get(seqNo)
    this.#pending.delete(seqNo)
    if (pending?.nack) this.#reply(pending, 'nack')
  }

  #reply(pending: Pending, kind: 'ack' | 'nack'): void {
    const { members, dissemination, outbox } = this.#deps
    const { askerSeqNo: seqNo, replyTo } = pending
    const reply = outbox.encode(kind === 'ack' ? { kind, seqNo, payload: new Uint8Array() } : { kind, seqNo })
    const piggyback = dissemination.piggyback(reply.length, 1, members.atEndpoint(replyTo))
    outbox.packet(replyTo, [reply, ...piggyback])
  }
}
