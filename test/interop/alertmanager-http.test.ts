/**
 * The same requests to a real Alertmanager 0.25 and to us: status, content type, Allow and body must be the same. Where
 * they may differ, the table below says why; an entry that no longer makes a difference fails as well.
 */
import { afterAll, beforeAll, it } from 'vitest'
import { ALERTMANAGER, type Alertmanager, startAlertmanager } from '../support/alertmanager.ts'
import { type AlertmanagerApp, alertmanagerApp } from '../support/alertmanager-app.ts'
import { type Answer, get, JSON_TYPE, methodsIn, type Probe, sendProbe } from '../support/http-probe.ts'
import { expectKnownDifferences } from '../support/known-differences.ts'
import { requirement } from '../support/requirement.ts'

const VALID = {
  matchers: [{ name: 'a', value: 'b', isRegex: false }],
  startsAt: '2020-01-01T00:00:00Z',
  endsAt: '2035-01-01T00:00:00Z',
  createdBy: 'ana',
  comment: 'swap',
}
const UNKNOWN = 'cccccccc-0000-4000-8000-00000000000a'

function post(name: string, body: string | Record<string, unknown>): Probe {
  const text = typeof body === 'string' ? body : JSON.stringify({ ...VALID, ...body })
  return { name: `POST ${name}`, method: 'POST', path: '/silences', headers: JSON_TYPE, body: text }
}

function matching(name: string, fields: Record<string, unknown>): Probe {
  return post(`matcher ${name}`, { matchers: [{ name: 'a', value: 'b', isRegex: false, ...fields }] })
}

function filter(text: string): Probe {
  return { ...get(`/silences?filter=${encodeURIComponent(text)}`), name: `filter ${text}` }
}

const TIMES = [
  ...[
    '2035-01-01T00:00:00Z',
    '2035-01-01T00:00:00.1Z',
    '2035-01-01T00:00:00.1239Z',
    '2035-01-01T00:00:00.123456789Z',
  ],
  ...[
    '2035-01-01T00:00:00.1234567899Z',
    '2035-01-01T00:00:00+0000',
    '2035-01-01T00:00:00.123+0100',
    '2035-01-01',
  ],
  ...[
    '2035-01-01T00:00:00.123456-0130',
    '2035-01-01T00:00:00.12345+0100',
    '2035-01-01T00:00:00+01:30',
    '',
    'now',
  ],
  ...[
    '2035-01-01T00:00:00',
    '2035-01-01T00:00:00.5',
    '2035-01-01T00:00',
    '2035-01-01T00:00Z',
    '2035-1-1T00:00:00Z',
  ],
  ...[
    '2035-01-01T00:00+01:00',
    '2035-01-01 00:00:00',
    '2035-01-01 00:00:00.25',
    '2035-01-01 00:00',
    '2035-13-01T00:00:00Z',
  ],
  ...[
    '2035-01-01t00:00:00z',
    '2035-01-01T5:00:00Z',
    '2035-02-29T00:00:00Z',
    '2036-02-29T00:00:00Z',
    '2035-01-01T24:00:00Z',
  ],
  ...[
    '2035-01-01T23:59:60Z',
    '2035-01-01T00:00:00,5Z',
    '2035-01-01T00:00:00.Z',
    '9999-12-31T23:59:59Z',
    ' 2035-01-01T00:00:00Z',
  ],
  ...[
    '0001-01-01T00:00:00.000Z',
    '0000-01-01T00:00:00Z',
    '2035-01-01T00:00:00+01:60',
    '2035-01-01T00:00:00+1',
  ],
]

const MATCHERS: readonly Probe[] = [
  matching('without fields', { name: undefined, value: undefined, isRegex: undefined }),
  matching('without isRegex', { isRegex: undefined }),
  matching('without name', { name: undefined }),
  matching('with null value', { value: null }),
  matching('with null isEqual', { isEqual: null }),
  matching('with empty name', { name: '' }),
  matching('with number as name', { name: 1 }),
  matching('with text as isRegex', { isRegex: 'no' }),
  matching('((', { value: '((', isRegex: true }),
  matching('))', { value: '))', isRegex: true }),
  matching('a)|(b', { value: 'a)|(b', isRegex: true }),
  matching('lookahead', { value: '(?=a)', isRegex: true }),
  matching('backreference', { value: '(a)\\1', isRegex: true }),
  matching('group of newer Go', { value: '(?<n>a)', isRegex: true }),
  matching('named group', { value: '(?P<n>a)', isRegex: true }),
  matching('escaped group-like', { value: '\\(?<a', isRegex: true }),
  matching('repeat 1001', { value: 'a{1001}', isRegex: true }),
  matching('name with blank', { name: 'a b' }),
  matching('empty', { value: '' }),
  matching('.*', { value: '.*', isRegex: true }),
  matching('not empty', { value: '', isEqual: false }),
  post('two matchers, second bad', {
    matchers: [...VALID.matchers, { name: 'c', value: '[', isRegex: true, isEqual: false }],
  }),
]

