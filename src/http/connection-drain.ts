/**
 * Closing an HTTP server without dropping a request: nobody new is let in, and who is there is asked to go.
 *
 * Closing a connection that is kept alive is a gamble: the next request may be on its way, and its sender cannot tell
 * whether it was taken. So from the stop on every answer carries `Connection: close`, which a client reads before it
 * sends again. Who sends nothing for 250 ms has nothing on its way and is closed; so is who never sent a byte. Requests
 * that are being answered are waited for, however long they take: the caller has the budget.
 *
 * Nothing here costs a request anything before the stop.
 */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import { Server, type Socket } from 'node:net'

const QUIET_MS = 250

export class ConnectionDrain {
  readonly #server: HttpServer
  readonly #sockets = new Set<Socket>()
  #closed: Promise<void> | undefined

  /** @param server that does not listen yet */
  constructor(server: HttpServer) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Connections open now. */
  get open(): number {
    return this.#sockets.size
  }

  /** Idempotent. */
  stopAccepting(): void {
    this.#closed ??= this.#stop()
  }

  /** Resolves when the last connection has closed. */
  async finish(): Promise<void> {
    this.stopAccepting()
    await this.#closed
  }

  async #stop(): Promise<void> {
    const server = this.#server
    if (!server.listening) return
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      response.shouldKeepAlive = false
    })
    server.keepAliveTimeout = QUIET_MS
    const quiet = setTimeout(() => {
      server.closeIdleConnections()
      for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
    }, QUIET_MS)
    // Only that of net: that of http closes idle connections at once.
    await new Promise<void>((resolve) => Server.prototype.close.call(server, () => resolve()))
    clearTimeout(quiet)
  }
}
