import { afterEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { isRequestUri } from '../../src/http/routes/request-uri.ts'
import { type AlertmanagerApp, alertmanagerApp, DISABLED } from '../support/alertmanager-app.ts'
import { HOUR_NS, NOW_MS } from '../support/silences.ts'

const HOUR_MS = Number(HOUR_NS / 1_000_000n)
const at = (ms: number): string => new Date(ms).toISOString()

let current: AlertmanagerApp | undefined
afterEach(async () => {
  await current?.app.close()
  current = undefined
})

function start(...receivers: string[]) {
  const made = alertmanagerApp({ nowMs: NOW_MS }, DISABLED, 1024 * 1024)
  current = made
  made.receivers.push(...receivers)
  const post = (body: unknown) =>
    made.app.inject({
      method: 'POST',
      url: '/api/v2/alerts',
      headers: { 'content-type': 'application/json' },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const get = (path: string) => made.app.inject({ method: 'GET', url: `/api/v2${path}` })
  const jobs = async (query: string): Promise<string[]> => {
    const answer = await get(`/alerts${query}`)
    expect(answer.statusCode, answer.body).toBe(200)
    return answer.json().map(({ labels }: { labels: { job: string } }) => labels.job)
  }
  const silence = (pattern: string): Promise<string> =>
    made.silences.create({
      id: '',
      matchers: [{ type: 0, name: 'job', pattern }],
      startsAtNs: made.silences.nowNs(),
      endsAtNs: made.silences.nowNs() + HOUR_NS,
      createdBy: 'ana',
      comment: '',
      annotations: new Map(),
    })
  return { ...made, post, get, jobs, silence }
}

describe('POST /alerts', () => {
  it('answers 200 with nothing, and the alert is listed in full', async () => {
    const { post, get } = start('team')
    const answer = await post([
      { labels: { job: 'api', a: '1', none: '' }, annotations: { b: '' }, generatorURL: 'http://p/?a&b' },
    ])
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
    const listed = await get('/alerts')
    expect(listed.headers['cache-control']).toBe('no-store')
    expect(listed.json()).toEqual([
      {
        annotations: { b: '' },
        startsAt: at(NOW_MS),
        endsAt: at(NOW_MS + 300_000),
        updatedAt: at(NOW_MS),
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        receivers: [{ name: 'team' }],
        status: { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] },
        generatorURL: 'http://p/?a&b',
        labels: { a: '1', job: 'api' },
      },
    ])
  })

  it('holds what is valid and tells what is not, one a line', async () => {
    const { post, jobs } = start()
    const late = { labels: { job: 'late' }, startsAt: at(NOW_MS), endsAt: at(NOW_MS - 1) }
    const answer = await post([{ labels: {} }, { labels: { job: 'good' } }, late])
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toBe('at least one label pair required\nstart time must be before end time')
    expect(await jobs('')).toEqual(['good'])
  })

  it('holds nothing when one of them is not of the form', async () => {
    const { post, jobs } = start()
    const answer = await post([{ labels: { job: 'good' } }, {}])
    expect(answer.statusCode).toBe(422)
    expect(answer.json()).toEqual({ code: 602, message: '1.labels in body is required' })
    expect(await jobs('')).toEqual([])
    expect((await post('[null]')).json()).toEqual({ code: 602, message: '0 in body is required' })
    expect((await post('[{"labels":{"a":1}}]')).statusCode).toBe(400)
    expect((await post([{ labels: { a: 'b' }, generatorURL: 'not a url' }])).json()).toEqual({
      code: 601,
      message: '0.generatorURL in body must be of type uri: "not a url"',
    })
  })

  it('answers 507 when there is no room, and holds what had some', async () => {
    const { post, alerts } = start()
    const full = Array.from({ length: 100_000 }, (_, n) => ({
      labels: { n: `${n}` },
      annotations: {},
      startsAtNs: 0n,
      endsAtNs: alerts.nowNs() + HOUR_NS,
      generatorUrl: '',
    }))
    alerts.post(full.slice(1))
    const answer = await post([{ labels: { n: 'a' } }, { labels: { n: 'b' } }, { labels: {} }])
    expect(answer.statusCode).toBe(507)
    expect(answer.json()).toBe(
      'at least one label pair required\nno room for 1 of 3 alerts (limits: 100000 alerts, 134217728 bytes)',
    )
    expect(alerts.snapshot()).toHaveLength(100_000)
  })

  it('takes thousands in slices, between which others are served', async () => {
    const { post, get, alerts } = start()
    // More than a turn of the event loop on any machine.
    const many = Array.from({ length: 30_000 }, (_, i) => ({ labels: { n: `${i}` } }))
    const posted = post([{ labels: {} }, ...many, { labels: {} }])
    const seen = new Set<number>()
    for (let done = false; !done; ) {
      done = await Promise.race([
        posted.then(() => true),
        get('/status').then(() => new Promise<boolean>((resolve) => setImmediate(resolve, false))),
      ])
      seen.add(alerts.snapshot().length)
    }
    expect((await posted).json()).toBe('at least one label pair required\nat least one label pair required')
    expect(alerts.snapshot()).toHaveLength(30_000)
    expect([...seen].filter((held) => held > 0 && held < 30_000).length).toBeGreaterThan(0)
  })

  it('refuses a body above the limit', async () => {
    const { post } = start()
    expect((await post([{ labels: { a: 'x'.repeat(1024 * 1024) } }])).statusCode).toBe(413)
  })
})

describe('GET /alerts', () => {
  it('shows a silence at once, and its end', async () => {
    const { post, get, silence, silences, clock } = start()
    await post([{ labels: { job: 'a' } }])
    const [first, second] = [await silence('a'), await silence('a')]
    const status = async () => (await get('/alerts')).json()[0].status
    expect(await status()).toEqual({
      state: 'suppressed',
      silencedBy: [first, second].sort((a, b) => (a < b ? -1 : 1)),
      inhibitedBy: [],
      mutedBy: [],
    })
    await silences.expire(first)
    clock.nowMs++
    expect((await status()).silencedBy).toEqual([second])
    await silences.expire(second)
    clock.nowMs++
    expect(await status()).toMatchObject({ state: 'active', silencedBy: [] })
  })

  it('leaves out what is active or silenced when told so', async () => {
    const { post, jobs, silence } = start()
    await post([{ labels: { job: 'a' } }, { labels: { job: 'b' } }])
    await silence('b')
    const sorted = async (query: string) => (await jobs(query)).sort((a, b) => (a < b ? -1 : 1))
    expect(await sorted('?active=true&silenced=yes&inhibited=0&unprocessed=0')).toEqual(['a', 'b'])
    expect(await sorted('?active=false')).toEqual(['b'])
    expect(await sorted('?silenced=false')).toEqual(['a'])
    expect(await sorted('?silenced=false&active=false')).toEqual([])
  })

  it('leaves out what has resolved, from right after its end', async () => {
    const { post, jobs, clock } = start()
    await post([{ labels: { job: 'a' }, endsAt: at(NOW_MS + HOUR_MS) }])
    clock.nowMs += HOUR_MS
    expect(await jobs('')).toEqual(['a'])
    clock.nowMs++
    expect(await jobs('')).toEqual([])
  })

  it('gives a list of thousands in order, while others are served', async () => {
    const { post, get } = start()
    await post(Array.from({ length: 2000 }, (_, n) => ({ labels: { n: `${n}` } })))
    const [all, one] = await Promise.all([get('/alerts'), get('/alerts?filter=n%3D%227%22')])
    const fingerprints = all.json().map(({ fingerprint }: { fingerprint: string }) => fingerprint)
    expect(fingerprints).toHaveLength(2000)
    expect(fingerprints).toEqual([...fingerprints].sort((a, b) => (a < b ? -1 : 1)))
    expect(one.json()).toHaveLength(1)
  })
})

describe('receivers', () => {
  it('are those announced, in their order, with their name as a label', async () => {
    const { get } = start('team-b', 'team-a')
    expect((await get('/receivers')).json()).toEqual([
      { name: 'team-b', labels: { name: 'team-b' } },
      { name: 'team-a', labels: { name: 'team-a' } },
    ])
  })

  it.each([
    ['name=~"team-.*"', ['team-a', 'team-b']],
    ['name!="team-a"', ['team-b', 'other']],
    ['name=~"team-.*"&receiver_matchers=name!~".*b"', ['team-a']],
    ['owner="x"', []],
    ['owner!="x"', ['team-a', 'team-b', 'other']],
  ])('are selected by receiver_matchers=%s', async (query, expected) => {
    const { get } = start('team-a', 'team-b', 'other')
    const answer = await get(`/receivers?receiver_matchers=${encodeURI(query)}`)
    expect(answer.json().map(({ name }: { name: string }) => name)).toEqual(expected)
  })

  it('select alerts, all of which go to all of them', async () => {
    const { post, jobs } = start('team-a', 'other')
    await post([{ labels: { job: 'x' } }])
    expect(await jobs('?receiver=team-.*')).toEqual(['x'])
    expect(await jobs('?receiver=team')).toEqual([])
    expect(await jobs('?receiver_matchers=name%3Dother')).toEqual(['x'])
    expect(await jobs('?receiver_matchers=name%3Dnobody')).toEqual([])
    expect(await jobs('?receiver=other&receiver_matchers=name%3Dnobody')).toEqual([])
  })

  it.each(['/receivers', '/alerts'])('make %s a 400 when the matcher is bad', async (path) => {
    const { get } = start()
    const answer = await get(`${path}?receiver_matchers=nonsense`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toBe('failed to parse receiver_matchers param: bad matcher format: nonsense')
  })

  it('of a bad pattern are told in the words of the anchored one', async () => {
    const answer = await start().get('/alerts?receiver=(')
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toBe(
      'failed to parse receiver param: error parsing regexp: missing closing ): `^(?:()$`',
    )
  })

  it.each([[[]], [['team']], [['a "b"', 'c: #d']]])(
    '%j make a configuration of one route each',
    async (names) => {
      const { get } = start(...names)
      const config = parse((await get('/status')).json().config.original)
      const shown = names.length === 0 ? ['none'] : names
      expect(config.receivers).toEqual(shown.map((name) => ({ name })))
      expect(config.route.receiver).toBe(shown[0])
      const routes = shown.map((receiver) => ({ receiver, continue: true }))
      expect(config.route.routes).toEqual(shown.length === 1 ? undefined : routes)
    },
  )
})

describe('a generator URL', () => {
  it.each([
    'http://p:9090/g?a=b',
    '/path',
    'mailto:ana',
    'x:',
    '*',
    'http://[::1]:1/',
    'http://ä/',
    'http://p:/',
  ])('may be %s', (url) => expect(isRequestUri(url)).toBe(true))
  it.each([
    '',
    'p',
    'not a url',
    'http://a b/',
    'http://a/%zz',
    ':x',
    '?x',
    'a\tb',
    'http://a:b/',
    'http://[::1',
  ])('may not be %j', (url) => expect(isRequestUri(url)).toBe(false))
})
