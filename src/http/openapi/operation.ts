/**
 * What a document of the interface says of one route beyond what the route itself checks: what it is for, and what it answers.
 *
 * Kept apart from the routes on purpose. Fastify would serialise by a response schema, and what a schema leaves out would be
 * dropped from the answer; here a schema only tells. That it tells the truth is for the tests, which ask every route of a
 * running replica and hold the answers against it.
 */
import type { TSchema } from 'typebox'

export type Tag = 'kv' | 'sets' | 'watch' | 'cluster' | 'alerting' | 'replica' | 'alertmanager'

export interface Answer {
  readonly description: string
  /** By media type; left out: there is no body. Undefined: of that type, and more is not told. */
  readonly content?: Readonly<Record<string, TSchema | undefined>>
  /** Names of RESPONSE_HEADERS. */
  readonly headers?: readonly string[]
}

export interface Operation {
  /** Unique, stable: generated clients name their functions so. */
  readonly id: string
  readonly tag: Tag
  readonly summary: string
  readonly description?: string
  /** Of a body that the route reads itself. */
  readonly body?: Readonly<Record<string, TSchema | undefined>>
  /** Whether a body is optional. */
  readonly mayLackBody?: boolean
  /** Query parameters that the route reads itself. */
  readonly query?: Readonly<Record<string, TSchema>>
  /** Names of REQUEST_HEADERS. */
  readonly headers?: readonly string[]
  /** By status; errors that are told as a problem are the default and left out. */
  readonly answers: Readonly<Record<number, Answer>>
}

/** By method and path, such as `GET /api/v1/kv/{map}`. */
export type Operations = Readonly<Record<string, Operation>>

const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain'

export function json(description: string, schema: TSchema, ...headers: readonly string[]): Answer {
  return { description, content: { [JSON_TYPE]: schema }, headers }
}

export function text(description: string): Answer {
  return { description, content: { [TEXT_TYPE]: undefined } }
}

export function empty(description: string, ...headers: readonly string[]): Answer {
  return { description, headers }
}
