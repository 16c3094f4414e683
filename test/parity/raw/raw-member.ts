/**
 * A member made of two bare sockets, UDP and TCP on one port: it keeps every datagram it gets, answers pings unless told
 * not to, and does nothing of its own accord.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { until } from '../../support/until.ts'
import {
  encryptedPacket,
  labelHeader,
  type Message,
  message,
  openPacket,
  type Packet,
  TYPE,
} from './packets.ts'
import { encryptedStream, type NodeEntry, openStream, pushPull, type StreamReply } from './streams.ts'

export const LOOPBACK: Buffer = Buffer.of(127, 0, 0, 1)
const VSN = Buffer.of(1, 5, 2, 0, 0, 0)

/** Numbers of pings that only wait for what was sent before them are above this. */
const FENCES = 1_000_000

export interface RawMemberOptions {
  readonly name?: string
  readonly key?: Uint8Array
  /** Bytes of Vsn. */
  readonly vsn?: Uint8Array
  readonly label?: string
}

export interface Received extends Packet {
  readonly fromPort: number
}

/** A request that came by stream, and its bytes as they came. */
export interface RawRequest extends StreamReply {
  readonly bytes: Buffer
}

/** Where to; every subject listens on loopback. */
export interface To {
  readonly port: number
}

export class RawMember {
  readonly name: string
  readonly vsn: Uint8Array
  readonly packets: Received[] = []
  /** What came by stream. */
  readonly requests: RawRequest[] = []
  /** Packets and requests that no memberlist program may send; a test with any fails. */
  readonly faults: Error[] = []
  /** By packet, as every member does. */
  answersPings = true
  /** What a stream request is answered with; undefined: nothing, and the connection stays open. */
  answersStream: (request: StreamReply) => Uint8Array | undefined = () => undefined
  #lastFence = FENCES
  readonly #udp: UdpSocket
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #keys: readonly Uint8Array[]
  readonly #label: string

