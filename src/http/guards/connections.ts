/**
 * All client connections of a server: how many there may be, in all and of one address, and an end for those that keep us
 * waiting. Looked at twice a second, a few hundred nanoseconds each.
 *
 * Node itself cuts slow headers, requests that are too long on their way, and idle connections. It does not cut a body of
 * which a byte comes now and then, nor an answer that nobody reads; and it counts connections only in all.
 *
 * When answers that wait for their readers take too much memory together, those with most to read are cut first.
 */
import type { IncomingMessage } from 'node:http'
import type { Server, Socket } from 'node:net'
import { clientOf } from '../client-address.ts'
import { type AddressUse, AddressUses } from './address-use.ts'
import { Connection } from './connection.ts'
import type { GuardLimits } from './guard-limits.ts'
import { parserAnswer } from './parser-answer.ts'
import type { RefusalReason, Refusals } from './refusals.ts'

export class Connections {
  readonly #limits: GuardLimits
  readonly #refusals: Refusals
  readonly #bySocket = new Map<Socket, Connection>()
  readonly #addresses = new AddressUses()
  #open = 0

  constructor(limits: GuardLimits, refusals: Refusals) {
    this.#limits = limits
    this.#refusals = refusals
  }

  get open(): number {
    return this.#open
  }

  /** Undefined in tests that inject requests. */
  of(request: IncomingMessage): Connection | undefined {
    return this.#bySocket.get(request.socket)
  }

  attach(server: Server): void {
    server.maxConnections = this.#limits.connectionsMax
    server.on('drop', () => this.#refusals.count('connections'))
    server.on('connection', (socket: Socket) => this.#admit(socket))
    // With TLS the one that is read and written is another one, over the first, which is counted already.
    server.on('secureConnection', (socket: Socket) => this.#add(socket, this.#addresses.of(keyOf(socket))))
  }

  #admit(socket: Socket): void {
    const address = this.#addresses.add(keyOf(socket))
    this.#open++
    socket.once('close', () => {
      this.#open--
      this.#addresses.remove(address)
    })
    this.#add(socket, address)
    const { connectionsMax, addressShare, addressConnectionsLeast } = this.#limits
    if (address.connections <= Math.max(addressConnectionsLeast, Math.floor(connectionsMax * addressShare)))
      return
    this.#refusals.count('connections-of-address')
    socket.destroy()
  }

  #add(socket: Socket, address: AddressUse): void {
    this.#bySocket.set(socket, new Connection(socket, address))
    socket.once('close', () => this.#bySocket.delete(socket))
  }

  /** One look at all of them. */
  sweep(nowMs: number): void {
    let unsentBytes = 0
    for (const connection of this.#bySocket.values()) {
      const verdict = connection.judge(nowMs, this.#limits)
      if (verdict === 'slow-body') this.hangUp(connection.socket, 'slow-body', parserAnswer('slow-body'))
      else if (verdict === 'slow-reader') this.#cut(connection, verdict)
      else if (verdict === 'gone') connection.socket.destroy()
      unsentBytes += connection.unsentBytes
    }
    if (unsentBytes > this.#limits.answerMemoryBytesMax) this.#makeRoom(unsentBytes)
  }

  /** Tells why, if that can be told, and ends the connection. */
  hangUp(socket: Socket, reason: RefusalReason, text: string): void {
    const connection = this.#bySocket.get(socket)
    if (connection === undefined) socket.end(text)
    if (connection?.hangUp(text) !== false) this.#refusals.count(reason)
  }

  #makeRoom(unsentBytes: number): void {
    let left = unsentBytes
    const largestFirst = [...this.#bySocket.values()].sort((a, b) => b.unsentBytes - a.unsentBytes)
    for (const connection of largestFirst) {
      if (left <= this.#limits.answerMemoryBytesMax) return
      left -= connection.unsentBytes
      this.#cut(connection, 'answer-memory')
    }
  }

  #cut(connection: Connection, reason: RefusalReason): void {
    this.#refusals.count(reason)
    connection.socket.destroy()
  }
}

function keyOf(socket: Socket): string {
  return clientOf(socket.remoteAddress)
}
