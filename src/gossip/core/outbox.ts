/**
 * The way out: turns messages into packet effects and facts into notes.
 *
 * The CRC is asked for when the receiver's record says that it parses one (pMax >= 5); an address we know nothing of
 * gets none, as memberlist does.
 */
import type { PacketEncoder } from './codec.ts'
import type { Effect, EffectSink } from './effects.ts'
import type { Endpoint } from './endpoint.ts'
import type { Members } from './members.ts'
import type { PacketMessage } from './messages.ts'

/** Peers that announce at least these pMax values can do it (memberlist-wire.md 4.6). */
export const PROTOCOL_TCP_PING = 3
export const PROTOCOL_NACK = 4
export const PROTOCOL_CRC = 5

/** Receivers up to memberlist v0.2.3 multiply the count by two in 8 bits. */
export const PACKET_PARTS_MAX = 127
/** Type byte and part count of a compound packet. */
export const COMPOUND_HEADER_BYTES = 2
/** Length entry of each part. */
export const COMPOUND_PART_BYTES = 2

export class Outbox {
  readonly #encoder: PacketEncoder
  readonly #sink: EffectSink
  readonly #members: Members

  constructor(encoder: PacketEncoder, sink: EffectSink, members: Members) {
    this.#encoder = encoder
    this.#sink = sink
    this.#members = members
  }

  encode(message: PacketMessage): Uint8Array {
    return this.#encoder.encode(message)
  }

  emit(effect: Effect): void {
    this.#sink.emit(effect)
  }

  packet(to: Endpoint, parts: readonly Uint8Array[], probeSeqNo?: number): void {
    const vsn = this.#members.atEndpoint(to)?.vsn
    const crc = (vsn?.[1] ?? 0) >= PROTOCOL_CRC
    this.#sink.emit({
      type: 'packet',
      to,
      parts,
      crc,
      ...(probeSeqNo === undefined ? {} : { probeSeqNo }),
    })
  }

  /** Counted always, logged at `level`. `event` is a stable code. */
  note(
    level: 'debug' | 'info' | 'warn',
    event: string,
    fields: Readonly<Record<string, string | number>>,
  ): void {
    this.#sink.emit({ type: 'note', level, event, fields })
  }
}
