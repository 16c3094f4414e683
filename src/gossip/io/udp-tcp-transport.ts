/**
 * The real transport: UDP for packets and TCP for streams, on the same port of one address, as memberlist has it.
 *
 * Everything leaves from the bound UDP socket, because old peers answer to where a packet came from.
 *
 * Numbers: socket buffers of 2 MiB are asked, halved until the kernel takes it (Linux grants what its limit allows
 * without complaint). With port 0 a TCP port is drawn first and UDP tried on it, up to 16 draws, since a free TCP port
 * may be busy in UDP.
 *
 * Not handled here: what transport.ts leaves to the driver; TLS.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, isIP, type Server, Socket } from 'node:net'
import { assert } from '../../base/assert.ts'
import { errorCode, HearsayError } from '../../base/errors.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { plainBytes } from '../wire/plain-bytes.ts'
import { addressToText, endpointFromText, endpointToText, isUnspecifiedAddress } from './endpoint-text.ts'
import { attach, TcpStream } from './tcp-stream.ts'
import type { ReliableStream, StreamListener, Transport, TransportHandler } from './transport.ts'

const SOCKET_BUFFER_BYTES = 2 * 1024 * 1024
const SOCKET_BUFFER_BYTES_MIN = 64 * 1024
const PORT_DRAWS_MAX = 16
const TCP_BACKLOG = 511

function bindError(cause: unknown, endpoint: Endpoint): HearsayError {
  const text = endpointToText(endpoint)
  if (errorCode(cause) === 'EADDRINUSE') {
    return new HearsayError('GOSSIP_PORT_BUSY', `gossip address ${text} is in use by another process`, {
      cause,
    })
  }
  const reason = errorCode(cause) ?? String(cause)
  return new HearsayError('GOSSIP_BIND_FAILED', `cannot listen for gossip on ${text}: ${reason}`, { cause })
}

/** Asks for `SOCKET_BUFFER_BYTES`, then half of it, and so on; the kernel's default stays when all are refused. */
function askBuffer(set: (bytes: number) => void): void {
  for (let bytes = SOCKET_BUFFER_BYTES; bytes >= SOCKET_BUFFER_BYTES_MIN; bytes /= 2) {
    try {
      set(bytes)
      return
    } catch {
      // Refused at this size: the next smaller one is the answer, and running with the default is no failure.
    }
  }
}

/** The address is an IP literal always: skipping the resolver keeps sends in order and in this turn. */
function literalLookup(
  host: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  done(null, host, host.includes(':') ? 6 : 4)
}

/** Peers may claim any bytes as their address; sockets throw on some of them. */
function isDialable(to: Endpoint): boolean {
  return to.port > 0 && to.port <= 65_535 && isIP(addressToText(to.addr)) !== 0
}

function listenTcp(server: Server, ip: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: ip, port, backlog: TCP_BACKLOG }, () => {
      server.off('error', reject)
      const address = server.address()
      assert(typeof address === 'object' && address !== null, 'a listening TCP server has an address')
      resolve(address.port)
    })
  })
}

