import { describe, expect, it } from 'vitest'
import { HearsayError } from '../../src/base/errors.ts'
import { LIST_PAGE_BYTES_MAX } from '../../src/http/routes/kv-page.ts'
import { NOW_MS, testApp } from '../support/http-app.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

describe('PUT and GET of a value', () => {
  it('a new key is 201, an overwritten one 200, each with a version that is also the ETag', async () => {
    const { app } = testApp()
    const created = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'a' })
    const replaced = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'b' })
    expect([created.statusCode, replaced.statusCode]).toEqual([201, 200])
    expect(created.json()).toEqual({ map: 'm', key: 'k', version: expect.any(String), acked: ['dev-1'] })
    expect(created.headers.etag).toBe(`"${created.json().version}"`)
    expect(replaced.json().version).not.toBe(created.json().version)
  })

  it('bytes and content type come back as they went in', async () => {
    const { app } = testApp()
    const payload = Buffer.from([0, 255, 13, 10, 0xc3, 0x28])
    const headers = { 'content-type': 'image/x-odd; v="1, 2"' }
    await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload, headers })
    const got = await app.inject('/api/v1/kv/m/k')
    expect(got.rawPayload).toEqual(payload)
    expect(got.headers['content-type']).toBe('image/x-odd; v="1, 2"')
    expect(got.headers['last-modified']).toBe('Sat, 21 Nov 2026 01:02:03 GMT')
  })

  it('JSON is kept verbatim, down to spaces, repeated names and large numbers', async () => {
    const { app } = testApp()
    const payload = '{ "a": 1, "a":  12345678901234567890, "__proto__": {} }\n'
    const put = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload, headers: JSON_TYPE })
    const got = await app.inject('/api/v1/kv/m/k')
    expect(put.statusCode).toBe(201)
    expect(got.payload).toBe(payload)
    expect(got.headers['content-type']).toBe('application/json')
  })

  it.each([
    ['application/json', '{"a":'],
    ['application/json; charset=utf-8', ''],
    ['application/problem+json', 'nope'],
    ['application/json', Buffer.from([0x22, 0xff, 0x22])],
  ])('%s that is not JSON is refused and nothing is stored', async (type, payload) => {
    const { app } = testApp()
    const headers = { 'content-type': type }
    const put = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload, headers })
    expect(put.statusCode).toBe(400)
    expect(put.json().code).toBe('HTTP_BODY_INVALID')
    expect((await app.inject('/api/v1/kv/m/k')).statusCode).toBe(404)
  })

  it('without a content type the value is application/octet-stream, also when it is empty', async () => {
    const { app } = testApp()
    expect((await app.inject({ method: 'PUT', url: '/api/v1/kv/m/empty' })).statusCode).toBe(201)
    const got = await app.inject('/api/v1/kv/m/empty')
    expect(got.headers['content-type']).toBe('application/octet-stream')
    expect(got.rawPayload.length).toBe(0)
  })

  it('HEAD gives the headers of GET and no body', async () => {
    const { app } = testApp()
    await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'four' })
    const head = await app.inject({ method: 'HEAD', url: '/api/v1/kv/m/k' })
    expect(head.statusCode).toBe(200)
    expect(head.headers['content-length']).toBe('4')
    expect(head.headers.etag).toBe((await app.inject('/api/v1/kv/m/k')).headers.etag)
    expect(head.payload).toBe('')
  })

  it('whatever is not JSON is given in a sandbox and without sniffing', async () => {
    const { app } = testApp()
    for (const type of ['text/html', 'image/svg+xml', 'text/plain', 'application/json5']) {
      const headers = { 'content-type': type }
      await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: '1', headers })
      const got = await app.inject('/api/v1/kv/m/k')
      expect(got.headers['x-content-type-options']).toBe('nosniff')
      expect(got.headers['content-security-policy']).toContain('sandbox')
    }
  })

  it('a content type that cannot stand in a header is served as octets', async () => {
    const { app, kv } = testApp()
    await kv.put('m', 'k', { contentType: 'a/b\r\nset-cookie: x', bytes: Uint8Array.of(1) })
    const got = await app.inject('/api/v1/kv/m/k')
    expect(got.headers['content-type']).toBe('application/octet-stream')
    expect(got.headers['set-cookie']).toBeUndefined()
  })
})

