/** What a refusal says: where to look, what would have been taken, and every place that is wrong. */
import { describe, expect, it } from 'vitest'
import { HearsayError } from '../../src/base/errors.ts'
import { testApp } from '../support/http-app.ts'
import { fullApp } from '../support/http-routes.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

describe('a path that nothing is at', () => {
  it('is told where the routes are listed, below the prefix', async () => {
    expect((await testApp().app.inject('/api/v1/nothing')).json()).toMatchObject({
      status: 404,
      code: 'HTTP_ROUTE_NOT_FOUND',
      detail: 'GET /api/v1/openapi.json lists the routes',
    })
    const { app } = testApp({}, { routePrefix: '/hearsay/' })
    expect((await app.inject('/hearsay/api/v1/nothing')).json().detail).toBe(
      'GET /hearsay/api/v1/openapi.json lists the routes',
    )
    expect((await app.inject('/api/v1/kv/m/k')).json().detail).toContain('everything here is below /hearsay/')
    expect((await app.inject('/hearsay/api/v1/openapi.json')).statusCode).toBe(200)
  })

  it.each(['/api/v1/kv/m/a/b', '/api/v1/sets/s/a/b', '/api/v1/owner/a/b'])(
    'because of a slash in a name says how one is written: %s',
    async (url) => {
      const answer = await testApp().app.inject(url)
      expect(answer.json()).toMatchObject({ status: 404, detail: expect.stringContaining('%2F') })
    },
  )
})

describe('a body of a type that is not taken', () => {
  it.each([
    ['/api/v1/batch', 'text/plain', 'this takes application/json, got "text/plain"'],
    ['/api/v1/cluster/join', 'text/plain; charset=utf-8', 'got "text/plain; charset=utf-8"'],
    ['/api/v1/cluster/join', undefined, 'this takes application/json, and the body came without'],
    ['/api/v1/notifications', 'json', '"json" is no media type'],
  ])('is told what is taken: %s as %s', async (url, type, detail) => {
    const { app } = fullApp()
    const answer = await app.inject({
      method: 'POST',
      url,
      payload: Buffer.from('{}'),
      headers: type === undefined ? {} : { 'content-type': type },
    })
    expect(answer.json()).toMatchObject({
      status: 415,
      code: 'HTTP_CONTENT_TYPE_UNSUPPORTED',
      detail: expect.stringContaining(detail),
    })
  })

  it('is a value too, if it names no type at all', async () => {
    const { app } = testApp()
    const headers = { 'content-type': 'json' }
    const answer = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: '1', headers })
    expect(answer.json()).toMatchObject({
      status: 415,
      detail: expect.stringContaining('"json" is no media'),
    })
  })
})

describe('Retry-After', () => {
  it('is not said of replicas that cannot be reached, and is of a disk that is behind', async () => {
    const failing = (code: string) => {
      const { app } = testApp({
        acks: {
          plan: () => {
            throw new HearsayError(code, 'ack=7 needs 7 of 3 replicas')
          },
          confirm: () => Promise.reject(new Error('not asked')),
        },
      })
      return app.inject({ method: 'PUT', url: '/api/v1/kv/m/k?ack=7', payload: 'x' })
    }
    const unreachable = await failing('ACK_UNREACHABLE')
    expect([unreachable.statusCode, unreachable.headers['retry-after']]).toEqual([503, undefined])
    const overloaded = await failing('ACK_OVERLOADED')
    expect([overloaded.statusCode, overloaded.headers['retry-after']]).toEqual([503, '1'])
  })
})

