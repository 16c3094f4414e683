/**
 * TLS of a listener that changes while it runs: new handshakes use the certificate of now, and each is judged by the rules
 * of now before HTTP sees a byte of it.
 *
 * Node verifies a client certificate and, unless told otherwise, goes on whatever it found; so what a policy asks for is
 * decided here, on the socket, once. When it changes whose certificates are taken, every connection is ended, those in the
 * middle of a handshake as well: a client that may still come in comes back at once.
 */
import type { Server } from 'node:http'
import { Server as HttpsServer, type ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { Sample } from './metrics/registry.ts'

/** Whoever has not ended its handshake by then never will. */
const HANDSHAKE_TIMEOUT_MS = 10_000

export interface TlsRules {
  readonly context: SecureContextOptions
  /** Whether a certificate is asked of clients; never changes. */
  readonly asksClients: boolean
  /** Whether Node itself refuses those that no authority signed; never changes. */
  readonly verifiesClients: boolean
  /** Whether this one may come in, after its handshake. */
  readonly admits: (socket: TLSSocket) => boolean
  /** Differs when other clients may come in. */
  readonly clients: string
}

export class TlsGuard {
  #rules: TlsRules
  readonly #handshakeTimeoutMs: number
  #server: HttpsServer | undefined
  readonly #sockets = new Set<Socket>()
  #failedHandshakes = 0
  #refusedCertificates = 0

  /** @param handshakeTimeoutMs tests have less time */
  constructor(rules: TlsRules, handshakeTimeoutMs: number = HANDSHAKE_TIMEOUT_MS) {
    this.#rules = rules
    this.#handshakeTimeoutMs = handshakeTimeoutMs
  }

  /** For `https.createServer`. */
  get serverOptions(): ServerOptions {
    const { context, asksClients, verifiesClients } = this.#rules
    return {
      ...context,
      requestCert: asksClients,
      rejectUnauthorized: verifiesClients,
      handshakeTimeout: this.#handshakeTimeoutMs,
    }
  }

  /** To be called once, before the server listens. */
  attach(server: Server): void {
    if (!(server instanceof HttpsServer)) return
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    // Before the listener by which HTTP takes the socket.
    server.prependListener('secureConnection', (socket) => {
      if (this.#rules.admits(socket)) return
      this.#refusedCertificates += 1
      socket.destroy()
    })
    // Instead of the listener by which HTTP would answer, and wait for ever to be heard where there is no session.
    server.removeAllListeners('tlsClientError')
    server.on('tlsClientError', (_error, socket) => {
      this.#failedHandshakes += 1
      socket.destroy()
    })
  }

  /** From now on. @throws what `setSecureContext` throws; nothing has changed then */
  change(rules: TlsRules): void {
    this.#server?.setSecureContext(rules.context)
    const isOther = rules.clients !== this.#rules.clients
    this.#rules = rules
    if (!isOther) return
    for (const socket of this.#sockets) socket.destroy()
  }

  *samples(): Iterable<Sample> {
    yield {
      name: 'hearsay_http_tls_refused_total',
      value: this.#failedHandshakes,
      labels: { reason: 'handshake' },
    }
    yield {
      name: 'hearsay_http_tls_refused_total',
      value: this.#refusedCertificates,
      labels: { reason: 'certificate' },
    }
  }
}
