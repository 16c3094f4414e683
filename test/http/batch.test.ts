/** `POST /api/v1/batch` over a store in memory, as it is. */
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import type { StateStore } from '../../src/store/state-store.ts'
import type { StoreLimits } from '../../src/store/store-limits.ts'
import { openHostStore } from '../support/host-store.ts'
import { NOW_MS, testApp } from '../support/http-app.ts'
import { ODD_KEYS } from '../support/odd-keys.ts'

const MEBIBYTE = 1_048_576
const opened: StateStore[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
})

interface Rig {
  readonly app: FastifyInstance
  readonly store: StateStore
  post(body: unknown, query?: string): Promise<LightMyRequestResponse>
}

async function rig(limits: Partial<StoreLimits> = {}): Promise<Rig> {
  const store = await openHostStore({ limits, clock: { monotonicMs: () => 0, wallMs: () => NOW_MS } })
  opened.push(store)
  const { kv, sets, batches } = store
  const { app } = testApp({ kv, sets, batches })
  return {
    app,
    store,
    post: (body, query = '') =>
      app.inject({
        method: 'POST',
        url: `/api/v1/batch${query}`,
        headers: { 'content-type': 'application/json' },
        payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
  }
}

const put = (key: string, value: unknown = 1): object => ({ op: 'put', map: 'm', key, value })

describe('a batch', () => {
  it('does what its operations say, in order, and answers for each', async () => {
    const { app, post } = await rig()
    const answer = await post({
      ops: [
        put('a', { cpu: 0.9 }),
        { op: 'put', map: 'm', key: 'b', valueBase64: 'AAH/', contentType: 'image/png', ttl: '1h' },
        put('gone'),
        { op: 'delete', map: 'm', key: 'gone' },
        { op: 'delete', map: 'm', key: 'never' },
        { op: 'add', set: 's', member: 'x' },
        { op: 'add', set: 's', member: 'x' },
        { op: 'remove', set: 's', member: 'x' },
        { op: 'remove', set: 's', member: 'x' },
      ],
    })
    expect([answer.statusCode, answer.json().acked]).toEqual([200, ['dev-1']])
    const version = expect.stringMatching(/^0\.\d+\.\d+\.[0-9a-f]{32}$/)
    expect(answer.json().results).toEqual([
      { op: 'put', map: 'm', key: 'a', version, created: true },
      { op: 'put', map: 'm', key: 'b', version, created: true, expiresAt: '2026-11-21T13:00:00.000Z' },
      { op: 'put', map: 'm', key: 'gone', version, created: true },
      { op: 'delete', map: 'm', key: 'gone', existed: true },
      { op: 'delete', map: 'm', key: 'never', existed: false },
      { op: 'add', set: 's', member: 'x', added: true },
      { op: 'add', set: 's', member: 'x', added: false },
      { op: 'remove', set: 's', member: 'x', existed: true },
      { op: 'remove', set: 's', member: 'x', existed: false },
    ])
    const b = await app.inject('/api/v1/kv/m/b')
    expect([b.headers['content-type'], b.rawPayload]).toEqual(['image/png', Buffer.from([0, 1, 255])])
    expect((await app.inject('/api/v1/kv/m/a')).payload).toBe('{"cpu":0.9}')
    expect((await app.inject('/api/v1/kv/m/gone')).statusCode).toBe(404)
  })

  it.each(['-0', '9007199254740993', '1e400', '{ "a":1, "a" : 2 }', '"\\u0041\\ud800"', 'null', '[ ]'])(
    'keeps %s as it was written',
    async (value) => {
      const { app, post } = await rig()
      const body = `{"ops":[{"op":"put","map":"m","value" : ${value} ,"key":"k"}]}`
      expect((await post(body)).statusCode).toBe(200)
      const got = await app.inject('/api/v1/kv/m/k')
      expect([got.payload, got.headers['content-type']]).toEqual([value, 'application/json'])
    },
  )

  it('of no operations is nothing', async () => {
    const { post } = await rig()
    expect((await post({ ops: [] })).json()).toEqual({ results: [], acked: ['dev-1'] })
  })
})

describe('a batch with a mistake', () => {
  it.each([
    ['not json', 'not JSON'],
    ['[]', 'not an object'],
    ['{}', 'ops must be a list'],
    ['{"ops":{}}', 'ops must be a list'],
    ['{"ops":[],"ack":"all"}', '"ack" is not expected'],
    ['{"ops":[1]}', 'ops[0]: not an object'],
    ['{"ops":[{"op":"get","map":"m","key":"k"}]}', 'ops[0]: op must be'],
    ['{"ops":[{"op":"__proto__","map":"m","key":"k"}]}', 'ops[0]: op must be'],
    ['{"ops":[{"op":"put","map":"m","key":"k"}]}', 'ops[0]: a put takes either value'],
    ['{"ops":[{"op":"put","map":"m","key":"k","value":1,"valueBase64":""}]}', 'either value or valueBase64'],
    ['{"ops":[{"op":"put","map":"m","key":"k","valueBase64":"A"}]}', 'not base64'],
    ['{"ops":[{"op":"put","map":"m","key":"k","valueBase64":1}]}', 'not base64'],
    ['{"ops":[{"op":"put","map":"m","key":"k","value":"x","contentType":"text/plain"}]}', 'use valueBase64'],
    ['{"ops":[{"op":"put","map":"m","key":"k","value":1,"tll":"1h"}]}', 'a put takes no "tll"'],
    ['{"ops":[{"op":"delete","map":"m","key":"k","value":1}]}', 'a delete takes no "value"'],
    ['{"ops":[{"op":"delete","map":"m"}]}', 'ops[0]: key must be text'],
    ['{"ops":[{"op":"add","set":"s","member":1}]}', 'ops[0]: member must be text'],
    [
      '{"ops":[{"op":"add","set":"s","member":"m"},{"op":"add","map":"s","member":"m"}]}',
      'ops[1]: a add takes',
    ],
  ])('%s is 400 and says where', async (body, detail) => {
    const { post, store } = await rig()
    const answer = await post(body)
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'HTTP_BODY_INVALID'])
    expect(answer.json().detail).toContain(detail)
    expect([store.kv.maps(), store.sets.sets()]).toEqual([[], []])
  })

  it.each([
    [{ ...put('k'), ttl: 'soon' }, 400, 'HTTP_BODY_INVALID'],
    [{ ...put('k'), ttl: '0' }, 400, 'HTTP_BODY_INVALID'],
    [
      { op: 'put', map: 'm', key: 'k', valueBase64: '', contentType: 'a/b\r\nx: y' },
      415,
      'HTTP_CONTENT_TYPE_UNSUPPORTED',
    ],
    [
      { op: 'put', map: 'm', key: 'k', valueBase64: 'ew==', contentType: 'application/json' },
      400,
      'HTTP_BODY_INVALID',
    ],
    [put('\ud800'), 400, 'STORE_KEY_MALFORMED'],
    [put('k'.repeat(1025)), 400, 'STORE_KEY_TOO_LARGE'],
    [{ op: 'add', set: 's', member: 'é'.repeat(513) }, 400, 'STORE_KEY_TOO_LARGE'],
    [put('k', 'x'.repeat(MEBIBYTE)), 413, 'STORE_VALUE_TOO_LARGE'],
  ])('in its second operation writes nothing of the first', async (op, status, code) => {
    const { post, store } = await rig()
    const answer = await post({ ops: [put('first'), op] })
    expect([answer.statusCode, answer.json().code]).toEqual([status, code])
    expect(answer.json().detail).toContain('ops[1]: ')
    expect([store.kv.maps(), store.sets.sets()]).toEqual([[], []])
  })

  it.each([undefined, 'text/plain', 'application/x-www-form-urlencoded'])(
    'in its content type (%s) is 415',
    async (contentType) => {
      const { app } = await rig()
      const headers = contentType === undefined ? {} : { 'content-type': contentType }
      const answer = await app.inject({
        method: 'POST',
        url: '/api/v1/batch',
        headers,
        payload: '{"ops":[]}',
      })
      expect([answer.statusCode, answer.json().code]).toEqual([415, 'HTTP_CONTENT_TYPE_UNSUPPORTED'])
    },
  )

  it('of an unknown parameter is 400; of other bytes than UTF-8 as well', async () => {
    const { post } = await rig()
    expect((await post({ ops: [] }, '?ttl=1h')).json().code).toBe('HTTP_QUERY_INVALID')
    expect((await post(Buffer.from([0x7b, 0xff, 0x7d]))).json().code).toBe('HTTP_BODY_INVALID')
  })
})

