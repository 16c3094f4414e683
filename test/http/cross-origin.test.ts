/**
 * Items 21 to 23 of the security checklist (docs/reference/security-checklist.md): pages of other origins and rebound
 * names, over every route there is.
 */
import { describe, expect, it } from 'vitest'
import type { TestApp } from '../support/http-app.ts'
import { everyRoute, fullApp, type ListedRoute } from '../support/http-routes.ts'

const routes = await everyRoute(fullApp())
const writes = routes.filter(({ method }) => method !== 'GET' && method !== 'HEAD')
const UI = 'https://ui.example.org'

type Headers = Readonly<Record<string, string>>

function ask({ app }: TestApp, { method, path }: Pick<ListedRoute, 'method' | 'path'>, headers: Headers) {
  return app.inject({ method: method as 'GET', url: path, headers })
}

/** Tells that no handler has run: whatever a route does, it does after its guards. */
async function expectRefused(
  test: TestApp,
  route: ListedRoute,
  headers: Headers,
  status: number,
): Promise<void> {
  const answer = await ask(test, route, headers)
  expect(answer.statusCode, `${route.method} ${route.pattern} with ${JSON.stringify(headers)}`).toBe(status)
  expect(corsHeaders(answer.headers)).toEqual([])
}

/** A watch would go on for ever. */
function briefly(path: string): string {
  return path.endsWith('/watch') ? `${path}?wait=1ms` : path
}

function corsHeaders(headers: object): string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control'))
}

describe('item 21: a write from a page of another site', () => {
  it('there are such routes', () => {
    expect(writes.length).toBeGreaterThan(12)
  })

  it.each<Headers>([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: 'http://localhost' },
    { 'sec-fetch-site': 'cross-site', origin: 'null' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: '' },
    { origin: 'http://localhost.evil.example' },
    { origin: 'http://localhost:1, http://localhost' },
    { origin: 'file://' },
  ])('is refused on every route that writes: %j', async (headers) => {
    const test = fullApp()
    for (const route of writes) await expectRefused(test, route, { host: 'localhost', ...headers }, 403)
  })

  it('is refused with every content type that a form can send', async () => {
    const test = fullApp()
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
    ]) {
      for (const route of writes) {
        await expectRefused(
          test,
          route,
          { host: 'localhost', origin: 'https://evil.example', 'content-type': type },
          403,
        )
      }
    }
  })

  it('is refused on a route that is added later', async () => {
    const test = fullApp()
    test.app.register(async (scope) => {
      scope.post('/later', async () => 'done')
    })
    const answer = await ask(test, { method: 'POST', path: '/later' }, { origin: 'https://evil.example' })
    expect(answer.statusCode).toBe(403)
    expect((await ask(test, { method: 'POST', path: '/later' }, {})).statusCode).toBe(200)
  })

  it.each<Headers>([
    {},
    { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:9093' },
    { 'sec-fetch-site': 'none' },
    { origin: 'http://localhost:9093' },
    { origin: 'https://localhost:9093' },
    { origin: 'https://am.example.org' },
  ])('is told from one of our own, and from no page at all: %j', async (headers) => {
    const test = fullApp({}, { externalUrl: 'https://am.example.org/x' })
    const answer = await test.app.inject({
      method: 'PUT',
      url: '/api/v1/kv/m/k',
      headers: { host: 'localhost:9093', ...headers },
      payload: 'v',
    })
    expect(answer.statusCode).toBe(201)
  })
})

describe('item 22: Host', () => {
  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost:9093@evil.example',
    '[::2]',
  ])('%j is refused on every route, and one that is added later', async (host) => {
    const test = fullApp()
    test.app.register(async (scope) => {
      scope.get('/later', async () => 'done')
    })
    for (const { method, path } of [
      ...routes,
      { method: 'GET', path: '/later' },
      { method: 'GET', path: '/nothing' },
    ]) {
      expect((await ask(test, { method, path }, { host })).statusCode, `${method} ${path}`).toBe(421)
    }
  })
})

describe('item 23: CORS', () => {
  const preflight = { host: 'localhost', origin: UI, 'access-control-request-method': 'PUT' }

  it('no preflight is answered, and no answer may be read, unless an origin is named', async () => {
    const test = fullApp()
    for (const { path } of routes) {
      const asked = await ask(test, { method: 'OPTIONS', path }, preflight)
      expect(asked.statusCode, path).toBeGreaterThanOrEqual(404)
      const got = await ask(test, { method: 'GET', path: briefly(path) }, { host: 'localhost', origin: UI })
      expect([...corsHeaders(asked.headers), ...corsHeaders(got.headers)]).toEqual([])
    }
  })

  describe('for an origin that is named', () => {
    const open = () => fullApp({}, { guards: { corsOrigins: [UI] } })

    it('preflights are answered before anybody asks for a password, with what the routes take', async () => {
      const test = fullApp(
        { access: { headers: [], admits: () => true, check: () => 'missing' } },
        { guards: { corsOrigins: [UI] } },
      )
      for (const { path } of routes) {
        const { statusCode, headers } = await ask(test, { method: 'OPTIONS', path }, preflight)
        expect(statusCode).toBe(204)
        expect(headers).toMatchObject({
          'access-control-allow-origin': UI,
          'access-control-allow-methods': expect.stringMatching(/PUT.*DELETE/),
          'access-control-allow-headers': expect.stringMatching(/Authorization.*If-Match/),
          vary: 'Origin',
        })
        expect(headers['access-control-allow-credentials']).toBeUndefined()
      }
      expect((await ask(test, { method: 'GET', path: '/metrics' }, { origin: UI })).statusCode).toBe(401)
    })

    it('its pages write and read, and see the headers that they need', async () => {
      const test = open()
      const page = { host: 'localhost', origin: UI, 'sec-fetch-site': 'cross-site' }
      const put = await test.app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', headers: page, payload: 'v' })
      expect([put.statusCode, put.headers['access-control-allow-origin']]).toEqual([201, UI])
      const got = await ask(test, { method: 'GET', path: '/api/v1/kv/m/k' }, page)
      expect(got.headers['access-control-expose-headers']).toContain('ETag')
      expect(got.headers.vary).toBe('Origin')
    })

    it('its pages read errors as well', async () => {
      const answer = await ask(open(), { method: 'GET', path: '/api/v1/kv/m/none' }, { origin: UI })
      expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([404, UI])
    })

    it('answers to others say that they depend on it, beside what they depend on anyway', async () => {
      const answer = await ask(open(), { method: 'GET', path: '/api/v1/kv' }, {})
      expect(corsHeaders(answer.headers)).toEqual([])
      expect(String(answer.headers.vary).toLowerCase().split(', ').sort()).toEqual([
        'accept-encoding',
        'origin',
      ])
    })

    it.each([
      'https://ui.example.org.evil.example',
      'http://ui.example.org',
      'https://ui.example.org:8443',
      'null',
      'https://UI.example.org',
    ])('nobody else is let in, such as %s', async (origin) => {
      const test = open()
      for (const route of writes) await expectRefused(test, route, { host: 'localhost', origin }, 403)
      const asked = await ask(test, { method: 'OPTIONS', path: '/api/v1/kv/m/k' }, { ...preflight, origin })
      expect([asked.statusCode, corsHeaders(asked.headers)]).toEqual([405, []])
    })
  })
})
