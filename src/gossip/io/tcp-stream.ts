/**
 * One end of a TCP connection as a `ReliableStream`.
 *
 * What is sent leaves in pieces of 64 KiB, the next when the kernel has taken the last: so it shows how much the other
 * side still has to take, and one that takes nothing can be told from one that is slow.
 */
import type { Socket } from 'node:net'
import type { Endpoint } from '../core/endpoint.ts'
import { plainBytes } from '../wire/plain-bytes.ts'
import type { ReliableStream, StreamListener } from './transport.ts'

const PIECE_BYTES = 64 * 1024

/** Joins a socket to its listener; `error` always precedes `close` on a socket, so `closed` can name it. */
export function attach(socket: Socket, listener: StreamListener): void {
  let failure: Error | undefined
  socket.on('data', (chunk: Buffer) => listener.data(plainBytes(chunk)))
  socket.on('error', (error) => {
    failure = error
  })
  socket.on('close', () => listener.closed(failure))
}

export class TcpStream implements ReliableStream {
  readonly remote: Endpoint
  readonly #socket: Socket
  readonly #pending: Uint8Array[] = []
  #unsentBytes = 0
  #isWriting = false
  #isEnding = false

  constructor(socket: Socket, remote: Endpoint) {
    this.#socket = socket
    this.remote = remote
  }

  get unsentBytes(): number {
    return this.#unsentBytes
  }

  send(bytes: Uint8Array): void {
    if (this.#isEnding || !this.#socket.writable) return
    this.#unsentBytes += bytes.length
    this.#pending.push(bytes)
    this.#pump()
  }

  #pump(): void {
    if (this.#isWriting) return
    const next = this.#pending.shift()
    if (next === undefined) {
      if (this.#isEnding) this.#socket.end()
      return
    }
    const piece = next.subarray(0, PIECE_BYTES)
    if (next.length > piece.length) this.#pending.unshift(next.subarray(piece.length))
    this.#isWriting = true
    this.#socket.write(piece, (error) => {
      this.#isWriting = false
      this.#unsentBytes -= piece.length
      if (!error) this.#pump()
    })
  }

  end(): void {
    this.#isEnding = true
    this.#pump()
  }

  destroy(): void {
    this.#pending.length = 0
    this.#unsentBytes = 0
    this.#socket.destroy()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }
}