describe('all places that are wrong are told', () => {
  async function errorsOf(url: string, payload: object): Promise<(string | undefined)[]> {
    const { app } = fullApp()
    const answer = await app.inject({ method: 'POST', url, payload, headers: JSON_TYPE })
    expect(answer.statusCode).toBe(400)
    const { errors } = answer.json<{ errors: { pointer?: string }[] }>()
    return errors.map(({ pointer }) => pointer)
  }

  it('of a batch, in its order, ten at most', async () => {
    const good = { op: 'add', set: 's', member: 'm' }
    const ops = [{ op: 'drop' }, good, { op: 'put', map: 'm', key: 5, value: 1 }, 7]
    expect(await errorsOf('/api/v1/batch', { ops })).toEqual(['#/ops/0/op', '#/ops/2/key', '#/ops/3'])
    const many = Array.from({ length: 30 }, () => ({ op: 'drop' }))
    expect(await errorsOf('/api/v1/batch', { ops: many })).toHaveLength(10)
  })

  it('of a batch without its list', async () => {
    expect(await errorsOf('/api/v1/batch', {})).toEqual(['#/ops'])
    expect(await errorsOf('/api/v1/batch', { ops: 1 })).toEqual(['#/ops'])
  })

  it('of a decision', async () => {
    const receiver = { groupName: '', integration: 5 }
    const body = { groupKey: 7, receiver, repeatInterval: 4, sendResolved: 'yes' }
    const pointers = await errorsOf('/api/v1/notifications/decide', body)
    expect(pointers).toEqual(
      expect.arrayContaining([
        '#/groupKey',
        '#/receiver/groupName',
        '#/receiver/integration',
        '#/repeatInterval',
        '#/sendResolved',
      ]),
    )
  })

  it('of a query', async () => {
    const answer = await testApp().app.inject('/api/v1/kv/m?limt=5&prefx=a')
    const { errors } = answer.json<{ errors: { parameter: string }[] }>()
    expect(errors.map(({ parameter }) => parameter)).toEqual(['limt', 'prefx'])
  })

  it('of addresses to join', async () => {
    const peers = ['10.0.0.1:9094', '::::', 'a.name', 'a:b', 'h:99999', '[::1]:9094', ':9094', 'h:0', '']
    const pointers = await errorsOf('/api/v1/cluster/join', { peers })
    expect(pointers).toEqual([1, 3, 4, 6, 7, 8].map((index) => `#/peers/${index}`))
  })
})

describe('what was expected', () => {
  it.each([
    [{ peers: 'a:1' }, 'peers must be a list'],
    [{ peers: [5] }, 'peers[0] must be text'],
    [{ peers: ['::::'] }, 'peers[0] must be host:port, [ipv6]:port or a name'],
  ])('is said in words: %j', async (payload, detail) => {
    const { app } = fullApp()
    const answer = await app.inject({ method: 'POST', url: '/api/v1/cluster/join', payload })
    expect(answer.json()).toMatchObject({ status: 400, code: 'HTTP_BODY_INVALID', detail })
  })
})

describe('a watch', () => {
  it('says which place held what is no cursor', async () => {
    const { app } = testApp()
    expect((await app.inject('/api/v1/watch?after=x')).json()).toMatchObject({
      status: 400,
      code: 'WATCH_CURSOR_MALFORMED',
      errors: [{ parameter: 'after' }],
    })
    const headers = { 'last-event-id': 'x' }
    expect((await app.inject({ url: '/api/v1/watch', headers })).json()).toMatchObject({
      code: 'WATCH_CURSOR_MALFORMED',
      errors: [{ header: 'Last-Event-ID' }],
    })
  })

  it.each(['map', 'set'])('of a %s without a name is refused', async (name) => {
    const answer = await testApp().app.inject(`/api/v1/watch?${name}=&wait=1ms`)
    expect(answer.json()).toMatchObject({ status: 400, errors: [{ parameter: name }] })
  })
})

describe('Vary', () => {
  it.each(['/api/v1/kv', '/api/v1/kv/m', '/api/v1/sets', '/api/v1/cluster', '/metrics'])(
    'of %s is the same for GET and HEAD',
    async (url) => {
      const { app } = testApp()
      const get = await app.inject({ method: 'GET', url })
      const head = await app.inject({ method: 'HEAD', url })
      expect(head.headers.vary).toBe('accept-encoding')
      expect(head.headers.vary).toBe(get.headers.vary)
      expect(head.payload).toBe('')
    },
  )
})
