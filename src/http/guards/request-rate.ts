/**
 * `--web.rate-limit`: so many requests a second of one client address, told by the headers `RateLimit-*`. Ten thousand
 * addresses are remembered, those seen last; without a limit nothing of this exists.
 */
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { clientOf } from '../client-address.ts'
import { HttpError } from '../problem.ts'

const WINDOW_MS = 1000
const ADDRESSES_MAX = 10_000

export type RateCheck = (request: FastifyRequest, reply: FastifyReply) => Promise<HttpError | undefined>

/** @param perSecond at least 1 */
export function installRateCheck(app: FastifyInstance, perSecond: number): RateCheck {
  let check: ReturnType<FastifyInstance['createRateLimit']> | undefined
  void app.register(rateLimit, {
    global: false,
    max: perSecond,
    timeWindow: WINDOW_MS,
    cache: ADDRESSES_MAX,
    keyGenerator: (request) => clientOf(request.raw.socket.remoteAddress),
  })
  app.after(() => {
    check = app.createRateLimit()
  })
  return async (request, reply) => {
    const found = await check?.(request)
    if (found === undefined || found.isAllowed) return undefined
    reply
      .header('ratelimit-limit', perSecond)
      .header('ratelimit-remaining', found.remaining)
      .header('ratelimit-reset', found.ttlInSeconds)
    if (!found.isExceeded) return undefined
    reply.header('retry-after', found.ttlInSeconds)
    return new HttpError(
      'HTTP_RATE_LIMITED',
      `a client may ask ${perSecond} times a second (--web.rate-limit)`,
      perSecond,
    )
  }
}
