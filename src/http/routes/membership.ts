/**
 * `POST /api/v1/cluster/leave` and `/join`: taking a running replica out of its cluster, bringing it back, and calling on
 * further peers.
 *
 * A join dials addresses that the caller names, so it is bounded: 64 of them, and one join at a time. It is answered when
 * every address has answered or failed, which for one that swallows connections is the TCP timeout of gossip.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import { parseHostPort } from '../../base/host-port.ts'
import type { Membership } from '../facades.ts'
import type { HttpDeps } from '../http-deps.ts'
import { HttpError } from '../problem.ts'
import { FAULTS_MAX } from '../schema-faults.ts'

const JOINED_PEERS_MAX = 64
/** A DNS name, brackets, a colon and a port. */
const ADDRESS_CHARS_MAX = 263
/** Looked up as SRV, then as A and AAAA. */
const PEER_NAME = /^[^:[\]\s/]+$/

/** No body at all reaches the schema as null. */
const JoinBody = Type.Union([
  Type.Null(),
  Type.Object(
    {
      peers: Type.Optional(
        Type.Array(Type.String({ maxLength: ADDRESS_CHARS_MAX }), {
          minItems: 1,
          maxItems: JOINED_PEERS_MAX,
        }),
      ),
    },
    { additionalProperties: false },
  ),
])
const NoBody = Type.Union([Type.Null(), Type.Object({}, { additionalProperties: false })])
const NoQuery = Type.Object({}, { additionalProperties: false })

export function membershipRoutes({
  membership,
  cluster,
}: Pick<HttpDeps, 'membership' | 'cluster'>): FastifyPluginCallback {
  const clustered = (): Membership => {
    if (membership !== undefined) return membership
    throw new HttpError('CLUSTER_NONE', 'this replica runs alone: --cluster.listen-address is empty')
  }
  let isJoining = false
  return (scope, _options, done) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()
    app.addHook('onRequest', (_request, reply, next) => {
      reply.header('cache-control', 'no-store')
      next()
    })

    app.post('/cluster/join', { schema: { body: JoinBody, querystring: NoQuery } }, async (request) => {
      const entry = clustered()
      checkPeers(request.body?.peers ?? [])
      if (isJoining) throw new HttpError('CLUSTER_BUSY', 'another join is under way; wait for its answer')
      isJoining = true
      try {
        const { reached, failed } = await entry.join(request.body?.peers)
        if (reached.length === 0 && failed.length > 0) throw nobodyJoined(failed)
        return {
          name: cluster.name,
          left: cluster.left(),
          contacted: reached,
          failed: failed.map(({ address, reason }) => ({ address, reason })),
        }
      } finally {
        isJoining = false
      }
    })

    app.post('/cluster/leave', { schema: { body: NoBody, querystring: NoQuery } }, async () => {
      await clustered().leave()
      return { name: cluster.name, left: cluster.left() }
    })
    done()
  }
}

/** @throws HttpError `HTTP_BODY_INVALID` with the place of each text that cannot be an address, before anybody is called */
function checkPeers(peers: readonly string[]): void {
  const errors = peers.flatMap((peer, index) => {
    if (isPeer(peer)) return []
    return [{ pointer: `#/peers/${index}`, detail: 'must be host:port, [ipv6]:port or a name' }]
  })
  const [first] = errors
  if (first === undefined) return
  const place = first.pointer.replace(/^.*\/(\d+)$/, 'peers[$1]')
  const extensions = { errors: errors.slice(0, FAULTS_MAX) }
  throw new HttpError('HTTP_BODY_INVALID', `${place} ${first.detail}`, extensions)
}

/** As `--cluster.peer` takes it. */
function isPeer(text: string): boolean {
  if (PEER_NAME.test(text)) return true
  try {
    const { host, port } = parseHostPort(text)
    return host !== '' && port !== 0 && /^[!-~]+$/.test(host)
  } catch {
    return false
  }
}

function nobodyJoined(failed: readonly { readonly address: string; readonly reason: string }[]): HttpError {
  const texts = failed.map(({ address, reason }) => `${address}: ${reason}`)
  return new HttpError('CLUSTER_JOIN_FAILED', `no peer could be joined: ${texts.join('; ')}`)
}
