/**
 * An in-process network: the same two ways of transport.ts between objects of one program.
 *
 * For embedders who run several replicas in one process, and for tests. It keeps the promises of the real one and no
 * better: bytes are copied at the sender's door, everything arrives in a later turn, a datagram over the limit is
 * refused, one to nobody vanishes, and a dial to nobody fails. `filter` loses datagrams on purpose, by direction.
 *
 * Numbers: 65,507 bytes a datagram, UDP's limit over IPv4.
 *
 * Not handled here: delay, doubling and reordering, which the simulator does under virtual time.
 */
import { assert } from '../base/assert.ts'
import { HearsayError } from '../base/errors.ts'
import { type Endpoint, endpointKey } from './core/endpoint.ts'
import { endpointToText } from './io/endpoint-text.ts'
import type { ReliableStream, StreamListener, Transport, TransportHandler } from './io/transport.ts'

const DATAGRAM_BYTES_MAX = 65_507
const EPHEMERAL_PORT_FIRST = 49_152
const EPHEMERAL_PORTS = 16_384

export interface MemoryNetworkOptions {
  /** False loses the datagram. Streams are not asked. */
  readonly filter?: (from: Endpoint, to: Endpoint) => boolean
}

/** One half of a stream: `events` are what this half will hear, in order, one a turn. */
class MemoryStream implements ReliableStream {
  readonly remote: Endpoint
  peer: MemoryStream | undefined
  #listener: StreamListener | undefined
  #chunks: Uint8Array[] = []
  #ended = false
  #closed = false
  #delivering = false
  #isPaused = false
  #peerEnded = false

  constructor(remote: Endpoint) {
    this.remote = remote
  }

  listen(listener: StreamListener): void {
    this.#listener = listener
  }

  send(bytes: Uint8Array): void {
    if (!this.#ended && !this.#closed) this.peer?.receive(bytes.slice())
  }

  /** Like a socket without half-open: the other side finishes as soon as it hears of our end. */
  end(): void {
    if (this.#ended || this.#closed) return
    this.#ended = true
    this.peer?.receiveEnd()
    this.#schedule()
  }

  destroy(): void {
    const peer = this.peer
    this.fail(undefined)
    peer?.fail(new HearsayError('GOSSIP_STREAM_RESET', `${endpointToText(peer.remote)} dropped the stream`))
  }

  /** What the other half has not heard. */
  get unsentBytes(): number {
    return this.peer?.unheardBytes ?? 0
  }

  get unheardBytes(): number {
    return this.#chunks.reduce((bytes, chunk) => bytes + chunk.length, 0)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#schedule()
  }

  receive(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#schedule()
  }

  receiveEnd(): void {
    this.#peerEnded = true
    this.#schedule()
  }

  /** Closes with what was delivered so far, in a later turn. */
  fail(error: Error | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.peer = undefined
    this.#chunks = []
    setImmediate(() => this.#listener?.closed(error))
  }

  #schedule(): void {
    if (this.#delivering || this.#closed) return
    this.#delivering = true
    setImmediate(() => this.#deliver())
  }

  #deliver(): void {
    this.#delivering = false
    if (this.#closed || this.#isPaused) return
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#listener?.data(chunk)
      this.#schedule()
      return
    }
    if (!this.#peerEnded) return
    this.end()
    this.fail(undefined)
  }
}

class MemoryTransport implements Transport {
  readonly #network: MemoryNetwork
  readonly #streams = new Set<ReliableStream>()
  #address: Endpoint
  #handler: TransportHandler | undefined
  #closed = false

  constructor(network: MemoryNetwork, address: Endpoint) {
    this.#network = network
    this.#address = address
  }

  async bind(handler: TransportHandler): Promise<Endpoint> {
    assert(this.#handler === undefined && !this.#closed, 'a transport is bound once')
    this.#address = this.#network.attach(this.#address, this)
    this.#handler = handler
    return this.#address
  }

  sendPacket(to: Endpoint, bytes: Uint8Array): void {
    if (this.#closed) return
    if (bytes.length > DATAGRAM_BYTES_MAX) {
      const error = new HearsayError('GOSSIP_PACKET_TOO_LARGE', `${bytes.length} bytes do not fit a datagram`)
      setImmediate(() => {
        if (!this.#closed) this.#handler?.packetFailed(to, error)
      })
      return
    }
    const copy = bytes.slice()
    if (this.#network.passes(this.#address, to)) {
      setImmediate(() => this.#network.at(to)?.deliver(copy, this.#address))
    }
  }

  deliver(bytes: Uint8Array, from: Endpoint): void {
    if (!this.#closed) this.#handler?.packet(bytes, from)
  }

  dial(to: Endpoint, listener: StreamListener): ReliableStream {
    const near = new MemoryStream(to)
    this.#own(near, listener)
    const target = this.#closed ? undefined : this.#network.at(to)
    if (target === undefined) {
      near.fail(new HearsayError('GOSSIP_STREAM_REFUSED', `nobody listens on ${endpointToText(to)}`))
    } else {
      const far = new MemoryStream(this.#network.ephemeral(this.#address))
      near.peer = far
      far.peer = near
      setImmediate(() => target.accept(far))
    }
    return near
  }

  accept(stream: MemoryStream): void {
    if (this.#closed || this.#handler === undefined) stream.destroy()
    else this.#own(stream, this.#handler.accept(stream))
  }

  #own(stream: MemoryStream, listener: StreamListener): void {
    this.#streams.add(stream)
    stream.listen({
      data: (chunk) => listener.data(chunk),
      closed: (error) => {
        this.#streams.delete(stream)
        listener.closed(error)
      },
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#handler !== undefined) this.#network.detach(this.#address)
    for (const stream of this.#streams) stream.destroy()
  }
}

/** Every transport made by one network reaches the others of it, and nobody else. */
export class MemoryNetwork {
  readonly #filter: (from: Endpoint, to: Endpoint) => boolean
  readonly #transports = new Map<string, MemoryTransport>()
  #nextPort = 0

  constructor(options: MemoryNetworkOptions = {}) {
    this.#filter = options.filter ?? (() => true)
  }

  /** @param address where it will listen once bound; port 0 draws a free one */
  transport(address: Endpoint): Transport {
    return new MemoryTransport(this, address)
  }

  /** An endpoint of this address with a port that nobody listens on. */
  ephemeral(address: Endpoint): Endpoint {
    for (;;) {
      const port = EPHEMERAL_PORT_FIRST + (this.#nextPort++ % EPHEMERAL_PORTS)
      const endpoint = { addr: address.addr, port }
      if (!this.#transports.has(endpointKey(endpoint))) return endpoint
    }
  }

  /** @throws HearsayError `GOSSIP_PORT_BUSY` */
  attach(address: Endpoint, transport: MemoryTransport): Endpoint {
    const endpoint = address.port === 0 ? this.ephemeral(address) : address
    const key = endpointKey(endpoint)
    if (this.#transports.has(key)) {
      throw new HearsayError('GOSSIP_PORT_BUSY', `gossip address ${endpointToText(endpoint)} is in use`)
    }
    this.#transports.set(key, transport)
    return endpoint
  }

  detach(endpoint: Endpoint): void {
    this.#transports.delete(endpointKey(endpoint))
  }

  at(endpoint: Endpoint): MemoryTransport | undefined {
    return this.#transports.get(endpointKey(endpoint))
  }

  passes(from: Endpoint, to: Endpoint): boolean {
    return this.#filter(from, to)
  }
}
