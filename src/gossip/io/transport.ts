/**
 * Transport: the two ways in which one gossip peer reaches another, and nothing else.
 *
 * A packet is a postcard: small, quick, may be lost, doubled or overtaken, and nobody tells. A stream is a phone call:
 * ordered and complete, or visibly broken. memberlist needs exactly these two (memberlist's transport.go), both on the
 * same port of the same address.
 *
 * Peers are named by `Endpoint` records, never by text. Events arrive through one handler given at `bind`, so a
 * transport cannot lose an early datagram for want of a listener.
 *
 * Not handled here: deadlines, limits on concurrency, retries and the meaning of bytes. Those belong to the driver, so
 * that every transport stays small. `test/contract/transport.contract.ts` is what an implementation must pass.
 */
import type { Endpoint } from '../core/endpoint.ts'

/** What the owner of one end of a stream hears. */
export interface StreamListener {
  /** A plain Uint8Array (never a Buffer) that the listener may keep. */
  data(chunk: Uint8Array): void
  /** Exactly once, and last. `error` is undefined when both sides finished in order, whoever finished first. */
  closed(error: Error | undefined): void
}

/** One end of a reliable stream. Every method is harmless after the stream has closed. */
export interface ReliableStream {
  readonly remote: Endpoint
  /** In order, after what was sent before; held until connected. */
  send(bytes: Uint8Array): void
  /** Bytes given to `send` that the host has not taken: they wait for the other side to read. */
  readonly unsentBytes: number
  /** The listener hears no data until `resume`, but for what was under way; it stays with the host and the sender. */
  pause(): void
  resume(): void
  /** Nothing more will be sent. What was sent still arrives; `closed` follows when the other side finishes as well. */
  end(): void
  /** Drops the stream at once, in both directions, with whatever has not left yet. */
  destroy(): void
}

/** What the owner of a transport hears from others. */
export interface TransportHandler {
  /** A plain Uint8Array (never a Buffer) that the handler may keep. */
  packet(bytes: Uint8Array, from: Endpoint): void
  /** The host refused to send: too large, no route, address family without a socket. */
  packetFailed(to: Endpoint, error: Error): void
  /** Somebody dialled us. The listener returned hears the stream from its first byte. */
  accept(stream: ReliableStream): StreamListener
}

export interface Transport {
  /**
   * Opens both ways in on one address and port, once.
   * @returns where we listen, the port chosen when 0 was asked
   * @throws HearsayError `GOSSIP_PORT_BUSY` when another socket holds the port, `GOSSIP_BIND_FAILED` otherwise
   */
  bind(handler: TransportHandler): Promise<Endpoint>
  /** Sent from the bound port. Never throws: failures that the host reports go to `packetFailed`. */
  sendPacket(to: Endpoint, bytes: Uint8Array): void
  /** Never throws: a failure to connect is `closed(error)`, in a later turn. */
  dial(to: Endpoint, listener: StreamListener): ReliableStream
  /** Closes the port and destroys every stream; idempotent. Nothing is handed to the handler afterwards. */
  close(): Promise<void>
}
