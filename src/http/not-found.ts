/** What is answered where no route is: why, and where the routes can be found, by the path that was asked for. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { HttpError } from './problem.ts'
import type { RouteTable } from './route-table.ts'

/** A name in a path that has an unencoded slash in it. */
const SLASHED = /^\/api\/v1\/(?:kv|sets|owner)\/[^/]+\/./

/** @param prefix the route prefix without a slash at its end */
export function notFound(
  table: RouteTable,
  prefix: string,
  request: FastifyRequest,
  reply: FastifyReply,
): HttpError {
  const path = request.url.split('?', 1)[0] ?? ''
  const segments = path.split('/').slice(1)
  if (segments.length > 1 && segments.some((text) => text === '' || text === '.' || text === '..')) {
    return new HttpError('HTTP_PATH_MALFORMED', 'empty, . and .. segments are not taken in paths')
  }
  const methods = table.methodsOf(path)
  if (methods.length === 0) return new HttpError('HTTP_ROUTE_NOT_FOUND', hintFor(path, prefix))
  const allowed = methods.join(', ')
  reply.header('allow', allowed)
  return new HttpError('HTTP_METHOD_NOT_ALLOWED', `this path takes ${allowed}`)
}

function hintFor(path: string, prefix: string): string {
  const list = `GET ${prefix}/api/v1/openapi.json lists the routes`
  if (!path.startsWith(`${prefix}/`)) return `everything here is below ${prefix}/; ${list}`
  if (SLASHED.test(path.slice(prefix.length))) return `a slash in a name is written %2F; ${list}`
  return list
}
