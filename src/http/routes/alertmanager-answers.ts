/**
 * How Alertmanager answers on `/api/v2`: what its own handlers find wrong is a JSON string; what the framework in front
 * of them finds wrong is an object with a code, where codes of 600 and above stand for a failed validation (HTTP 422).
 * Clients depend on which is which: amtool cannot read an object where it expects a string.
 */
import type { FastifyReply } from 'fastify'

/** Codes of the framework's validation. */
export const INVALID_TYPE = 601
export const REQUIRED = 602
export const TOO_FEW_ITEMS = 612

export interface FrameworkFault {
  readonly code: number
  readonly message: string
}

/** @param text JSON already */
export function sendJsonText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json').serializer(String).send(`${text}\n`)
}

export function sendJson(reply: FastifyReply, body: unknown): FastifyReply {
  return sendJsonText(reply, JSON.stringify(body))
}

export function sendText(reply: FastifyReply, status: number, text: string): FastifyReply {
  return sendJson(reply.code(status), text)
}

export function sendFault(reply: FastifyReply, { code, message }: FrameworkFault): FastifyReply {
  const body = JSON.stringify({ code, message })
  return reply
    .code(code >= 600 ? 422 : code)
    .type('application/json')
    .serializer(String)
    .send(body)
}