function bindUdp(socket: UdpSocket, ip: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind({ address: ip, port, exclusive: true }, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}

class UdpTcpTransport implements Transport {
  readonly #address: Endpoint
  readonly #ip: string
  readonly #sockets = new Set<Socket>()
  #udp: UdpSocket | undefined
  #server: Server | undefined
  #handler: TransportHandler | undefined
  #closed = false

  constructor(address: Endpoint) {
    this.#address = address
    this.#ip = addressToText(address.addr)
  }

  async bind(handler: TransportHandler): Promise<Endpoint> {
    assert(this.#server === undefined && !this.#closed, 'a transport is bound once')
    const draws = this.#address.port === 0 ? PORT_DRAWS_MAX : 1
    let failure: unknown
    for (let draw = 0; draw < draws; draw++) {
      const server = createServer((socket) => this.#accept(socket))
      const udp = createSocket({ type: this.#ip.includes(':') ? 'udp6' : 'udp4', lookup: literalLookup })
      this.#server = server
      this.#udp = udp
      try {
        const port = await listenTcp(server, this.#ip, this.#address.port)
        await bindUdp(udp, this.#ip, port)
        return this.#open(handler, server, udp, port)
      } catch (cause) {
        failure = cause
        await this.#closeSockets()
        if (errorCode(cause) !== 'EADDRINUSE') break
      }
    }
    throw bindError(failure, this.#address)
  }

  #open(handler: TransportHandler, server: Server, udp: UdpSocket, port: number): Endpoint {
    assert(!this.#closed, 'a transport is not closed while it binds')
    this.#handler = handler
    askBuffer((bytes) => udp.setRecvBufferSize(bytes))
    askBuffer((bytes) => udp.setSendBufferSize(bytes))
    udp.on('message', (bytes, from) => {
      if (!this.#closed) handler.packet(plainBytes(bytes), endpointFromText(from.address, from.port))
    })
    // Errors of a bound socket concern single sends or accepts (the descriptor table is full, say); the port stays.
    udp.on('error', (error) => this.#report(this.#address, error))
    server.on('error', (error) => this.#report(this.#address, error))
    return endpointFromText(this.#ip, port)
  }

  #report(to: Endpoint, error: Error): void {
    if (!this.#closed) this.#handler?.packetFailed(to, error)
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket
    const handler = this.#handler
    if (handler === undefined || this.#closed || remoteAddress === undefined || remotePort === undefined) {
      socket.on('error', () => undefined)
      socket.destroy()
      return
    }
    this.#own(socket)
    attach(socket, handler.accept(new TcpStream(socket, endpointFromText(remoteAddress, remotePort))))
  }

  #own(socket: Socket): void {
    socket.setNoDelay(true)
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  sendPacket(to: Endpoint, bytes: Uint8Array): void {
    if (this.#closed || this.#udp === undefined) return
    if (!isDialable(to)) {
      const error = new HearsayError('GOSSIP_ADDRESS_MALFORMED', `cannot send to ${endpointToText(to)}`)
      queueMicrotask(() => this.#report(to, error))
      return
    }
    this.#udp.send(bytes, to.port, this.#dialText(to), (error) => {
      if (error) this.#report(to, error)
    })
  }

  /** A socket of family 6 bound to "any" reaches IPv4 hosts by their v4-mapped form. */
  #dialText(to: Endpoint): string {
    const ip = addressToText(to.addr)
    const mapped = this.#ip.includes(':') && !ip.includes(':') && isUnspecifiedAddress(this.#address.addr)
    return mapped ? `::ffff:${ip}` : ip
  }

  dial(to: Endpoint, listener: StreamListener): ReliableStream {
    const socket = new Socket()
    this.#own(socket)
    attach(socket, listener)
    if (this.#closed || !isDialable(to)) {
      socket.destroy(new HearsayError('GOSSIP_ADDRESS_MALFORMED', `cannot dial ${endpointToText(to)}`))
    } else socket.connect({ host: addressToText(to.addr), port: to.port })
    return new TcpStream(socket, to)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const socket of this.#sockets) socket.destroy()
    await this.#closeSockets()
  }

  async #closeSockets(): Promise<void> {
    const server = this.#server
    const udp = this.#udp
    this.#server = undefined
    this.#udp = undefined
    await Promise.all([
      new Promise<void>((resolve) => (server?.listening ? server.close(() => resolve()) : resolve())),
      new Promise<void>((resolve) => (udp === undefined ? resolve() : udp.close(() => resolve()))),
    ])
  }
}

/** @param address an IP literal as endpoint; port 0 draws one that is free in both UDP and TCP */
export function createUdpTcpTransport(address: Endpoint): Transport {
  return new UdpTcpTransport(address)
}
