import { afterEach, describe, expect, it } from 'vitest'
import { encodeSilence } from '../../src/alerting/core/silence-codec.ts'
import { HearsayError } from '../../src/base/errors.ts'
import { firstJsonValue } from '../../src/http/routes/first-json-value.ts'
import { type AlertmanagerApp, alertmanagerApp, DISABLED } from '../support/alertmanager-app.ts'
import { aSilence, HOUR_NS, NOW_MS, NOW_NS } from '../support/silences.ts'

const BODY = {
  matchers: [{ name: 'job', value: 'api', isRegex: false }],
  startsAt: new Date(NOW_MS - 3_600_000).toISOString(),
  endsAt: new Date(NOW_MS + 3_600_000).toISOString(),
  createdBy: 'ana',
  comment: 'swap',
}
const ID = 'bbbbbbbb-0000-4000-8000-000000000001'
const UNKNOWN = 'bbbbbbbb-0000-4000-8000-00000000ffff'

let current: AlertmanagerApp | undefined
afterEach(async () => {
  await current?.app.close()
  current = undefined
})

function start(status = DISABLED) {
  const made = alertmanagerApp({ nowMs: NOW_MS }, status)
  current = made
  const inject = (method: 'GET' | 'POST' | 'DELETE' | 'HEAD' | 'PUT', path: string, payload?: unknown) =>
    made.app.inject({
      method,
      url: `/api/v2${path}`,
      ...(payload === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, payload: JSON.stringify(payload) }),
    })
  const create = async (body: Record<string, unknown> = BODY): Promise<string> => {
    const answer = await inject('POST', '/silences', body)
    expect(answer.statusCode, answer.body).toBe(200)
    return answer.json().silenceID
  }
  const hold = (parts: Parameters<typeof aSilence>[0]): void => {
    const silence = aSilence(parts)
    made.records.merge([{ table: 'sil', key: silence.id, record: encodeSilence(silence) }])
  }
  return { ...made, inject, create, hold }
}

