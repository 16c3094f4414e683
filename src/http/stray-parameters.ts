/**
 * Query parameters of routes that take none: an error under `/api/v1`, as unknown ones are on the routes that take some. Who
 * writes `?ttl=5m` to a path that has no such thing shall hear it, and not believe that it did something.
 *
 * Management paths and Alertmanager's interface take what they are given, as those they are modelled on: a health check that
 * adds something to its URL is no error.
 */
import type { RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { HttpError } from './problem.ts'

const NAME_CHARS_MAX = 100
const NO_QUERY = Type.Object({}, { additionalProperties: false })

/** For the `onRoute` hook. @param routePrefix without a slash at its end */
export function refuseStrayParameters(route: RouteOptions, routePrefix: string): void {
  if (!route.url.startsWith(`${routePrefix}/api/v1/`) || route.schema?.querystring !== undefined) return
  route.schema = { ...route.schema, querystring: NO_QUERY }
  const { validatorCompiler } = route
  if (validatorCompiler === undefined) return
  route.validatorCompiler = (part) => (part.httpPart === 'querystring' ? checkEmpty : validatorCompiler(part))
}

function checkEmpty(query: unknown): { readonly error: Error } | { readonly value: unknown } | true {
  // The cheapest question there is: most requests have no query.
  for (const name in query as object) {
    const parameter = name.slice(0, NAME_CHARS_MAX)
    const errors = [{ parameter, detail: 'is not expected' }]
    return {
      error: new HttpError('HTTP_QUERY_INVALID', `${JSON.stringify(parameter)} is not expected`, { errors }),
    }
  }
  return true
}
