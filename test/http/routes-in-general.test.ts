/** What holds for every route, driven by the routes themselves, so that a new one cannot be forgotten. */
import { describe, expect, it } from 'vitest'
import { everyRoute, fullApp, type ListedRoute } from '../support/http-routes.ts'

const routes = await everyRoute(fullApp())
const api = routes.filter(({ pattern }) => pattern.startsWith('/api/v1/'))
const paths = [...new Map(routes.map((route) => [route.path, route])).values()]

/** Of routes that read JSON by a schema or by themselves. */
const JSON_ROUTES = [
  '/api/v1/batch',
  '/api/v1/cluster/join',
  '/api/v1/cluster/leave',
  '/api/v1/cluster/keys',
  '/api/v1/cluster/keys/primary',
  '/api/v1/silences/match',
  '/api/v1/notifications/decide',
  '/api/v1/notifications',
  '/api/v1/claims',
]
/** They take a body of any type, or none is looked at. */
const OTHER_WRITES = ['/api/v1/kv/:map/:key', '/api/v1/sets/:set/:member', '/-/reload', '/api/v2/', 'DELETE']

const WORK = { groupKey: 'g', receiver: { groupName: 'r', integration: 'i' } }
/** What passes the schemas of those that must have a body, which is looked at before the query. */
const BODIES: Readonly<Record<string, object>> = {
  '/api/v1/cluster/keys': { key: 'x' },
  '/api/v1/cluster/keys/primary': { fingerprint: 'x' },
  '/api/v1/silences/match': { labels: {} },
  '/api/v1/notifications/decide': { ...WORK, firing: [], repeatInterval: '1h' },
  '/api/v1/notifications': { ...WORK, firing: [] },
  '/api/v1/claims': WORK,
}

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PATCH'

function isJsonWrite({ method, pattern }: ListedRoute): boolean {
  return (method === 'POST' || method === 'PUT') && JSON_ROUTES.includes(pattern)
}

describe('a query parameter that nobody knows', () => {
  it.each(api.map((route) => [`${route.method} ${route.pattern}`, route] as const))(
    'is an error of %s',
    async (_name, { method, path, pattern }) => {
      const { app } = fullApp()
      const payload = method === 'POST' || method === 'PUT' ? BODIES[pattern] : undefined
      const answer = await app.inject({
        method: method as Method,
        url: `${path}?no-such=1`,
        ...(payload === undefined ? {} : { payload }),
      })
      expect(answer.statusCode).toBe(400)
      if (method === 'HEAD') return
      expect(answer.json()).toMatchObject({
        code: 'HTTP_QUERY_INVALID',
        errors: [{ parameter: 'no-such', detail: 'is not expected' }],
      })
    },
  )

  it('is none to health checks, scrapes and clients of Alertmanager', async () => {
    const { app } = fullApp()
    for (const path of ['/-/healthy', '/-/ready', '/metrics', '/api/v2/silences', '/api/v2/status']) {
      expect([path, (await app.inject(`${path}?no-such=1`)).statusCode]).toEqual([path, 200])
    }
  })
})

describe('a path', () => {
  it.each(paths.map(({ path }) => path))('%s names its methods to who asks with another', async (path) => {
    const { app } = fullApp()
    const answer = await app.inject({ method: 'PATCH', url: path })
    expect(answer.statusCode).toBe(405)
    const expected = routes.filter((route) => route.path === path).map(({ method }) => method)
    const allowed = String(answer.headers.allow).split(/, ?/)
    if (path.startsWith('/api/v2/')) expect(expected).toEqual(expect.arrayContaining(allowed))
    else expect(allowed).toEqual(expect.arrayContaining(expected))
  })

  it('with a slash at its end, two in its middle, or in other letters is none', async () => {
    const { app } = fullApp()
    for (const { path } of paths.filter((route) => /^\/api\/v1\/|^\/-\//.test(route.pattern))) {
      const slash = await app.inject(`${path}/`)
      expect([path, slash.statusCode, slash.json().code]).toEqual([path, 400, 'HTTP_PATH_MALFORMED'])
      const two = await app.inject(path.replace(/\/([^/]*)$/, '//$1'))
      expect([path, two.statusCode, two.json().code]).toEqual([path, 400, 'HTTP_PATH_MALFORMED'])
      const [head = '', ...rest] = path.slice(1).split('/')
      if (head === '-') continue
      const upper = await app.inject(`/${head.toUpperCase()}/${rest.join('/')}`)
      expect([path, upper.statusCode, upper.json().code]).toEqual([path, 404, 'HTTP_ROUTE_NOT_FOUND'])
    }
  })

  it('that GET takes, HEAD takes as well, but for what streams', async () => {
    const heads = new Set(routes.filter(({ method }) => method === 'HEAD').map(({ pattern }) => pattern))
    const without = routes.filter(({ method, pattern }) => method === 'GET' && !heads.has(pattern))
    const known = without.map(({ pattern }) => pattern).filter((pattern) => !pattern.startsWith('/api/v2/'))
    expect(known.toSorted()).toEqual(['/api/v1/snapshot', '/api/v1/watch'])
  })

  it('gives HEAD the headers of GET, and no body', async () => {
    for (const { path } of routes.filter(({ method }) => method === 'HEAD')) {
      const { app } = fullApp()
      const [head, get] = [await app.inject({ method: 'HEAD', url: path }), await app.inject(path)]
      expect([path, head.statusCode, head.headers['content-type']]).toEqual([
        path,
        get.statusCode,
        get.headers['content-type'],
      ])
      expect(head.payload).toBe('')
    }
  })
})

describe('a write that takes JSON', () => {
  it('is every write, but for those that say otherwise', () => {
    const strange = routes
      .filter((route) => route.takesBody && !isJsonWrite(route))
      .filter(
        ({ method, pattern }) => !OTHER_WRITES.some((known) => known === method || pattern.startsWith(known)),
      )
    expect(strange).toEqual([])
  })

  it.each(routes.filter(isJsonWrite).map((route) => [`${route.method} ${route.pattern}`, route] as const))(
    '%s takes no other body: 415',
    async (_name, { method, path }) => {
      const { app } = fullApp()
      for (const type of [
        'text/plain',
        'text/json',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        undefined,
      ]) {
        const headers = type === undefined ? {} : { 'content-type': type }
        const answer = await app.inject({
          method: method as Method,
          url: path,
          headers,
          payload: Buffer.from('{}'),
        })
        expect([type, answer.statusCode, answer.json().code]).toEqual([
          type,
          415,
          'HTTP_CONTENT_TYPE_UNSUPPORTED',
        ])
      }
    },
  )

  it.each(routes.filter(isJsonWrite).map((route) => [`${route.method} ${route.pattern}`, route] as const))(
    '%s takes no JSON that is cut or none',
    async (_name, { method, path }) => {
      const { app } = fullApp()
      for (const payload of ['{', '[1', 'nope', '5', '"{}"']) {
        const headers = { 'content-type': 'application/json' }
        const answer = await app.inject({ method: method as Method, url: path, headers, payload })
        expect([payload, answer.statusCode, answer.json().code]).toEqual([payload, 400, 'HTTP_BODY_INVALID'])
      }
    },
  )
})