describe('the limits', () => {
  it('of a batch are 1,000 operations', async () => {
    const { post } = await rig()
    const ops = Array.from({ length: 1000 }, (_, i) => ({ op: 'add', set: 's', member: `${i}` }))
    expect((await post({ ops })).json().results).toHaveLength(1000)
    const answer = await post({ ops: [...ops, ops[0]] })
    expect([answer.statusCode, answer.json().code, answer.json().limit]).toEqual([
      413,
      'STORE_BATCH_TOO_LARGE',
      1000,
    ])
  })

  it('of a batch are 4 MiB of keys and values, in a body of at most 6 MiB', async () => {
    const { post } = await rig()
    const large = (key: string, bytes: number): object => ({
      op: 'put',
      map: '',
      key,
      valueBase64: Buffer.alloc(bytes).toString('base64'),
    })
    // What their content type takes counts as well.
    const rest = 'application/octet-stream'.length + 1
    const fits = ['1', '2', '3', '4'].map((key) => large(key, MEBIBYTE - rest))
    expect((await post({ ops: fits })).statusCode).toBe(200)
    const answer = await post({ ops: [...fits, { op: 'delete', map: '', key: 'x' }] })
    expect([answer.statusCode, answer.json().limit]).toEqual([413, 4 * MEBIBYTE])
    const huge = await post(`{"ops":[${' '.repeat(6 * MEBIBYTE)}]}`)
    expect([huge.statusCode, huge.json().code, huge.json().limit]).toEqual([
      413,
      'HTTP_BODY_TOO_LARGE',
      6 * MEBIBYTE,
    ])
  })

  it('of a key are 1 KiB of UTF-8', async () => {
    const { app } = await rig()
    const put = (key: string): Promise<LightMyRequestResponse> =>
      app.inject({ method: 'PUT', url: `/api/v1/kv/m/${encodeURIComponent(key)}` })
    expect((await put('é'.repeat(512))).statusCode).toBe(201)
    const answer = await put(`${'é'.repeat(512)}x`)
    expect([answer.statusCode, answer.json().code, answer.json().limit]).toEqual([
      400,
      'STORE_KEY_TOO_LARGE',
      1024,
    ])
    expect(answer.json().detail).toContain('1025 bytes')
  })

  it('of a value are 1 MiB', async () => {
    const { app } = await rig()
    const put = (bytes: number): Promise<LightMyRequestResponse> =>
      app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: Buffer.alloc(bytes) })
    expect((await put(MEBIBYTE)).statusCode).toBe(201)
    const answer = await put(MEBIBYTE + 1)
    expect([answer.statusCode, answer.json().limit]).toEqual([413, MEBIBYTE])
  })

  it('of entries are counted over maps and sets, and name the limit', async () => {
    const { app, store } = await rig({ entriesMax: 2, valueBytesMax: 4 })
    await store.kv.put('m', 'a', { contentType: '', bytes: new Uint8Array() })
    await store.sets.add('s', 'a')
    for (const url of ['/api/v1/kv/m/b', '/api/v1/sets/s/b']) {
      const answer = await app.inject({ method: 'PUT', url })
      expect([answer.statusCode, answer.json().code, answer.json().limit]).toEqual([
        507,
        'STORE_ENTRIES_MAX',
        2,
      ])
    }
    const value = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/a', payload: 'large' })
    expect([value.statusCode, value.json().code, value.json().limit]).toEqual([
      413,
      'STORE_VALUE_TOO_LARGE',
      4,
    ])
  })
})

