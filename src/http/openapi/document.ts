/**
 * The OpenAPI document: paths, parameters and bodies from the routes as they are registered and check their input, the rest
 * from the table of operations.
 *
 * Put together when it is first asked for, by a fastify of its own that never listens, and then kept as text, about 55 kB. So
 * start and requests pay for a list of routes and nothing else: the plugin that assembles would cost each start some 25 ms.
 * A route that the table does not know is in the document with what it says of itself; a test makes sure that there is none.
 */
import { fastify, type RouteOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { ALERTING_OPERATIONS } from './alerting-operations.ts'
import { ALERTMANAGER_OPERATIONS } from './alertmanager-operations.ts'
import { CLUSTER_OPERATIONS } from './cluster-operations.ts'
import { DATA_OPERATIONS } from './data-operations.ts'
import type { Answer, Operation, Operations } from './operation.ts'
import {
  PATH_MEANINGS,
  Problem,
  QUERY_MEANINGS,
  REQUEST_HEADERS,
  RESPONSE_HEADERS,
} from './shared-schemas.ts'

export const OPERATIONS: Operations = {
  ...DATA_OPERATIONS,
  ...CLUSTER_OPERATIONS,
  ...ALERTING_OPERATIONS,
  ...ALERTMANAGER_OPERATIONS,
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route that is only shown: what is told of it. */
    shown?: object
  }
}

type Json = Readonly<Record<string, unknown>>

const BY_ID: ReadonlyMap<string, readonly [path: string, operation: Operation]> = new Map(
  Object.entries(OPERATIONS).map(([key, operation]) => [operation.id, [key.split(' ')[1] ?? '', operation]]),
)
const TAGS: readonly Json[] = [
  { name: 'kv', description: 'Values under keys, in maps' },
  { name: 'sets', description: 'Add-wins sets of strings' },
  { name: 'watch', description: 'Changes as they happen' },
  { name: 'cluster', description: 'Members, ownership, gossip keys' },
  { name: 'alerting', description: 'Each notification once' },
  { name: 'replica', description: 'This replica' },
  { name: 'alertmanager', description: "Alertmanager's interface" },
]

/** `GET /api/v1/kv/:map` as the table names it. */
export function operationKey(method: string, url: string): string {
  return `${method} ${pathOf(url)}`
}

type ListedRoute = Pick<RouteOptions, 'method' | 'url' | 'schema'>

export class RouteDocument {
  readonly #routePrefix: string
  readonly #routes: ListedRoute[] = []
  #text: Promise<string> | undefined

  /** @param routePrefix before every route; none is empty */
  constructor(routePrefix: string) {
    this.#routePrefix = routePrefix
  }

  /** For the `onRoute` hook. */
  add({ method, url, schema }: RouteOptions): void {
    if (isRepeated(method, url)) return
    // Of a prefix, the root is the prefix itself.
    const path = url.slice(this.#routePrefix.length) || '/'
    const isKnown = this.#routes.some((route) => route.method === method && route.url === path)
    if (!isKnown) this.#routes.push({ method, url: path, ...(schema && { schema }) })
  }

  /** JSON. To be asked once all routes are added. */
  text(): Promise<string> {
    this.#text ??= this.#assemble()
    return this.#text
  }

  async #assemble(): Promise<string> {
    const { default: swagger } = await import('@fastify/swagger')
    const shown = fastify()
    /** Bodies that routes check, by operation. */
    const bodies = new Map<string, unknown>()
    await shown.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'hearsay', version: '1', description: 'A replica of a replicated state store.' },
        servers: [{ url: this.#routePrefix === '' ? '/' : this.#routePrefix }],
      },
      stripBasePath: false,
      transform: ({ url, route }) => ({ schema: route.config?.shown ?? {}, url: pathOf(url) }),
    })
    for (const { method, url, schema } of this.#routes) {
      const operation = OPERATIONS[operationKey(String(method), url)]
      if (operation !== undefined && schema?.body !== undefined) bodies.set(operation.id, schema.body)
      const config = { shown: shownSchema(url, schema?.querystring, operation) }
      shown.route({ method, url, config, exposeHeadRoute: false, handler: () => undefined })
    }
    await shown.ready()
    const document = completed(shown.swagger() as unknown as Json, bodies)
    await shown.close()
    return JSON.stringify(document)
  }
}

function pathOf(url: string): string {
  return url.replaceAll(/:(\w+)(?:\([^)]*\))?/g, '{$1}')
}