const BODIES: readonly Probe[] = [
  post('null', 'null'),
  post('array', '[]'),
  post('text', '"x"'),
  post('number', '1'),
  post('blank', '  '),
  post('empty', ''),
  post('cut', '{"a":'),
  post('garbage', 'xx'),
  post('valid, then garbage', `${JSON.stringify(VALID)} xx`),
  post('unknown field', { more: 1 }),
  post('field names in another case', { startsAt: undefined, STARTSAT: VALID.startsAt }),
  post('no matchers', { matchers: [] }),
  post('matchers null', { matchers: null }),
  post('matchers object', { matchers: {} }),
  post('matchers of numbers', { matchers: [1] }),
  post('startsAt number', { startsAt: 1 }),
  post('startsAt null', { startsAt: null }),
  post('comment null', { comment: null }),
  post('comment number', { comment: 1 }),
  post('comment with lone surrogate', { comment: '\ud800' }),
  post('two missing', { comment: undefined, createdBy: undefined }),
  post('empty texts', { comment: '', createdBy: '' }),
  post('id number', { id: 1 }),
  post('id null', { id: null }),
  post('id empty', { id: '' }),
  post('id unknown', { id: 'x' }),
  post('id unknown and bad matcher', { id: UNKNOWN, matchers: [{ name: 'a', value: '((', isRegex: true }] }),
  post('id unknown and end in the past', { id: UNKNOWN, endsAt: '2021-01-01T00:00:00Z' }),
  post('end in the past', { endsAt: '2021-01-01T00:00:00Z' }),
  post('start at the end', { startsAt: VALID.endsAt }),
  post('start after the end', { startsAt: '2036-01-01T00:00:00Z' }),
  post('start not set', { startsAt: '0001-01-01T00:00:00.000Z' }),
  post('start and end not set', { startsAt: '0001-01-01T00:00:00.000Z', endsAt: '0001-01-01T00:00:00.000Z' }),
  { name: 'POST without type', method: 'POST', path: '/silences', body: '{}' },
  { name: 'POST without type and body', method: 'POST', path: '/silences' },
  { ...post('text/plain', {}), headers: { 'content-type': 'text/plain' } },
  { ...post('application/*', {}), headers: { 'content-type': 'application/*' } },
  {
    ...post('type with case and parameter', {}),
    headers: { 'content-type': 'Application/JSON; charset=UTF-8' },
  },
  { ...post('both media types wrong', {}), headers: { 'content-type': 'text/plain', accept: 'text/html' } },
  { ...post('good body, wrong accept', {}), headers: { ...JSON_TYPE, accept: 'text/html' } },
  {
    ...post('start after the end, wrong accept', { startsAt: '2036-01-01T00:00:00Z' }),
    headers: { ...JSON_TYPE, accept: 'text/html' },
  },
  { ...post('bad body, wrong accept', 'xx'), headers: { ...JSON_TYPE, accept: 'text/html' } },
]

const FILTERS = [
  ...[
    'a=b',
    'a',
    '=',
    'a=',
    'a="b',
    'a=b"',
    'a="b"c"',
    'a=~[',
    'a=~"("',
    'a!b',
    '{a=b}',
    'a="\\d"',
    '1a=b',
    'a==b',
  ],
  ...[
    'a=~',
    '',
    'a=b,c=d',
    ' a = b ',
    'a:b=c',
    'a!=b',
    'a!~b',
    'a=~b',
    'a="b"',
    'a="b" ',
    "a='b'",
    'a=b\\',
    'foo🙂=bar',
  ],
  ...['{a="b"}', 'a=b,', '"a"="b"', 'a="b",c="d"', 'a="\\""', 'a="b\\nc"', 'a=b\nc', '🙂', 'a=~b{1001}'],
]

const PATHS: readonly Probe[] = [
  ...[
    '/nope',
    '/',
    '/silences/',
    '/silence',
    '/silence/',
    '/silence/x',
    `/silence/${UNKNOWN}`,
    '/silence/x%20y',
  ],
  ...[`/silence/${UNKNOWN.toUpperCase()}`, `/silence/${UNKNOWN.replaceAll('-', '')}`, `/silence/${UNKNOWN}/`],
  ...['/silence/a/b', '/receivers', '/silences?active=false&expired=no&pending=0'],
].map((path) => get(path))

const METHODS: readonly Probe[] = (
  [
    ...(['PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'] as const).map(
      (method) => [method, '/silences'] as const,
    ),
    ...(['PUT', 'POST', 'HEAD'] as const).map((method) => [method, `/silence/${UNKNOWN}`] as const),
    ...[['POST', '/status'] as const, ['PUT', '/receivers'] as const, ['POST', '/nope'] as const],
    ...[['DELETE', '/silence/x'] as const, ['DELETE', `/silence/${UNKNOWN}`] as const],
  ] as const
).map(([method, path]) => ({ name: `${method} ${path}`, method, path }))

