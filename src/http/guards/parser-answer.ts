/** Whole answers as text, for where no request exists that fastify could answer: refused by the parser, or cut off. */
import { STATUS_CODES } from 'node:http'
import { problem } from '../problem.ts'
import type { RefusalReason } from './refusals.ts'

const WORDS: Readonly<Partial<Record<RefusalReason, readonly [code: string, detail: string]>>> = {
  headers: ['HTTP_HEADERS_TOO_LARGE', 'the headers may have at most 16384 bytes'],
  malformed: ['HTTP_REQUEST_MALFORMED', 'this is not an HTTP request that can be read'],
  'slow-request': ['HTTP_REQUEST_TIMEOUT', 'the request did not arrive in time'],
  'slow-body': ['HTTP_REQUEST_TIMEOUT', 'the body came too slowly'],
}

export function parserAnswer(reason: RefusalReason): string {
  const [code, detail] = WORDS[reason] ?? ['HTTP_REQUEST_MALFORMED', 'the request was refused']
  const body = problem(code, detail)
  const text = JSON.stringify(body)
  return (
    `HTTP/1.1 ${body.status} ${STATUS_CODES[body.status] ?? ''}\r\nContent-Type: application/problem+json\r\n` +
    `Cache-Control: no-store\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`
  )
}