/** Without what is told by another route: GET tells of HEAD, and `/silences` of `/silences/`. */
function isRepeated(method: RouteOptions['method'], url: string): boolean {
  return method === 'HEAD' || (url.endsWith('/') && url.includes('/api/'))
}

function shownSchema(path: string, querystring: unknown, operation: Operation | undefined): object {
  const names = [...pathOf(path).matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const query = operation?.query ?? propertiesOf(querystring)
  const parameters = Object.entries(query).map(([name, schema]) => [
    name,
    { ...schema, description: descriptionOf(schema) ?? QUERY_MEANINGS[name] ?? name },
  ])
  return {
    ...(operation && { operationId: operation.id, summary: operation.summary, tags: [operation.tag] }),
    ...(operation?.description && { description: operation.description }),
    params: {
      type: 'object',
      properties: Object.fromEntries(
        names.map((name) => [name, { type: 'string', description: PATH_MEANINGS[name] ?? name }]),
      ),
    },
    querystring: { type: 'object', properties: Object.fromEntries(parameters) },
  }
}

function propertiesOf(schema: unknown): Readonly<Record<string, object>> {
  const holder = schema as { readonly properties?: Readonly<Record<string, object>> } | undefined
  return holder?.properties ?? {}
}

function descriptionOf(schema: object): string | undefined {
  return 'description' in schema && typeof schema.description === 'string' ? schema.description : undefined
}

/** Adds answers, bodies, headers and what is shared. */
function completed(document: Json, bodies: ReadonlyMap<string, unknown>): Json {
  const paths = Object.entries(document.paths as Record<string, Record<string, Json>>).map(
    ([path, methods]) => [
      path,
      Object.fromEntries(
        Object.entries(methods).map(([method, shown]) => [method, completedOperation(shown, bodies)]),
      ),
    ],
  )
  return {
    ...document,
    tags: TAGS,
    security: [{}, { basicAuth: [] }],
    paths: Object.fromEntries(paths.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))),
    components: {
      schemas: { Problem },
      headers: Object.fromEntries(
        Object.entries(RESPONSE_HEADERS).map(([name, description]) => [
          name,
          { description, schema: { type: 'string' } },
        ]),
      ),
      responses: {
        Problem: {
          description: 'An error.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
        AlertmanagerError: {
          description: 'An error as Alertmanager tells it; what concerns every request is a problem.',
          content: {
            'application/json': {},
            'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
          },
        },
      },
      securitySchemes: { basicAuth: { type: 'http', scheme: 'basic' } },
    },
  }
}

function completedOperation(shown: Json, bodies: ReadonlyMap<string, unknown>): Json {
  const [path, operation] = BY_ID.get(String(shown.operationId)) ?? []
  if (path === undefined || operation === undefined) return shown
  const given = bodies.get(operation.id)
  const body =
    operation.body ?? (given === undefined ? undefined : { 'application/json': withoutNull(given) })
  const headers = (operation.headers ?? []).map((name) => ({
    in: 'header',
    name,
    description: REQUEST_HEADERS[name],
    schema: { type: 'string' },
  }))
  const parameters = [...((shown.parameters as readonly unknown[] | undefined) ?? []), ...headers]
  const fault = path.startsWith('/api/v2/') ? 'AlertmanagerError' : 'Problem'
  const answers = Object.entries(operation.answers).map(([status, answer]) => [status, shownAnswer(answer)])
  return {
    ...shown,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: operation.mayLackBody !== true, content: shownContent(body) } }),
    responses: { ...Object.fromEntries(answers), default: { $ref: `#/components/responses/${fault}` } },
  }
}

function shownAnswer({ description, content, headers = [] }: Answer): Json {
  return {
    description,
    ...(headers.length === 0
      ? {}
      : {
          headers: Object.fromEntries(
            headers.map((name) => [name, { $ref: `#/components/headers/${name}` }]),
          ),
        }),
    ...(content === undefined ? {} : { content: shownContent(content) }),
  }
}

function shownContent(content: Readonly<Record<string, TSchema | undefined>>): Json {
  return Object.fromEntries(
    Object.entries(content).map(([type, schema]) => [type, schema === undefined ? {} : { schema }]),
  )
}

/** No body at all is null to a schema, and nothing to who reads the document. */
function withoutNull(schema: unknown): TSchema {
  const choice = (schema as { readonly anyOf?: readonly TSchema[] }).anyOf
  const others = choice?.filter((one) => (one as { readonly type?: string }).type !== 'null') ?? []
  const [only] = others
  return only !== undefined && others.length === 1 ? only : (schema as TSchema)
}