describe('keys', () => {
  it.each([
    '__proto__',
    'constructor',
    '🦊',
    'a/b',
    '../x',
    'a/../b',
    '%',
    '%41',
    '?x=1#y',
    '+',
    ' ',
    'ü',
    '\u0000',
    ':x',
    '*',
  ])('the key %j is an ordinary key', async (key) => {
    const { app, kv } = testApp()
    const url = `/api/v1/kv/${encodeURIComponent(key)}/${encodeURIComponent(key)}`
    const put = await app.inject({ method: 'PUT', url, payload: 'v' })
    expect(put.json()).toMatchObject({ map: key, key })
    expect(kv.get(key, key)?.key).toBe(key)
    expect((await app.inject(url)).payload).toBe('v')
    expect((await app.inject({ method: 'DELETE', url })).statusCode).toBe(204)
    expect((await app.inject(url)).json().code).toBe('KEY_NOT_FOUND')
  })

  it.each([
    'm/',
    '/k',
    'm/.',
    'm/..',
    'm/%2e',
    'm/%2E%2e',
    'm/%ff',
    'm/%',
    'm/%zz',
    'm/a/',
    'm//k',
    'm/%ed%a0%80',
  ])('the path kv/%s is refused as malformed', async (path) => {
    const { app } = testApp()
    for (const method of ['PUT', 'GET', 'DELETE'] as const) {
      const answer = await app.inject({ method, url: `/api/v1/kv/${path}` })
      expect(answer.statusCode).toBe(400)
      expect(answer.json().code).toBe('HTTP_PATH_MALFORMED')
      expect(answer.headers['content-type']).toContain('application/problem+json')
    }
  })

  it('a key of 3,000 encoded bytes reaches the store, one beyond the router limit is 414', async () => {
    const { app } = testApp()
    const long = await app.inject({
      method: 'PUT',
      url: `/api/v1/kv/m/${'%F0%9F%A6%8A'.repeat(256)}`,
      payload: 'v',
    })
    const tooLong = await app.inject({
      method: 'PUT',
      url: `/api/v1/kv/m/${'k'.repeat(20_000)}`,
      payload: 'v',
    })
    expect(long.statusCode).toBe(201)
    expect(tooLong.statusCode).toBe(414)
    expect(tooLong.json().code).toBe('HTTP_PATH_TOO_LONG')
  })
})

describe('preconditions', () => {
  it('If-None-Match: * writes only once', async () => {
    const { app } = testApp()
    const put = () =>
      app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'v', headers: { 'if-none-match': '*' } })
    expect((await put()).statusCode).toBe(201)
    const second = await put()
    expect(second.statusCode).toBe(412)
    expect(second.json().code).toBe('STORE_PRECONDITION_FAILED')
  })

  it('If-Match takes the current version from a list, and neither an old one nor a weak one', async () => {
    const { app } = testApp()
    const put = (ifMatch: string) =>
      app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'v', headers: { 'if-match': ifMatch } })
    expect((await put('*')).statusCode).toBe(412)
    const first =
      (await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'v' })).headers.etag ?? ''
    expect((await put(`W/${first}`)).statusCode).toBe(412)
    expect((await put(`"other", ${first}`)).statusCode).toBe(200)
    expect((await put(String(first))).statusCode).toBe(412)
    expect((await put('*')).statusCode).toBe(200)
  })

  it('If-Match guards a delete as well, and an absent key without it is 204', async () => {
    const { app } = testApp()
    const url = '/api/v1/kv/m/k'
    expect((await app.inject({ method: 'DELETE', url })).statusCode).toBe(204)
    await app.inject({ method: 'PUT', url, payload: 'v' })
    const refused = await app.inject({ method: 'DELETE', url, headers: { 'if-match': '"old"' } })
    expect(refused.statusCode).toBe(412)
    expect((await app.inject(url)).statusCode).toBe(200)
  })

  it('If-None-Match with the current version is 304 without a body, with an older one 200', async () => {
    const { app } = testApp()
    const { headers } = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'v' })
    for (const tag of [String(headers.etag), `W/${headers.etag}`, '*', `"x", ${headers.etag}`]) {
      const got = await app.inject({ url: '/api/v1/kv/m/k', headers: { 'if-none-match': tag } })
      expect(got.statusCode).toBe(304)
      expect(got.payload).toBe('')
      expect(got.headers.etag).toBe(headers.etag)
    }
    const stale = await app.inject({ url: '/api/v1/kv/m/k', headers: { 'if-none-match': '"old"' } })
    expect(stale.statusCode).toBe(200)
  })

  it('304 of a value with two representations says what it varies by, as 200 does', async () => {
    const { app } = testApp()
    const headers = { 'content-type': 'application/vnd.msgpack' }
    const put = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: Buffer.of(0xc3), headers })
    const whole = await app.inject('/api/v1/kv/m/k')
    const same = await app.inject({
      url: '/api/v1/kv/m/k',
      headers: { 'if-none-match': String(put.headers.etag) },
    })
    expect([whole.statusCode, whole.headers.vary]).toEqual([200, 'accept'])
    expect([same.statusCode, same.headers.vary]).toEqual([304, 'accept'])
  })

  it.each([
    [{ 'if-match': 'bare' }, 'HTTP_REQUEST_MALFORMED'],
    [{ 'if-none-match': '"v"' }, 'HTTP_PRECONDITION_UNSUPPORTED'],
    [{ 'if-unmodified-since': 'Sat, 21 Nov 2026 01:02:03 GMT' }, 'HTTP_PRECONDITION_UNSUPPORTED'],
  ])('a condition that cannot be honoured stops the write: %j', async (headers, code) => {
    const { app, kv } = testApp()
    const put = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'v', headers })
    expect([put.statusCode, put.json().code]).toEqual([400, code])
    expect(kv.get('m', 'k')).toBeUndefined()
  })
})

