/**
 * A stored value as the answer to a read.
 *
 * The usual answer goes to Node by way of one list of headers, past fastify's `reply.send`: of the 17 us of CPU that a read
 * takes in all, to put each header into fastify's table and to take it out again is one. Headers that hooks have left in the
 * reply go along; hooks on sending are not asked. What may not be known at once (MessagePack as JSON) is sent as everywhere else.
 */
import type { OutgoingHttpHeader } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { KvItem } from '../store/key-value.ts'
import { formatEtag, isNotModified } from './etag.ts'
import { httpDate } from './http-date.ts'
import { MSGPACK, msgpackAsJson } from './msgpack-json.ts'
import { servedType } from './served-type.ts'
import { asBuffer } from './stored-value.ts'

/** MessagePack above this takes its turn: 1 MiB of it are some 20 ms of work. */
const IMMEDIATE_BYTES_MAX = 16 * 1024
const SANDBOX = "sandbox; default-src 'none'"

/** Of a route that is marked `immediate`. */
export function sendItem(reply: FastifyReply, item: KvItem): void {
  const { headers } = reply.request
  const ifNoneMatch = headers['if-none-match']
  const isPacked = item.value.contentType === MSGPACK
  if (!isPacked && ifNoneMatch === undefined) {
    writeItem(reply, item)
    return
  }
  reply.header('etag', formatEtag(item.version))
  reply.header('last-modified', httpDate(item.updatedAtMs))
  reply.header('cache-control', 'no-cache')
  if (isPacked) reply.header('vary', 'accept')
  if (ifNoneMatch !== undefined && isNotModified(ifNoneMatch, item.version)) {
    reply.code(304).send()
    return
  }
  if (isPacked && headers.accept?.includes(MSGPACK) !== true) sendAsJson(reply, item)
  else sendAsStored(reply, item)
}

function writeItem(reply: FastifyReply, item: KvItem): void {
  const served = servedType(item.value.contentType)
  const bytes = asBuffer(item.value.bytes)
  // Into the reply as well, where those look who want to know how much was sent.
  reply.header('content-length', String(bytes.length))
  const head: OutgoingHttpHeader[] = ['etag', formatEtag(item.version)]
  head.push('last-modified', httpDate(item.updatedAtMs))
  head.push('cache-control', 'no-cache', 'content-type', served.contentType)
  if (served.needsSandbox) head.push('x-content-type-options', 'nosniff', 'content-security-policy', SANDBOX)
  const others = reply.getHeaders()
  for (const name in others) head.push(name, others[name] ?? '')
  reply.hijack()
  reply.raw.writeHead(200, head).end(bytes)
}

function sendAsJson(reply: FastifyReply, item: KvItem): void {
  const send = (): void => {
    const json = msgpackAsJson(item.value.bytes)
    if (json === undefined) sendAsStored(reply, item)
    else reply.header('content-type', 'application/json; charset=utf-8').send(json)
  }
  if (item.value.bytes.length <= IMMEDIATE_BYTES_MAX) send()
  else reply.server.inTurn(reply.request, reply, send)
}

function sendAsStored(reply: FastifyReply, item: KvItem): void {
  const served = servedType(item.value.contentType)
  reply.header('content-type', served.contentType)
  if (served.needsSandbox) {
    reply.header('x-content-type-options', 'nosniff')
    reply.header('content-security-policy', SANDBOX)
  }
  reply.send(asBuffer(item.value.bytes))
}
