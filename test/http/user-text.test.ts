/**
 * Items 19 and 27 of the security checklist, as far as HTTP goes: whatever text somebody wrote comes back as a type that no
 * browser runs, and JSON that is made to hurt a parser is refused or kept as it is. (The pages of a user interface are tested
 * with it.)
 */
import { describe, expect, it } from 'vitest'
import { DEPTH_MAX } from '../../src/http/json-slices.ts'
import type { TestApp } from '../support/http-app.ts'
import { fullApp } from '../support/http-routes.ts'

const SCRIPTS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'-alert(1)-'",
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==',
  'vbscript:msgbox(1)',
  '<svg/onload=alert(1)>',
  '<iframe srcdoc="<script>alert(1)</script>">',
  '</title><script>alert(1)</script>',
  '<!--><script>alert(1)//-->',
  '{{constructor.constructor("alert(1)")()}}',
  '\u2028alert(1)\u2029',
  '+ADw-script+AD4-alert(1)+ADw-/script+AD4-',
  '<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
  '%3Cscript%3Ealert(1)%3C/script%3E',
]
/** As somebody might store them, so that a browser would run what is in them. */
const LIVELY_TYPES = [
  'text/html',
  'text/html; charset=utf-7',
  'image/svg+xml',
  'application/xhtml+xml',
  'text/xml',
  'text/javascript',
  'text/plain',
  'application/json; x=<script>',
  'application/ld+json',
  'multipart/x-mixed-replace; boundary=x',
  'application/pdf',
]
const JSON_TYPES = /^application\/(problem\+)?json\b/

type Answer = Awaited<ReturnType<TestApp['app']['inject']>>

/** JSON is neither sniffed nor run; all else must be text or in a sandbox, and not sniffed. */
function expectHarmless(answer: Answer): void {
  const { headers } = answer
  const type = String(headers['content-type'] ?? '')
  if (JSON_TYPES.test(type)) return
  if (/^text\/plain\b/.test(type) && headers['content-security-policy'] === undefined) {
    expect(headers['x-content-type-options'], type).toBe('nosniff')
    return
  }
  expect(headers['x-content-type-options'], type).toBe('nosniff')
  expect(headers['content-security-policy'], type).toContain('sandbox')
}

describe('item 27: text that is a script', () => {
  it.each(LIVELY_TYPES)('as a value of type %s is not run', async (type) => {
    const { app } = fullApp()
    const url = '/api/v1/kv/m/k'
    const put = await app.inject({ method: 'PUT', url, payload: '{}', headers: { 'content-type': type } })
    expect(put.statusCode).toBe(201)
    const got = await app.inject(url)
    expect(got.statusCode).toBe(200)
    expectHarmless(got)
  })

  it.each(SCRIPTS)('as a name, a label, a comment or a query comes back as JSON: %j', async (text) => {
    const { app } = fullApp()
    const name = encodeURIComponent(text)
    const json = (url: string, body: unknown) =>
      app.inject({
        method: 'POST',
        url,
        payload: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
    await app.inject({ method: 'PUT', url: `/api/v1/kv/${name}/${name}`, payload: text })
    await app.inject({ method: 'PUT', url: `/api/v1/sets/${name}/${name}` })
    const silence = {
      matchers: [{ name: 'a', value: text, isRegex: false, isEqual: true }],
      startsAt: '2026-11-21T12:00:00Z',
      endsAt: '2026-11-22T12:00:00Z',
      createdBy: text,
      comment: text,
    }
    const alert = { labels: { alertname: text }, annotations: { summary: text }, generatorURL: text }
    const answers = [
      await json('/api/v2/silences', silence),
      await json('/api/v2/alerts', [alert]),
      await json('/api/v2/alerts', [{ ...alert, generatorURL: '' }]),
      await json('/api/v1/batch', { ops: [{ op: text }] }),
      await json('/api/v1/batch', { ops: [{ op: 'put', map: text, key: text, value: text }] }),
      await json('/api/v1/claims', { [text]: text }),
      await json('/api/v1/cluster/join', { peers: [text] }),
    ]
    for (const url of [
      '/api/v1/kv',
      `/api/v1/kv/${name}`,
      `/api/v1/kv/${name}/none${name}`,
      '/api/v1/sets',
      `/api/v1/sets/${name}`,
      `/api/v1/sets/${name}/${name}`,
      `/api/v1/owner/${name}`,
      `/api/v1/kv/m?limit=${name}`,
      `/api/v1/notifications?groupKey=${name}`,
      `/${name}`,
      `/api/v1/${name}`,
      `/api/v2/${name}`,
      '/api/v2/silences',
      '/api/v2/alerts',
      `/api/v2/silence/${name}`,
      `/api/v2/silences?filter=${name}`,
    ]) {
      answers.push(await app.inject(url))
    }
    for (const answer of answers) {
      if (answer.body === '') continue
      expect(String(answer.headers['content-type'])).toMatch(JSON_TYPES)
      expectHarmless(answer)
    }
    expectHarmless(await app.inject(`/api/v1/kv/${name}/${name}`))
  })
})

describe('item 19: JSON', () => {
  const put = ({ app }: TestApp, payload: string) =>
    app.inject({
      method: 'PUT',
      url: '/api/v1/kv/m/k',
      payload,
      headers: { 'content-type': 'application/json' },
    })

  it.each([
    '{"a":1,"a":2}',
    '1e400',
    '-0',
    '9007199254740993',
    '[0.1e-400]',
    '"\\ud800"',
    '{"__proto__":{"x":1}}',
  ])('%s comes back as it was written', async (text) => {
    const test = fullApp()
    expect((await put(test, text)).statusCode).toBe(201)
    expect((await test.app.inject('/api/v1/kv/m/k')).body).toBe(text)
    expect((await test.app.inject('/api/v1/kv/m')).body).toContain(`"value":${text}`)
  })

  it(`nested ${DEPTH_MAX} deep is taken, and deeper is refused on every route that reads JSON`, async () => {
    const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    const test = fullApp()
    expect((await put(test, deep(DEPTH_MAX))).statusCode).toBe(201)
    expect((await put(test, deep(100_000))).statusCode).toBe(400)
    const bodies: [string, string][] = [
      ['/api/v1/batch', `{"ops":[{"op":"put","map":"m","key":"k","value":${deep(100_000)}}]}`],
      ['/api/v1/claims', deep(100_000)],
      ['/api/v1/notifications', deep(100_000)],
      ['/api/v1/silences/match', `{"labels":${deep(100_000)}}`],
      ['/api/v2/alerts', deep(100_000)],
      ['/api/v2/silences', deep(100_000)],
    ]
    for (const [url, payload] of bodies) {
      const answer = await test.app.inject({
        method: 'POST',
        url,
        payload,
        headers: { 'content-type': 'application/json' },
      })
      expect(answer.statusCode, url).toBe(400)
    }
  })
})