describe('query of a write', () => {
  it('a ttl becomes an absolute time', async () => {
    const { app, kv } = testApp()
    const put = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k?ttl=5m', payload: 'v' })
    expect(put.json().expiresAt).toBe('2026-11-21T12:05:00.000Z')
    expect(kv.get('m', 'k')?.expiresAtMs).toBe(NOW_MS + 300_000)
  })

  it.each([
    ['ttl=0', 400, 'HTTP_QUERY_INVALID'],
    ['ttl=9999999h', 400, 'HTTP_QUERY_INVALID'],
    ['ttl=soon', 400, 'DURATION_MALFORMED'],
    ['ttl=', 400, 'DURATION_MALFORMED'],
    ['tll=5m', 400, 'HTTP_QUERY_INVALID'],
    ['ttl=1m&ttl=2m', 400, 'HTTP_QUERY_INVALID'],
    ['ack=most', 400, 'HTTP_QUERY_INVALID'],
    ['ack=local&timeout=x', 400, 'DURATION_MALFORMED'],
    ['ack=2', 503, 'ACK_UNREACHABLE'],
    ['ack=majority&timeout=2s', 503, 'ACK_UNREACHABLE'],
    ['ack=all', 503, 'ACK_UNREACHABLE'],
  ])('?%s is %d %s and nothing is stored', async (query, status, code) => {
    const { app, kv } = testApp()
    const put = await app.inject({ method: 'PUT', url: `/api/v1/kv/m/k?${query}`, payload: 'v' })
    expect([put.statusCode, put.json().code]).toEqual([status, code])
    expect(kv.get('m', 'k')).toBeUndefined()
  })

  it.each(['ack=local', 'ack=1', 'ack=local&timeout=2s'])('?%s is what every write does', async (query) => {
    const { app } = testApp()
    expect(
      (await app.inject({ method: 'PUT', url: `/api/v1/kv/m/k?${query}`, payload: 'v' })).statusCode,
    ).toBe(201)
  })
})

