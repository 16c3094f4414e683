/**
 * The one door: no request is routed, parsed or answered before whoever sends it is known to be let in. It is a hook of
 * the whole app, so a new route is behind it without a word; answers to what has no route, and to paths that cannot be
 * read, come through it as well. Only what is no HTTP request at all is answered without it, with a fixed text.
 */
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Sample } from './metrics/registry.ts'
import { HttpError } from './problem.ts'
import type { Verdict, WebAccess } from './web-access.ts'

const CHALLENGE = 'Basic realm="hearsay", charset="UTF-8"'
const BUSY_RETRY_S = '1'
/** Of one connection, pipelined, while passwords are checked: who is not let in yet takes no more memory than that. */
const CHECKING_MAX = 4

export class Authentication {
  readonly #access: WebAccess
  readonly #counts: Record<Verdict, number> = { allowed: 0, missing: 0, refused: 0, busy: 0 }
  /** Requests whose passwords are being checked, by connection. */
  readonly #checking = new Map<Socket, number>()

  constructor(access: WebAccess) {
    this.#access = access
  }

  /** Calls back, at once where it can, with why the request is refused; undefined when it is not. */
  admit(request: FastifyRequest, reply: FastifyReply, done: (refusal?: HttpError) => void): void {
    for (const [name, value] of this.#access.headers) reply.header(name, value)
    if (!this.#access.admits()) {
      done(
        new HttpError('HTTP_RATE_LIMITED', 'rate_limit of the web config allows no further request just now'),
      )
      return
    }
    const { socket } = request.raw
    const checking = this.#checking.get(socket) ?? 0
    if (checking >= CHECKING_MAX) {
      done(this.#refusal('busy', reply))
      return
    }
    const verdict = this.#access.check(request.headers.authorization, socket.remoteAddress ?? '')
    if (typeof verdict === 'string') {
      done(this.#refusal(verdict, reply))
      return
    }
    this.#checking.set(socket, checking + 1)
    void verdict.then((found) => {
      this.#checked(socket)
      done(this.#refusal(found, reply))
    })
  }

  *samples(): Iterable<Sample> {
    for (const [outcome, value] of Object.entries(this.#counts)) {
      yield { name: 'hearsay_http_authentications_total', value, labels: { outcome } }
    }
  }

  #checked(socket: Socket): void {
    const left = (this.#checking.get(socket) ?? 0) - 1
    if (left > 0) this.#checking.set(socket, left)
    else this.#checking.delete(socket)
  }

  #refusal(verdict: Verdict, reply: FastifyReply): HttpError | undefined {
    this.#counts[verdict] += 1
    switch (verdict) {
      case 'allowed':
        return undefined
      case 'busy':
        reply.header('retry-after', BUSY_RETRY_S)
        return new HttpError('HTTP_AUTHENTICATION_BUSY', 'too many passwords are being checked; try again')
      case 'missing':
        reply.header('www-authenticate', CHALLENGE)
        return new HttpError('HTTP_UNAUTHENTICATED', 'this replica asks for a user and password')
      case 'refused':
        reply.header('www-authenticate', CHALLENGE)
        return new HttpError('HTTP_UNAUTHENTICATED', 'this user and password are not let in')
    }
  }
}