const ACCEPTS = ['text/html', '*/*', 'application/*', 'application/json;q=0.5', 'application/json;q=0', '']

/** What reads comes first, while both hold one silence. */
const PROBES: readonly Probe[] = [
  post('valid', {}),
  ...FILTERS.map(filter),
  ...[...ACCEPTS, 'text/html, */*;q=0.1'].map((accept) => get('/silences', { accept })),
  ...PATHS,
  ...METHODS,
  ...BODIES,
  ...MATCHERS,
  ...TIMES.map((endsAt) => post(`endsAt ${endsAt}`, { endsAt })),
]

/** Probe name -> why 0.25 answers otherwise. All of it is 0.34's behaviour unless it says "ours". */
const DIFFERENCES: Readonly<Record<string, string>> = {
  [`DELETE /silence/${UNKNOWN}`]: '0.26 and later: 404 without a body, no 500',
  'GET /receivers': 'ours: we route to nobody',
  'GET /silences?active=false&expired=no&pending=0': '0.34: silences can be listed by state',
  'POST endsAt 2035-01-01': 'later releases of its parser take a plain date',
  'POST endsAt 2035-01-01T00:00:00+01:60': 'ours: no offset has 60 minutes',
  'POST endsAt 9999-12-31T23:59:59Z': 'ours: words of our own for what 0.25 answers with an internal value',
  'POST good body, wrong accept': 'ours: an answer always names its type',
  'POST start after the end, wrong accept': 'ours: an answer always names its type',
  'POST id unknown and bad matcher': '0.28 and later validate first',
  'POST matcher name with blank': '0.27 and later take any UTF-8 in names',
  'filter a=~b{1001}': '0.27 and later: no outer brace in a filter',
  'filter {a=b}': '0.27 and later: no outer brace in a filter',
  'filter {a="b"}': '0.27 and later: no outer brace in a filter',
  'filter "a"="b"': '0.27 and later: newer grammar',
  'filter 1a=b': '0.27 and later: newer grammar',
  'filter foo🙂=bar': '0.27 and later: newer grammar',
}

/** What cannot be the same: ids, moments of update, Go's words on JSON and times, the offset a time was given in. */
function comparable(answer: Answer): string {
  const body = answer.body
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) =>
      id === UNKNOWN ? id : 'ID',
    )
    .replace(/"(updatedAt|startsAt)":"2026-[^"]*"/g, '"$1":"NOW"')
    .replace(/(parsing silence body from \\"\\" failed, because).*"/, '$1 REASON"')
    .replace(/invalid silence: (.*) in set 0: /, 'silence invalid: $1: ')
    .replace('invalid silence: matcher set 0: ', 'silence invalid: ')
  return `${answer.status} ${answer.type} ${methodsIn(answer.allow)} ${methodsIn(body)}`
}

/** Of a created silence: the instant that it was understood to end at. */
async function endOf(base: string, answer: Answer): Promise<number | undefined> {
  const created: unknown =
    answer.status === 200 && answer.body.startsWith('{') ? JSON.parse(answer.body) : undefined
  const id =
    typeof created === 'object' && created !== null && 'silenceID' in created ? created.silenceID : undefined
  if (id === undefined) return undefined
  const shown: unknown = JSON.parse((await sendProbe(base, get(`/silence/${id}`))).body)
  return typeof shown === 'object' && shown !== null && 'endsAt' in shown
    ? Date.parse(String(shown.endsAt))
    : Number.NaN
}

requirement(ALERTMANAGER)('the silence interface beside a real Alertmanager', () => {
  let real: Alertmanager
  let ours: AlertmanagerApp
  let oursUrl = ''

  beforeAll(async () => {
    real = await startAlertmanager({ standalone: true })
    ours = alertmanagerApp()
    oursUrl = await ours.app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterAll(async () => {
    await ours?.app.close()
    await real?.stop()
  })

  it('answers alike', async () => {
    const different: Record<string, string> = {}
    for (const probe of PROBES) {
      const [theirs, mine] = [await sendProbe(real.url, probe), await sendProbe(oursUrl, probe)]
      const shown = await Promise.all(
        [[real.url, theirs] as const, [oursUrl, mine] as const].map(
          async ([url, answer]) => `${comparable(answer)} ${(await endOf(url, answer)) ?? ''}`,
        ),
      )
      if (shown[0] !== shown[1]) different[probe.name] = `theirs ${shown[0]} | ours ${shown[1]}`
    }
    expectKnownDifferences(different, DIFFERENCES, Object.keys(DIFFERENCES))
  })
})
