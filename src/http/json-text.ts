/** Sends text that is JSON already, past the serializer of a response schema. */
import type { FastifyReply } from 'fastify'

export function sendJsonText(
  reply: Pick<FastifyReply, 'header' | 'serializer' | 'send'>,
  json: string,
): void {
  reply.header('content-type', 'application/json; charset=utf-8').serializer(String).send(json)
}