describe('odd names', () => {
  it('go through paths and come back as they are', async () => {
    const { app } = await rig()
    for (const name of ODD_KEYS) {
      const part = encodeURIComponent(name)
      const payload = JSON.stringify(name)
      const headers = { 'content-type': 'application/json' }
      const put = await app.inject({ method: 'PUT', url: `/api/v1/kv/${part}/${part}`, payload, headers })
      expect([put.statusCode, put.json().key], payload).toEqual([201, name])
      const add = await app.inject({ method: 'PUT', url: `/api/v1/sets/${part}/${part}` })
      expect([add.statusCode, add.json().member], payload).toEqual([201, name])
    }
    for (const name of ODD_KEYS) {
      const part = encodeURIComponent(name)
      expect((await app.inject(`/api/v1/kv/${part}/${part}`)).json()).toBe(name)
      expect((await app.inject(`/api/v1/sets/${part}`)).json()).toEqual({ members: [name] })
    }
    const names = (await app.inject('/api/v1/kv')).json().maps.map(({ name }: { name: string }) => name)
    expect(new Set(names)).toEqual(new Set(ODD_KEYS))
    for (const name of ODD_KEYS) {
      const part = encodeURIComponent(name)
      await app.inject({ method: 'DELETE', url: `/api/v1/kv/${part}/${part}` })
      await app.inject({ method: 'DELETE', url: `/api/v1/sets/${part}/${part}` })
    }
    expect((await app.inject('/api/v1/kv')).json()).toEqual({ maps: [] })
    expect((await app.inject('/api/v1/sets')).json()).toEqual({ sets: [] })
  })

  it('go through batches, also those that a path cannot name', async () => {
    const { app, store, post } = await rig()
    const names = [...ODD_KEYS, '', '.', '..']
    const { results } = (
      await post({
        ops: names.flatMap((name) => [
          { op: 'put', map: name, key: name, value: name },
          { op: 'add', set: 's', member: name },
        ]),
      })
    ).json()
    expect(results.map(({ key, member }: Record<string, string>) => key ?? member)).toEqual(
      names.flatMap((name) => [name, name]),
    )
    for (const name of names) {
      expect(
        new TextDecoder('utf-8', { ignoreBOM: true }).decode(store.kv.get(name, name)?.value.bytes),
      ).toBe(JSON.stringify(name))
    }
    expect(new Set((await app.inject('/api/v1/sets/s')).json().members)).toEqual(new Set(names))
  })
})
