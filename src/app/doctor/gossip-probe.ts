/**
 * Asking a gossip address whether somebody is there, without becoming known to anybody.
 *
 * A ping that leaves the name open is answered by every memberlist program, by stream and by packet, and kept by none: no
 * member is made of its sender, no state is exchanged, nothing is logged above debug. So the doctor may knock on a healthy
 * cluster as often as it likes. A hearsay replica says its time in the answer to such a stream.
 *
 * Numbers: 1.5 s for a stream; three packets, 0.4 s each, since one may be lost.
 */
import { randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { crc32 } from 'node:zlib'
import type { Clock } from '../../base/clock.ts'
import type { Endpoint } from '../../gossip/core/endpoint.ts'
import type { PingMessage } from '../../gossip/core/messages.ts'
import { Alarms } from '../../gossip/io/alarms.ts'
import { Counters } from '../../gossip/io/counters.ts'
import { addressToText, endpointFromText } from '../../gossip/io/endpoint-text.ts'
import type { Framing } from '../../gossip/io/framing.ts'
import { exchangeTrouble, type JoinTrouble } from '../../gossip/io/join-trouble.ts'
import { StreamClient } from '../../gossip/io/stream-client.ts'
import { StreamMemory } from '../../gossip/io/stream-memory.ts'
import { Turns } from '../../gossip/io/turns.ts'
import { createUdpTcpTransport } from '../../gossip/io/udp-tcp-transport.ts'
import { encodeMessage } from '../../gossip/wire/message-codec.ts'
import { openPacket, sealPacket } from '../../gossip/wire/packet.ts'
import { plainBytes } from '../../gossip/wire/plain-bytes.ts'
import { decodeAckPayload } from '../../store/replication/ack-payload.ts'

const STREAM_TIMEOUT_MS = 1500
const PACKET_TRIES = 3
const PACKET_TIMEOUT_MS = 400
const MEMORY_BYTES = 1024 * 1024
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined }

export interface Answer {
  readonly rttMs: number
  /** Its wall clock minus ours; undefined of who does not say, as others than hearsay. */
  readonly clockOffsetMs: number | undefined
}

export interface GossipProbe {
  /** @param label instead of the cluster's */
  byStream(to: Endpoint, label?: string): Promise<Answer | JoinTrouble>
  /** @returns the round trip in ms; undefined when nothing came back that can be read */
  byPacket(to: Endpoint): Promise<number | undefined>
}

export class NamelessPings implements GossipProbe {
  readonly #clock: Clock
  readonly #framing: Framing

  constructor(clock: Clock, framing: Framing) {
    this.#clock = clock
    this.#framing = framing
  }

  async byStream(to: Endpoint, label: string = this.#framing.label): Promise<Answer | JoinTrouble> {
    const clock = this.#clock
    const alarms = new Alarms(clock, false)
    // Only dials; what is never bound is free of the port.
    const transport = createUdpTcpTransport(endpointFromText('127.0.0.1', 0))
    const memory = new StreamMemory(clock, alarms, { bytesMax: MEMORY_BYTES, timeoutMs: STREAM_TIMEOUT_MS })
    const counters = new Counters(clock, SILENT)
    const framing = { ...this.#framing, label }
    const client = new StreamClient(transport, alarms, counters, framing, memory, new Turns())
    const startedMs = clock.monotonicMs()
    const outcome = await client.ask(to, nameless(), startedMs + STREAM_TIMEOUT_MS)
    const rttMs = clock.monotonicMs() - startedMs
    alarms.stop()
    await transport.close()
    if (outcome.type === 'failed') return exchangeTrouble(outcome.reason)
    if (outcome.type === 'delivered') return exchangeTrouble('closed without a reply')
    const { message } = outcome
    if (message.kind === 'error') return { reason: `it refuses: ${message.error}`, isThere: true }
    if (message.kind !== 'ack') return { reason: `it answers a ping with ${message.kind}`, isThere: true }
    const told = decodeAckPayload(message.payload)
    // Half of the way back: to connect takes a round trip of its own.
    const nowMs = clock.wallMs() - rttMs / 4
    return { rttMs, clockOffsetMs: told === undefined ? undefined : told.wallMs - nowMs }
  }

  async byPacket(to: Endpoint): Promise<number | undefined> {
    const socket = createSocket(to.addr.length === 4 ? 'udp4' : 'udp6')
    try {
      socket.bind(0)
      await once(socket, 'listening')
      for (let i = 0; i < PACKET_TRIES; i++) {
        const rttMs = await this.#pingOnce(socket, to)
        if (rttMs !== undefined) return rttMs
      }
      return undefined
    } finally {
      socket.close()
    }
  }

  #pingOnce(socket: Socket, to: Endpoint): Promise<number | undefined> {
    const ping = nameless()
    const options = { ...this.#framing, crc: false, crc32 }
    const startedMs = this.#clock.monotonicMs()
    return new Promise((resolve) => {
      const finish = (rttMs: number | undefined): void => {
        clearTimeout(timer)
        socket.off('message', hear)
        socket.off('error', refused)
        resolve(rttMs)
      }
      const hear = (bytes: Uint8Array): void => {
        const { messages } = openPacket(plainBytes(bytes), options)
        const isAcked = messages.some((message) => message.kind === 'ack' && message.seqNo === ping.seqNo)
        if (isAcked) finish(this.#clock.monotonicMs() - startedMs)
      }
      const refused = (): void => finish(undefined)
      const timer = setTimeout(refused, PACKET_TIMEOUT_MS)
      socket.on('message', hear)
      socket.on('error', refused)
      socket.send(sealPacket([encodeMessage(ping)], options), to.port, addressToText(to.addr), (error) => {
        if (error) finish(undefined)
      })
    })
  }
}

/** No name and no sender: whoever gets it answers to where it came from. */
function nameless(): PingMessage {
  return { kind: 'ping', seqNo: randomInt(1, 2 ** 32 - 1), node: '' }
}
