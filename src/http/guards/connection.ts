/** One client connection, as the guards see it: what it sends, what it has not yet read, and how many requests wait. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { AddressUse } from './address-use.ts'
import type { GuardLimits } from './guard-limits.ts'
import { Transfer } from './transfer.ts'

export type Verdict = 'fine' | 'slow-body' | 'slow-reader' | 'gone'

export class Connection {
  readonly socket: Socket
  readonly address: AddressUse
  /** Requests that wait for their answers. */
  requests = 0
  /** Whose body is arriving, perhaps. */
  receiving: IncomingMessage | undefined
  /** What it sent cannot be trusted to mean what it seems to: nothing that follows on it is taken. */
  isCondemned = false
  /** It has had its last answer; it is closed at the second look, whether it was read or not. */
  #isHungUp = false
  #seenHungUp = false
  #bodyOf: IncomingMessage | undefined
  readonly #body = new Transfer()
  readonly #answer = new Transfer()
  #queued = 0
  #queueMoved = 0

  constructor(socket: Socket, address: AddressUse) {
    this.socket = socket
    this.address = address
  }

  /** Bytes that wait for the client to read. */
  get unsentBytes(): number {
    return this.socket.writableLength
  }

  judge(nowMs: number, limits: GuardLimits): Verdict {
    if (this.#isHungUp) {
      if (this.#seenHungUp) return 'gone'
      this.#seenHungUp = true
      return 'fine'
    }
    if (this.#isReceivingSlowly(nowMs, limits)) return 'slow-body'
    return this.#isReadSlowly(nowMs, limits) ? 'slow-reader' : 'fine'
  }

  /**
   * Says a last thing, if nothing else is being said, and is closed soon.
   * @returns false when that was so before
   */
  hangUp(text: string): boolean {
    if (this.#isHungUp) {
      this.socket.destroy()
      return false
    }
    this.#isHungUp = true
    this.#sayLast(text)
    return true
  }

  #sayLast(text: string): void {
    // It has been told already.
    if (this.isCondemned) {
      this.socket.destroySoon()
      return
    }
    // An answer in the place of that of an earlier request would be taken for it.
    const earlier = this.requests - (this.receiving?.complete === false ? 1 : 0)
    if (earlier > 0 || !this.socket.writable || this.unsentBytes > 0) this.socket.destroy()
    else this.socket.end(text)
  }

  /**
   * For an answer that comes before its request has: no more of that is read, and the connection stays for a second at
   * most. To close it at once would tell the client of a broken connection, often before it has read the answer.
   */
  linger(): void {
    const { socket } = this
    socket.destroySoon = () => {
      this.#isHungUp = true
      socket.end()
      // Only now has Node begun to read what it takes for left over.
      setImmediate(() => socket.pause())
    }
  }

  #isReceivingSlowly(nowMs: number, limits: GuardLimits): boolean {
    if (this.receiving?.complete !== false) {
      this.receiving = undefined
      this.#bodyOf = undefined
      return false
    }
    if (this.#bodyOf !== this.receiving) this.#body.rest()
    this.#bodyOf = this.receiving
    return this.#body.isStalled(this.socket.bytesRead, nowMs, limits.slowBodyMs, limits.transferBytesMin)
  }

  #isReadSlowly(nowMs: number, limits: GuardLimits): boolean {
    if (this.unsentBytes === 0) {
      this.#answer.rest()
      return false
    }
    // A chunk counts as written when all of it is; how much of it the client has taken is known to the handle alone.
    const queued = queuedIn(this.socket)
    if (queued < this.#queued) this.#queueMoved += this.#queued - queued
    this.#queued = queued
    const moved = this.socket.bytesWritten - this.unsentBytes + this.#queueMoved
    return this.#answer.isStalled(moved, nowMs, limits.slowReaderMs, limits.transferBytesMin)
  }
}

/** Bytes that libuv holds for this socket. */
function queuedIn(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null) return 0
  const size: unknown = Reflect.get(handle, 'writeQueueSize')
  return typeof size === 'number' ? size : 0
}