  private constructor(udp: UdpSocket, server: Server, options: RawMemberOptions) {
    this.name = options.name ?? `raw-${udp.address().port}`
    this.vsn = options.vsn ?? VSN
    this.#keys = options.key === undefined ? [] : [options.key]
    this.#label = options.label ?? ''
    this.#udp = udp
    this.#server = server
    udp.on('message', (bytes, { port }) => this.#guard(() => this.#packet(bytes, port)))
    server.on('connection', (socket) => this.#serve(socket))
  }

  static async open(options: RawMemberOptions = {}): Promise<RawMember> {
    for (;;) {
      const udp = createSocket('udp4')
      const server = createServer({ allowHalfOpen: true })
      udp.bind(0, '127.0.0.1')
      await once(udp, 'listening')
      try {
        server.listen(udp.address().port, '127.0.0.1')
        await once(server, 'listening')
        return new RawMember(udp, server, options)
      } catch {
        // The same number is taken on TCP: draw another.
        udp.close()
      }
    }
  }

  get port(): number {
    return this.#udp.address().port
  }

  /** As push-pulls and alives of ours list us. */
  entry(over: Partial<NodeEntry> = {}): NodeEntry {
    return {
      Addr: LOOPBACK,
      Incarnation: 1,
      Meta: null,
      Name: this.name,
      Port: this.port,
      State: 0,
      Vsn: this.vsn,
      ...over,
    }
  }

  /** An alive message about ourselves. */
  alive(over: Partial<NodeEntry> = {}): Buffer {
    const { Addr, Incarnation, Meta, Name, Port, Vsn } = this.entry(over)
    return message(TYPE.alive, { Addr, Incarnation, Meta, Node: Name, Port, Vsn })
  }

  /** A ping that names us as its source. */
  ping(seqNo: number, over: Readonly<Record<string, string | number | Uint8Array>> = {}): Buffer {
    return message(TYPE.ping, {
      SeqNo: seqNo,
      SourceAddr: LOOPBACK,
      SourceNode: this.name,
      SourcePort: this.port,
      ...over,
    })
  }

  /** One datagram of exactly these bytes. */
  sendBytes(to: To, bytes: Uint8Array): void {
    this.#udp.send(bytes, to.port, '127.0.0.1')
  }

  /** A message under our own label and key. */
  send(to: To, bytes: Uint8Array): void {
    const [key] = this.#keys
    const packet =
      key === undefined
        ? Buffer.concat([labelHeader(this.#label), bytes])
        : encryptedPacket(bytes, key, { label: this.#label })
    this.sendBytes(to, packet)
  }

  /** All messages of one type that have arrived by packet, in order. */
  messages(type: number): readonly Message[] {
    return this.packets.flatMap(({ parts }) => parts.filter((part) => part.type === type))
  }

  /** The first packet with such a message, past or to come. */
  async packetWith(type: number, matches: (message: Message) => boolean = () => true): Promise<Received> {
    const find = (): Received | undefined =>
      this.packets.find(({ parts }) => parts.some((part) => part.type === type && matches(part)))
    await until(() => find() !== undefined)
    return find() as Received
  }

  /** The first such message, past or to come. */
  async message(type: number, matches: (message: Message) => boolean = () => true): Promise<Message> {
    const { parts } = await this.packetWith(type, matches)
    return parts.find((part) => part.type === type && matches(part)) as Message
  }

  /** The first stream that came, past or to come. */
  async firstRequest(): Promise<RawRequest> {
    await until(() => this.requests.length > 0)
    return this.requests[0] as RawRequest
  }

  ack(seqNo: number): Promise<Received> {
    return this.packetWith(TYPE.ack, ({ body }) => body.SeqNo === seqNo)
  }

  /** Sequence numbers of the acks so far, once a last ping has been answered: datagrams on loopback keep their order. */
  async acksUpToNow(to: To): Promise<readonly unknown[]> {
    const last = ++this.#lastFence
    this.send(to, this.ping(last))
    await this.ack(last)
    return this.messages(TYPE.ack).flatMap(({ body }) => (Number(body.SeqNo) > FENCES ? [] : [body.SeqNo]))
  }

  /** Writes exactly these chunks, each once the one before is out. @returns what came back until the other side closed */
  stream(to: To, ...chunks: readonly Uint8Array[]): Promise<Buffer> {
    return this.#dial(to, chunks, false)
  }

  /** As `stream`, with an end of our own behind the bytes. */
  endedStream(to: To, ...chunks: readonly Uint8Array[]): Promise<Buffer> {
    return this.#dial(to, chunks, true)
  }

  async #dial(to: To, chunks: readonly Uint8Array[], ends: boolean): Promise<Buffer> {
    const socket = connect({ port: to.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    // A reset is a close as well.
    const ended = new Promise<void>((resolve) => {
      socket.on('end', resolve)
      socket.on('error', () => resolve())
    })
    for (const chunk of chunks) {
      await new Promise<void>((resolve) => socket.write(chunk, () => setImmediate(resolve)))
    }
    if (ends) socket.end()
    await ended
    socket.destroy()
    return Buffer.concat(received)
  }

  /** One request under our own label and key. */
  async request(to: To, bytes: Uint8Array): Promise<StreamReply> {
    const [key] = this.#keys
    const request =
      key === undefined
        ? Buffer.concat([labelHeader(this.#label), bytes])
        : encryptedStream(bytes, key, { label: this.#label })
    return openStream(await this.stream(to, request), this.#keys, this.#label)
  }

  /** Joins by one push-pull that also tells of `others`. */
  async join(to: To, others: readonly NodeEntry[] = []): Promise<StreamReply> {
    return this.request(to, pushPull([this.entry(), ...others], true))
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all([
      new Promise<void>((resolve) => this.#udp.close(() => resolve())),
      new Promise<void>((resolve) => this.#server.close(() => resolve())),
    ])
  }

  #guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.faults.push(error as Error)
    }
  }

  #packet(bytes: Buffer, fromPort: number): void {
    const packet = openPacket(bytes, this.#keys)
    this.packets.push({ ...packet, fromPort })
    if (!this.answersPings) return
    for (const { type, body } of packet.parts) {
      if (type === TYPE.ping) this.send({ port: fromPort }, ackTo(body.SeqNo))
    }
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.on('end', () => socket.end())
    let bytes: Buffer = Buffer.alloc(0)
    let answered = false
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      this.#guard(() => {
        const request = answered ? undefined : this.#readRequest(bytes)
        if (request === undefined) return
        answered = true
        this.requests.push({ ...request, bytes })
        const answer = this.answersStream(request)
        if (answer !== undefined) socket.end(answer)
      })
    })
  }

  #readRequest(bytes: Buffer): StreamReply | undefined {
    const headerBytes = bytes[0] === TYPE.label ? 2 + (bytes[1] ?? 0) : 0
    try {
      return openStream(bytes.subarray(headerBytes), this.#keys, this.#label)
    } catch (error) {
      if (error instanceof RangeError) return undefined
      throw error
    }
  }
}

/** An ack as others write it. */
export function ackTo(seqNo: unknown): Buffer {
  return message(TYPE.ack, { Payload: null, SeqNo: Number(seqNo) })
}