describe('POST /silences', () => {
  it('answers 200 with the id of a version 4 UUID, and the silence is there', async () => {
    const { inject, create } = start()
    const id = await create()
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const shown = await inject('GET', `/silence/${id}`)
    expect(shown.json()).toEqual({
      ...BODY,
      id,
      matchers: [{ name: 'job', value: 'api', isRegex: false, isEqual: true }],
      startsAt: new Date(NOW_MS).toISOString(),
      updatedAt: new Date(NOW_MS).toISOString(),
      status: { state: 'active' },
    })
    expect(shown.headers['cache-control']).toBe('no-store')
    expect(Object.keys(shown.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('edits in place what is fetched and posted back, though the start comes back cut to milliseconds', async () => {
    const { inject, hold } = start()
    hold({ id: ID, startsAtNs: NOW_NS - HOUR_NS + 123_999_999n })
    const { status, updatedAt, ...fetched } = (await inject('GET', `/silence/${ID}`)).json()
    expect([status.state, fetched.startsAt]).toEqual(['active', '2026-11-21T11:00:00.123Z'])
    expect((await inject('POST', '/silences', fetched)).json()).toEqual({ silenceID: ID })
    expect((await inject('GET', `/silence/${ID}`)).json().updatedAt).not.toBe(updatedAt)
    const { id, ...copy } = fetched
    expect((await inject('POST', '/silences', copy)).json().silenceID).not.toBe(id)
  })

  it('answers 404 with a JSON string for an unknown id, so that amtool retries without it', async () => {
    const { inject } = start()
    const answer = await inject('POST', '/silences', { ...BODY, id: UNKNOWN })
    expect([answer.statusCode, answer.body]).toEqual([404, '"silence not found"\n'])
  })

  it('answers 200 for active and expired ids', async () => {
    const { create, hold } = start()
    hold({ id: ID })
    expect(await create({ ...BODY, id: ID })).toBe(ID)
    hold({ id: UNKNOWN, endsAtNs: NOW_NS - 1n })
    expect(await create({ ...BODY, id: UNKNOWN })).not.toBe(UNKNOWN)
  })

  it('keeps every character of a quoted value', async () => {
    const { inject, create } = start()
    const value = '"bar"\\n\n🙂'
    const id = await create({ ...BODY, matchers: [{ name: 'fooΣ', value, isRegex: false, isEqual: false }] })
    expect((await inject('GET', `/silence/${id}`)).json().matchers[0]).toEqual({
      name: 'fooΣ',
      value,
      isRegex: false,
      isEqual: false,
    })
  })

  it('shows annotations only where there are some, whatever their keys', async () => {
    const { inject, hold } = start()
    const annotations = new Map([
      ['__proto__', 'x'],
      ['team', 'y'],
    ])
    hold({ id: ID, annotations })
    const body = (await inject('GET', `/silence/${ID}`)).body
    expect(body).toContain('"annotations":{"__proto__":"x","team":"y"}')
  })

  it('says what 0.34 says about an invalid silence', async () => {
    const { inject } = start()
    const answer = await inject('POST', '/silences', {
      ...BODY,
      matchers: [{ name: 'a', value: '((', isRegex: true }],
    })
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      'invalid silence: invalid label matcher 0 in set 0: invalid regular expression "((": error parsing regexp: missing closing ): `((`',
    ])
  })

  it('refuses a null among the matchers instead of breaking down', async () => {
    const { inject } = start()
    const answer = await inject('POST', '/silences', { ...BODY, matchers: [...BODY.matchers, null] })
    expect([answer.statusCode, answer.json()]).toEqual([
      422,
      { code: 602, message: 'matchers.1 in body is required' },
    ])
  })

  it('refuses a body over the limit', async () => {
    const { inject } = start()
    const answer = await inject('POST', '/silences', { ...BODY, comment: 'x'.repeat(70_000) })
    expect([answer.statusCode, answer.json().code]).toEqual([413, 413])
  })

  it('answers 500 with a JSON string, and logs, when it cannot be stored', async () => {
    const { inject, records, logged } = start()
    records.failNext = new Error('disk full')
    const answer = await inject('POST', '/silences', BODY)
    expect([answer.statusCode, answer.body]).toEqual([500, '"disk full"\n'])
    expect(logged).toHaveLength(1)
    expect((await inject('GET', '/silences')).json()).toEqual([])
  })
})

describe('a store that refuses writes', () => {
  it.each([
    ['STORE_CLOCK_OFF', 503, '1'],
    ['STORE_CLOSED', 503, '1'],
    ['STORE_DISK_FULL', 507, undefined],
  ])(
    'for %s is told by status %d and by text, not logged as a fault of ours',
    async (code, status, retryAfter) => {
      const { inject, create, records, logged } = start()
      const id = await create()
      for (const [method, path] of [
        ['POST', '/silences'],
        ['DELETE', `/silence/${id}`],
      ] as const) {
        records.failNext = new HearsayError(code, 'not now')
        const answer = await inject(method, path, method === 'POST' ? BODY : undefined)
        expect([answer.statusCode, answer.body, answer.headers['retry-after']]).toEqual([
          status,
          '"not now"\n',
          retryAfter,
        ])
      }
      expect(logged).toEqual([])
    },
  )
})

describe('DELETE /silence/{id}', () => {
  it('answers 200 without a body, twice, and 404 without a body for an unknown id', async () => {
    const { inject, create, clock } = start()
    const id = await create()
    clock.nowMs += 5
    for (let i = 0; i < 2; i++) {
      const answer = await inject('DELETE', `/silence/${id}`)
      expect([answer.statusCode, answer.body]).toEqual([200, ''])
    }
    expect((await inject('GET', `/silence/${id}`)).json()).toMatchObject({
      status: { state: 'expired' },
      endsAt: new Date(NOW_MS + 5).toISOString(),
    })
    const unknown = await inject('DELETE', `/silence/${UNKNOWN}`)
    expect([unknown.statusCode, unknown.body, unknown.headers['content-type']]).toEqual([404, '', undefined])
  })
})

describe('GET /silences', () => {
  it('lists by state and filter', async () => {
    const { inject, hold } = start()
    hold({ id: 'active' })
    hold({ id: 'pending', startsAtNs: NOW_NS + 1n })
    hold({ id: 'expired', endsAtNs: NOW_NS - 1n })
    const ids = async (query: string): Promise<string[]> =>
      (await inject('GET', `/silences?${query}`)).json().map((silence: { id: string }) => silence.id)
    expect(await ids('')).toEqual(['active', 'pending', 'expired'])
    expect(await ids('active=false')).toEqual(['pending', 'expired'])
    expect(await ids('expired=false&pending=nonsense')).toEqual(['active'])
    expect(await ids('active=&pending=YES&expired=0')).toEqual(['active', 'pending'])
    expect(await ids('active=false&pending=false&expired=false')).toEqual([])
    expect(await ids('filter=job%3Dapi&unknown=1')).toHaveLength(3)
    expect(await ids('filter=job%3Dapi&filter=job%3Dother')).toEqual([])
  })

  it('lists a silence of several matcher sets by its first', async () => {
    const { inject, hold } = start()
    const set = (name: string) => [{ type: 0, name, pattern: 'x' }]
    hold({ id: ID, matcherSets: [set('a'), set('b')] })
    expect((await inject('GET', '/silences')).json()[0].matchers).toHaveLength(1)
  })
})

describe('GET /status', () => {
  it('is disabled with an empty list and no name when there is no cluster', async () => {
    const { inject } = start()
    expect((await inject('GET', '/status')).json()).toEqual({
      cluster: { status: 'disabled', peers: [] },
      config: { original: expect.any(String) },
      uptime: new Date(NOW_MS).toISOString(),
      versionInfo: {
        version: '0.34.0',
        revision: '0.0.0-test',
        branch: 'hearsay',
        buildUser: '',
        buildDate: '',
        goVersion: '',
      },
    })
  })

  it('lists peers by name', async () => {
    const peers = ['b', 'a'].map((name) => ({ name, address: '127.0.0.1:9094' }))
    const { inject } = start({ ...DISABLED, cluster: { name: 'b', status: 'ready', peers } })
    const { cluster } = (await inject('GET', '/status')).json()
    expect(cluster.name).toBe('b')
    expect(cluster.peers.map((peer: { name: string }) => peer.name)).toEqual(['a', 'b'])
  })
})

describe('paths and methods', () => {
  it('answers 405 with what is allowed, 404 with the path, and no HEAD', async () => {
    const { inject } = start()
    const put = await inject('PUT', '/silences')
    expect([put.statusCode, put.headers.allow, put.json().message]).toEqual([
      405,
      'GET,POST',
      'method PUT is not allowed, but [GET,POST] are',
    ])
    for (const path of ['/status', '/silences', `/silence/${ID}`]) {
      expect((await inject('HEAD', path)).statusCode).toBe(405)
    }
    expect((await inject('GET', '/nope?x')).json()).toEqual({
      code: 404,
      message: 'path /api/v2/nope was not found',
    })
  })
})

describe('the first JSON value of a text', () => {
  it.each([
    ['{"a":"}"} rest', '{"a":"}"}'],
    ['[[1],{}]x', '[[1],{}]'],
    ['{"a":"\\""}]', '{"a":"\\""}'],
    [' 12 ', '12'],
    ['"a" b', '"a"'],
    ['12 x', '12 x'],
    ['{"a":', '{"a":'],
    [' \n', undefined],
  ])('of %j is %j', (text, expected) => {
    expect(firstJsonValue(text)).toBe(expected)
  })
})
