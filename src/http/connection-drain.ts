/**
 * Closing an HTTP server without dropping a request: nobody new is let in, and who is there is asked to go.
 *
 * Closing a connection that is kept alive is a gamble: the next request may be on its way, and its sender cannot tell
 * whether it was taken. So from the stop on every answer carries `Connection: close`, those that are under way included,
 * and the client knows before it sends again. What is left are connections that were quiet at the stop: who sends nothing
 * for another 500 ms has nothing on its way and is closed, and so is who never sent a byte, and who got the end of an answer
 * whose head was out before the stop. Requests that are coming or being answered are waited for, however long they take: the
 * caller has the budget.
 *
 * Nothing here costs a request anything before the stop.
 */
import { type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http'
import { Server, type Socket } from 'node:net'

const QUIET_MS = 500

export class ConnectionDrain {
  readonly #server: HttpServer
  /** With TLS both the connection and what is read from it. */
  readonly #sockets = new Set<Socket>()
  #closed: Promise<void> | undefined

  /** @param server that does not listen yet */
  constructor(server: HttpServer) {
    this.#server = server
    const keep = (socket: Socket): void => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    }
    server.on('connection', keep)
    server.on('secureConnection', keep)
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

  /** Closes what is left, whatever it is at: also who never came to the end of a TLS handshake. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async #stop(): Promise<void> {
    const server = this.#server
    if (!server.listening) return
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      response.shouldKeepAlive = false
    })
    for (const socket of this.#sockets) {
      const response = answerUnderWay(socket)
      if (response === undefined) continue
      response.shouldKeepAlive = false
      // Its head has said otherwise already, and who keeps the connection may send nothing on it for minutes.
      if (response.headersSent) response.once('close', () => closeWhenQuiet(socket))
    }
    // What came while this process was busy is read before anybody is called quiet.
    const quiet = setTimeout(() => setImmediate(() => this.#closeQuiet()), QUIET_MS)
    // Only that of net: that of http closes idle connections at once.
    await new Promise<void>((resolve) => Server.prototype.close.call(server, () => resolve()))
    clearTimeout(quiet)
  }

  #closeQuiet(): void {
    this.#server.closeIdleConnections()
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

function closeWhenQuiet(socket: Socket): void {
  const { bytesRead } = socket
  setTimeout(() => {
    setImmediate(() => {
      if (socket.bytesRead === bytesRead) socket.destroy()
    })
  }, QUIET_MS).unref()
}

/** Node keeps it there, for its own `closeIdleConnections` among others. Were it gone, one more request would be let in. */
function answerUnderWay(socket: Socket): ServerResponse | undefined {
  const response: unknown = Reflect.get(socket, '_httpMessage')
  return response instanceof ServerResponse ? response : undefined
}