describe('listing', () => {
  async function filled(): Promise<ReturnType<typeof testApp>> {
    const test = testApp()
    for (const key of ['a1', 'a2', 'b/1', 'ü']) {
      await test.app.inject({
        method: 'PUT',
        url: `/api/v1/kv/m/${encodeURIComponent(key)}`,
        payload: `"${key}"`,
        headers: JSON_TYPE,
      })
    }
    return test
  }

  it('maps are listed with their counts', async () => {
    const { app } = await filled()
    expect((await app.inject('/api/v1/kv')).json()).toEqual({ maps: [{ name: 'm', count: 4 }] })
  })

  it('pages follow each other by next and Link without gaps', async () => {
    const { app } = await filled()
    const keys: string[] = []
    let url: string | undefined = '/api/v1/kv/m?limit=3'
    while (url !== undefined) {
      const page: Awaited<ReturnType<typeof app.inject>> = await app.inject({ url })
      keys.push(...page.json().items.map((item: { key: string }) => item.key))
      url = /<(.*)>; rel="next"/.exec(String(page.headers.link))?.[1]
      expect(url === undefined).toBe(page.json().next === undefined)
    }
    expect(keys).toEqual(['a1', 'a2', 'b/1', 'ü'])
  })

  it('the link carries the route prefix and an encoded map name', async () => {
    const { app, kv } = testApp({}, { routePrefix: '/hearsay/' })
    for (const key of ['a', 'b']) await kv.put('x/y', key, { contentType: 'a/b', bytes: new Uint8Array() })
    const page = await app.inject('/hearsay/api/v1/kv/x%2Fy?limit=1')
    expect(page.headers.link).toBe('</hearsay/api/v1/kv/x%2Fy?limit=1&after=a>; rel="next"')
  })

  it('JSON stands inline and verbatim, other bytes in base64', async () => {
    const { app, kv } = testApp()
    const text = '{"n":12345678901234567890}'
    await kv.put('m', 'j', { contentType: 'application/json', bytes: Buffer.from(text) })
    await kv.put('m', 'o', { contentType: 'a/b', bytes: Uint8Array.of(255) }, { expiresAtMs: NOW_MS })
    await kv.put('m', 'x', { contentType: 'application/json', bytes: Buffer.from('not json') })
    const page = await app.inject('/api/v1/kv/m')
    expect(page.payload).toContain(`"value":${text}`)
    expect(page.json().items[1]).toMatchObject({ valueBase64: '/w==', expiresAt: '2026-11-21T12:00:00.000Z' })
    expect(page.json().items[2].valueBase64).toBe(Buffer.from('not json').toString('base64'))
  })

  it('values=false leaves the values out, prefix and after narrow the page', async () => {
    const { app } = await filled()
    const page = await app.inject('/api/v1/kv/m?values=false&prefix=a&after=a1')
    expect(page.json()).toEqual({
      items: [
        {
          key: 'a2',
          contentType: 'application/json',
          version: expect.any(String),
          updatedAt: '2026-11-21T01:02:03.000Z',
        },
      ],
    })
  })

  it('a page stops at its budget of bytes and says where to go on', async () => {
    const { app, kv } = testApp()
    const bytes = new Uint8Array(LIST_PAGE_BYTES_MAX / 2)
    for (const key of ['a', 'b', 'c']) await kv.put('m', key, { contentType: 'a/b', bytes })
    const page = await app.inject('/api/v1/kv/m')
    expect(page.json().items.length).toBe(2)
    expect(page.json().next).toBe('b')
    expect((await app.inject('/api/v1/kv/m?after=b')).json().next).toBeUndefined()
  })

  it.each(['limit=0', 'limit=1001', 'limit=-1', 'limit=x', 'limit=1e2', 'values=maybe', 'size=3'])(
    '?%s is refused',
    async (query) => {
      const { app } = testApp()
      const answer = await app.inject(`/api/v1/kv/m?${query}`)
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'HTTP_QUERY_INVALID'])
    },
  )

  it('an unknown map is an empty page', async () => {
    expect((await testApp().app.inject('/api/v1/kv/none')).json()).toEqual({ items: [] })
  })
})

describe('errors of the store', () => {
  it.each([
    ['STORE_KEY_MALFORMED', 400],
    ['STORE_KEY_TOO_LARGE', 400],
    ['STORE_VALUE_TOO_LARGE', 413],
    ['STORE_ENTRIES_MAX', 507],
    ['STORE_DISK_FULL', 507],
    ['STORE_WRITE_FAILED', 503],
    ['STORE_OVERLOADED', 503],
    ['STORE_CLOSED', 503],
  ])('%s is %d with its text', async (code, status) => {
    const { app, kv } = testApp()
    kv.failNext = Object.assign(new HearsayError(code, 'because'), { limit: 1024 })
    const put = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'v' })
    expect(put.statusCode).toBe(status)
    expect(put.json()).toMatchObject({
      code,
      status,
      detail: 'because',
      limit: 1024,
      title: expect.any(String),
    })
    expect(put.headers['retry-after']).toBe(status === 503 ? '1' : undefined)
  })

  it('an unexpected error is 500 without its text, which is logged', async () => {
    const { app, kv, logged } = testApp()
    kv.failNext = new TypeError('secret detail')
    const put = await app.inject({ method: 'PUT', url: '/api/v1/kv/m/k', payload: 'v' })
    expect([put.statusCode, put.json().code]).toEqual([500, 'INTERNAL_ERROR'])
    expect(put.payload).not.toContain('secret')
    expect(JSON.stringify(logged)).toContain('secret detail')
  })
})
