import { once } from 'node:events'
import net from 'node:net'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { WebConfig } from '../../src/app/web-config/web-config.ts'
import { alertmanagerApi } from '../../src/http/alertmanager-api.ts'
import type { Verdict, WebAccess } from '../../src/http/web-access.ts'
import { type TestApp, testApp } from '../support/http-app.ts'
import { basicAuth, webConfigFolder } from '../support/web-config.ts'

const open: FastifyInstance[] = []

afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

/** Stands for what no stranger may reach: whatever is asked of it is a failure. */
function unreachable<T extends object>(): T {
  return new Proxy({} as T, {
    get: () => () => {
      throw new Error('a stranger reached it')
    },
  })
}

interface Door extends TestApp {
  readonly routes: readonly { readonly url: string; readonly method: string }[]
  readonly asked: readonly (string | undefined)[]
}

/** An app with every route there is, behind a door. */
async function behind(verdict: Verdict | 'late', access: Partial<WebAccess> = {}): Promise<Door> {
  const asked: (string | undefined)[] = []
  const test = testApp({
    kv: unreachable(),
    sets: unreachable(),
    batches: unreachable(),
    gossipKeys: unreachable(),
    membership: unreachable(),
    alerting: unreachable(),
    reload: unreachable(),
    alertmanagerApi: alertmanagerApi(unreachable()),
    access: {
      headers: [],
      admits: () => true,
      check: (authorization) => {
        asked.push(authorization)
        return verdict === 'late' ? new Promise((resolve) => setImmediate(resolve, 'refused')) : verdict
      },
      ...access,
    },
  })
  open.push(test.app)
  const routes: { url: string; method: string }[] = []
  test.app.addHook('onRoute', ({ url, method }) => {
    for (const one of [method].flat()) routes.push({ url, method: one })
  })
  await test.app.ready()
  return { ...test, routes, asked }
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'] as const

function requestTo(url: string, method: string): InjectOptions {
  return { method: method as 'GET', url: url.replaceAll(/:\w+/g, 'x').replace('*', 'x') }
}

describe('a stranger', () => {
  it.each(['missing', 'refused', 'late'] as const)(
    'who is %s gets 401 from every route there is',
    async (verdict) => {
      const { app, routes } = await behind(verdict)
      expect(routes.length).toBeGreaterThan(30)
      for (const { url, method } of routes) {
        const answer = await app.inject(requestTo(url, method))
        const challenge = answer.headers['www-authenticate']
        expect([method, url, answer.statusCode, challenge]).toEqual([
          method,
          url,
          401,
          'Basic realm="hearsay", charset="UTF-8"',
        ])
      }
    },
  )

  it('gets 401 from a route that is added later', async () => {
    const test = testApp({ access: { headers: [], admits: () => true, check: () => 'missing' } })
    open.push(test.app)
    test.app.register(async (scope) => {
      scope.get('/brand-new', () => 'reached')
    })
    expect((await test.app.inject('/brand-new')).statusCode).toBe(401)
  })

  it('learns of no path whether it exists or what it takes', async () => {
    const { app, routes } = await behind('missing')
    const urls = [
      ...new Set(routes.map(({ url }) => url)),
      '/nothing',
      '/api/v1/nothing',
      '/api/v2/nothing',
      '/a//b',
    ]
    for (const url of urls) {
      for (const method of METHODS) {
        const answer = await app.inject(requestTo(url, method))
        expect([method, url, answer.statusCode, answer.headers.allow]).toEqual([method, url, 401, undefined])
      }
    }
  })

  it('gets a problem, and below /api/v2 what an Alertmanager client can read', async () => {
    const { app } = await behind('missing')
    const problem = await app.inject('/api/v1/kv/m/k')
    expect(problem.headers['content-type']).toBe('application/problem+json')
    expect(problem.json()).toMatchObject({ status: 401, code: 'HTTP_UNAUTHENTICATED' })
    expect((await app.inject('/api/v2/silences')).json()).toEqual({
      code: 401,
      message: 'this replica asks for a user and password',
    })
  })

  it('with a body has none of it read', async () => {
    const { app } = await behind('missing')
    const answer = await app.inject({
      method: 'PUT',
      url: '/api/v1/kv/m/k',
      payload: Buffer.alloc(5_000_000),
    })
    expect(answer.statusCode).toBe(401)
  })

  it('does not see what he sent in the answer or the log', async () => {
    const { app, logged } = await behind('refused')
    const authorization = basicAuth('ana', 'hunter2')
    const answer = await app.inject({ url: '/api/v1/status', headers: { authorization } })
    const said = `${answer.body}${JSON.stringify(answer.headers)}${JSON.stringify(logged)}`
    expect(said).not.toContain('hunter2')
    expect(said).not.toContain(authorization.slice(6))
    expect(said).not.toContain('ana')
  })
})

describe('requests that no route can be found for', () => {
  async function exchange(app: FastifyInstance, request: string): Promise<string> {
    if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
    const address = app.server.address()
    const socket = net.connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
    socket.end(request)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    await once(socket, 'close')
    return text
  }
  const head = 'Host: localhost\r\nConnection: close\r\n\r\n'

  it('are 401 for a stranger', async () => {
    const { app } = await behind('missing')
    const long = `/api/v1/kv/m/${'k'.repeat(15_000)}%ff`
    for (const path of ['/api/v1/kv/%zz/k', '/%', long, '//', '*']) {
      expect(await exchange(app, `GET ${path} HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1.1 401 /)
    }
  })

  it('a path that cannot be read is 400 for who may come in, with the headers of every answer', async () => {
    const { app } = await behind('allowed', { headers: [['x-frame-options', 'deny']] })
    const answer = await exchange(app, `GET /api/v1/kv/%zz/k HTTP/1.1\r\n${head}`)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer).toContain('HTTP_PATH_MALFORMED')
    expect(answer).toContain('x-frame-options: deny')
  })

  it('what is no HTTP gets a fixed answer that says nothing of this replica', async () => {
    const { app, asked } = await behind('missing')
    const answer = await exchange(app, 'GARBAGE\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ code: 'HTTP_REQUEST_MALFORMED' })
    expect(asked).toEqual([])
  })
})

describe('who may come in', () => {
  it('is answered, and told what does not exist', async () => {
    const { app, asked } = await behind('allowed')
    const authorization = basicAuth('ana', 'secret')
    expect((await app.inject({ url: '/-/healthy', headers: { authorization } })).statusCode).toBe(200)
    expect((await app.inject('/nothing')).statusCode).toBe(404)
    expect(asked).toEqual([authorization, undefined])
  })

  it('gets 503 and is told to come again while passwords cannot be checked', async () => {
    const { app } = await behind('busy')
    for (const url of ['/api/v1/status', '/api/v2/silences', '/metrics']) {
      const answer = await app.inject(url)
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1'])
      expect(answer.headers['www-authenticate']).toBeUndefined()
    }
    expect((await app.inject('/metrics')).json()).toMatchObject({ code: 'HTTP_AUTHENTICATION_BUSY' })
  })

  it('is counted by outcome', async () => {
    let verdict: Verdict = 'allowed'
    const { app } = await behind('allowed', { check: () => verdict })
    for (const next of ['missing', 'refused', 'refused', 'busy'] as const) {
      verdict = next
      await app.inject('/-/healthy')
    }
    verdict = 'allowed'
    const { body } = await app.inject('/metrics')
    for (const [outcome, count] of [
      ['allowed', 1],
      ['missing', 1],
      ['refused', 2],
      ['busy', 1],
    ] as const) {
      expect(body).toContain(`hearsay_http_authentications_total{outcome="${outcome}"} ${count}\n`)
    }
  })

  it('is 429 beyond the rate of the web config, with the headers of every answer, before any password', async () => {
    const { app, asked } = await behind('allowed', {
      admits: () => false,
      headers: [['x-frame-options', 'deny']],
    })
    const answer = await app.inject('/-/healthy')
    expect([answer.statusCode, answer.json().code]).toEqual([429, 'HTTP_RATE_LIMITED'])
    expect(answer.headers['x-frame-options']).toBe('deny')
    expect(asked).toEqual([])
  })
})

describe('a flood of wrong passwords', () => {
  it('is bounded, and who came in before does not wait for it', async () => {
    const hash = (await import('bcryptjs')).hashSync('secret', 10)
    const { path } = webConfigFolder(`basic_auth_users:\n  ana: ${hash}\n`)
    const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }
    const access = await WebConfig.open({ path, clock, mustAuthenticate: true })
    const { app } = testApp({ access })
    open.push(app)
    const waiting = (): number => {
      const sample = [...access.samples()].find(({ name }) => name === 'hearsay_http_password_checks_waiting')
      return sample !== undefined && 'value' in sample ? sample.value : 0
    }
    const statusOf = async (user: string, password: string): Promise<number> => {
      const headers = { authorization: basicAuth(user, password) }
      return (await app.inject({ url: '/-/healthy', headers })).statusCode
    }
    expect(await statusOf('ana', 'secret')).toBe(200)
    const flood = Array.from({ length: 200 }, (_, i) => statusOf(`user ${i % 20}`, `wrong ${i}`))
    for (let i = 0; i < 20; i++) expect(await statusOf('ana', 'secret')).toBe(200)
    expect(waiting()).toBeGreaterThan(0)
    expect(waiting()).toBeLessThanOrEqual(64)
    await access.close()
    const answers = await Promise.all(flood)
    expect(answers.filter((status) => status !== 401 && status !== 503)).toEqual([])
    expect(answers.filter((status) => status === 503).length).toBeGreaterThan(100)
  })
})

describe('headers of the web config', () => {
  it('are on every answer', async () => {
    const headers = [['strict-transport-security', 'max-age=1']] as const
    for (const verdict of ['allowed', 'missing', 'busy'] as const) {
      const { app } = await behind(verdict, { headers })
      for (const url of ['/-/healthy', '/nothing', '/api/v2/nothing', '/metrics']) {
        expect((await app.inject(url)).headers['strict-transport-security']).toBe('max-age=1')
      }
    }
  })
})
