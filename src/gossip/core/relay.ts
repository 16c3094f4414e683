/**
 * The helper's side of an indirect ping: ask the target on another's behalf, pass its ack on, or say that none came.
 *
 * A relay lives for one probe timeout. The nack tells the asker that we at least are reachable and well, so that a
 * missing ack is the target's fault and not the asker's. Only members are pinged, at their own address and by their own
 * name: nobody can use us to reach strangers. An asker that knows a member before we do still gets its nack, or it would
 * lose health for our ignorance; one that asks for ourselves gets its ack at once.
 *
 * At most 1,024 relays run at once, and 64 for one asker. An asker probes one member at a time, so a handful is honest.
 */
import type { GossipConfig } from './config.ts'
import type { Dissemination } from './dissemination.ts'
import { type Endpoint, placeKey } from './endpoint.ts'
import type { Members } from './members.ts'
import type { IndirectPingMessage } from './messages.ts'
import type { Outbox } from './outbox.ts'
import { type ReplyAddress, replyAddress } from './reply-address.ts'
import type { Sequence } from './sequence.ts'
import type { Timers } from './timers.ts'

/** Relays under way at once; further requests are counted and dropped. */
export const RELAYS_MAX = 1024
/** Of these, for one asker: by the address that the datagram came from. */
export const RELAYS_PER_ASKER_MAX = 64

interface Pending {
  readonly askerSeqNo: number
  readonly asker: string
  readonly reply: ReplyAddress
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
  readonly #byAsker = new Map<string, number>()

  constructor(deps: RelayDeps) {
    this.#deps = deps
  }

  request(nowMs: number, message: IndirectPingMessage, from: Endpoint): void {
    const { config, members, dissemination, outbox } = this.#deps
    const { addr, port } = message.target
    const target = { addr, port: port === 0 ? config.advertise.port : port }
    const pending = {
      askerSeqNo: message.seqNo,
      asker: placeKey(from),
      reply: replyAddress(members, message.source, from),
      nack: message.nack,
    }
    const member = members.atEndpoint(target)
    const isMeant = member !== undefined && (message.node === '' || message.node === member.name)
    if (isMeant && member.isSelf) {
      this.#reply(pending, 'ack')
      return
    }
    const seqNo = this.#remember(nowMs, pending)
    if (seqNo === undefined) return
    if (!isMeant) {
      outbox.note('debug', 'relay_to_stranger', { node: message.node.slice(0, 64) })
      return
    }
    const ping = outbox.encode({
      kind: 'ping',
      seqNo,
      node: member.name,
      source: config.advertise,
      sourceNode: config.name,
    })
    outbox.packet(target, [ping, ...dissemination.piggyback(ping.length, 1, member)])
  }

  /** @returns our own number for it; undefined when as many run as may */
  #remember(nowMs: number, pending: Pending): number | undefined {
    const { config, sequence, outbox, timers } = this.#deps
    const ofAsker = this.#byAsker.get(pending.asker) ?? 0
    if (this.#pending.size >= RELAYS_MAX || ofAsker >= RELAYS_PER_ASKER_MAX) {
      outbox.note('debug', 'relay_full', { relays: this.#pending.size, ofAsker })
      return undefined
    }
    const seqNo = sequence.next()
    this.#pending.set(seqNo, pending)
    this.#byAsker.set(pending.asker, ofAsker + 1)
    timers.schedule(nowMs + config.probeTimeoutMs, { kind: 'relay-end', seqNo })
    return seqNo
  }

  #take(seqNo: number): Pending | undefined {
    const pending = this.#pending.get(seqNo)
    if (pending === undefined) return undefined
    this.#pending.delete(seqNo)
    const left = (this.#byAsker.get(pending.asker) ?? 1) - 1
    if (left > 0) this.#byAsker.set(pending.asker, left)
    else this.#byAsker.delete(pending.asker)
    return pending
  }

  /** Returns false when the ack belongs to no relay. */
  ack(seqNo: number): boolean {
    const pending = this.#take(seqNo)
    if (pending === undefined) return false
    this.#reply(pending, 'ack')
    return true
  }

  /** The relay's time is over. */
  expire(seqNo: number): void {
    const pending = this.#take(seqNo)
    if (pending?.nack) this.#reply(pending, 'nack')
  }

  #reply(pending: Pending, kind: 'ack' | 'nack'): void {
    const { dissemination, outbox } = this.#deps
    const { askerSeqNo: seqNo } = pending
    const { to, listener } = pending.reply
    const reply = outbox.encode(kind === 'ack' ? { kind, seqNo, payload: new Uint8Array() } : { kind, seqNo })
    outbox.packet(to, [
      reply,
      ...(listener === undefined ? [] : dissemination.piggyback(reply.length, 1, listener)),
    ])
  }
}
