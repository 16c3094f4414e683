/**
 * Alerts and receivers: the same requests to a real Alertmanager 0.25 and to us, and after each post what is listed of it.
 * Where they may differ, the table below says why; an entry that no longer makes a difference fails as well.
 */
import { afterAll, beforeAll, it } from 'vitest'
import { ALERTMANAGER, type Alertmanager, startAlertmanager } from '../support/alertmanager.ts'
import { type AlertmanagerApp, alertmanagerApp } from '../support/alertmanager-app.ts'
import { type Answer, get, JSON_TYPE, methodsIn, type Probe, sendProbe } from '../support/http-probe.ts'
import { expectKnownDifferences } from '../support/known-differences.ts'
import { requirement } from '../support/requirement.ts'

const UNSET = '0001-01-01T00:00:00.000Z'
const HOUR_MS = 3_600_000
const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString()

function post(name: string, body: unknown): Probe {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { name: `POST ${name}`, method: 'POST', path: '/alerts', headers: JSON_TYPE, body: text }
}

/** One alert with a label that no other probe has. */
function alert(name: string, fields: Record<string, unknown>, labels: Record<string, unknown> = {}): Probe {
  return post(name, [{ labels: { alertname: 'Disk', probe: name, ...labels }, ...fields }])
}

const TIMES: readonly Probe[] = [
  alert('no times', {}),
  alert('times not set', { startsAt: UNSET, endsAt: UNSET }),
  alert('times null', { startsAt: null, endsAt: null }),
  alert('start only', { startsAt: inHours(-2) }),
  alert('end only', { endsAt: inHours(2) }),
  alert('end only, in the past', { endsAt: inHours(-2) }),
  alert('start in the future, no end', { startsAt: inHours(2) }),
  alert('start after end', { startsAt: inHours(3), endsAt: inHours(2) }),
  alert('start at the end', { startsAt: '2035-01-01T00:00:00Z', endsAt: '2035-01-01T00:00:00Z' }),
  alert('empty times', { startsAt: '', endsAt: '' }),
  alert('bad time', { startsAt: 'yesterday' }),
  alert('number as time', { startsAt: 1 }),
  alert('decimals', { endsAt: '2035-01-01T00:00:00.123987654Z' }),
  alert('zone', { endsAt: '2035-01-01T02:00:00+02:00' }),
  alert('year 9999', { endsAt: '9999-12-31T23:59:59Z' }),
]

const LABELS: readonly Probe[] = [
  alert('empty value', {}, { empty: '' }),
  alert('null value', {}, { none: null }),
  alert('number as value', {}, { number: 1 }),
  alert('order', {}, { z: '1', a: '2', Z: '3', _: '4' }),
  alert('odd values', {}, { a: 'b"c', d: 'e\\f', g: 'h\ni', j: 'ä🙂' }),
  alert('lone surrogate', {}, { a: '\ud800' }),
  alert('name with blank', {}, { 'a b': '1' }),
  alert('name with colon', {}, { 'a:b': '1' }),
  alert('empty name', {}, { '': '1' }),
  alert('empty name and value', {}, { '': '' }),
  alert('annotations', { annotations: { summary: 's', empty: '', b: 'c' } }),
  alert('annotation of number', { annotations: { summary: 1 } }),
  alert('annotations null', { annotations: null }),
  alert('annotation with empty name', { annotations: { '': 'x' } }),
  post('labels all empty', [{ labels: { a: '' } }]),
  post('labels of nothing', [{ labels: {} }]),
  post('labels null', [{ labels: null }]),
  post('labels list', [{ labels: [] }]),
  post('LABELS', [{ LABELS: { probe: 'LABELS' } }]),
  post('__proto__', '[{"labels":{"probe":"__proto__","__proto__":"x","constructor":"y"}}]'),
]

const URLS: readonly Probe[] = [
  ...[
    'http://prometheus:9090/graph?g0.expr=up&x=%7B',
    'not a url',
    '/path',
    'path',
    'mailto:ana',
    'http:',
    '',
  ],
  ...[
    'http://a b/',
    'http://a/%zz',
    'http://a/b c',
    '*',
    ':x',
    'http://[::1]:9090/',
    'http://a:b/',
    'http://a:/',
  ],
  ...[
    '//host/x',
    'http://u:p@h/',
    'http://u p@h/',
    'a\tb',
    '1http://a',
    'http://ä/ö',
    'http://a%20b/',
    '?x',
    'x:?',
  ],
  ...[
    'http://',
    'http://{a}/',
    'http://a/?%zz',
    '#a',
    'http://a#%zz',
    'urn:a%zz',
    'http://h%41/',
    '/%',
    '/a?b',
  ],
  ...[
    'http://a<b/',
    'http://a_b/',
    "http://a'b/",
    'http://[::1',
    'http://[fe80::1%25eth0]/',
    'http://a\\b/',
    'h\u0000',
  ],
].map((url) => alert(`url ${url}`, { generatorURL: url }))

const BODIES: readonly Probe[] = [
  post('null', 'null'),
  post('no alerts', []),
  post('object', {}),
  post('text', '"x"'),
  post('number', '1'),
  post('blank', '  '),
  post('empty', ''),
  post('cut', '[{"labels":'),
  post('garbage', 'xx'),
  post('alerts, then garbage', `${JSON.stringify([{ labels: { probe: 'then garbage' } }])} xx`),
  post('empty alert', [{}]),
  post('number among alerts', [1]),
  post('second without labels', [{ labels: { probe: 'first' } }, {}]),
  post('url and labels wrong', [{ generatorURL: 'not a url' }]),
  post('unknown field', [{ labels: { probe: 'unknown field' }, more: 1 }]),
  post('one valid, one not', [{ labels: { probe: 'one valid' } }, { labels: {} }]),
  post('two not valid', [{ labels: { a: '' } }, { labels: { b: '' } }]),
  { name: 'POST without type', method: 'POST', path: '/alerts', body: '[]' },
  { name: 'POST without type and body', method: 'POST', path: '/alerts' },
  { ...post('text/plain', []), headers: { 'content-type': 'text/plain' } },
  { ...post('good body, wrong accept', []), headers: { ...JSON_TYPE, accept: 'text/html' } },
]

/** Each continues the alert `merge` of the ones before it. */
const MERGES: readonly Probe[] = (
  [
    ['named end', { startsAt: inHours(-4), endsAt: inHours(4) }],
    ['within, shorter', { startsAt: inHours(-1), endsAt: inHours(1), annotations: { a: 'new' } }],
    ['later end', { startsAt: inHours(-1), endsAt: inHours(6) }],
    ['assumed end', {}],
    ['before all of it', { startsAt: inHours(-9), endsAt: inHours(-8) }],
    ['over all of it', { startsAt: inHours(-10), endsAt: inHours(9) }],
    ['resolved', { startsAt: inHours(-1), endsAt: inHours(-0.5) }],
    ['again', { startsAt: inHours(-0.25) }],
    ['again assumed', { startsAt: inHours(-0.2) }],
    ['again named', { startsAt: inHours(-0.2), endsAt: inHours(1) }],
  ] as const
).map(([name, fields]) => ({ ...alert('merge', fields), name: `POST merge: ${name}` }))

const GETS: readonly Probe[] = [
  ...[
    '',
    '?active=false',
    '?active=0&silenced=true',
    '?silenced=false',
    '?silenced=no&active=yes',
    '?inhibited=false',
  ],
  ...['?unprocessed=false', '?active=false&silenced=false&inhibited=false&unprocessed=false', '?active='],
  ...[
    '?filter=job=a',
    '?filter=job=a&filter=env=dev',
    '?filter=job%3D~"a|b"',
    '?filter=job',
    '?filter={job=a}',
  ],
  ...[
    '?receiver=none',
    '?receiver=no',
    '?receiver=no.*',
    '?receiver=(',
    '?receiver=',
    '?receiver=x&receiver=none',
  ],
  ...['?filter=(&receiver=(', '?receiver=a{1001}'],
].map((query) => get(`/alerts${query}`))

const FILTERS: readonly Probe[] = (
  [
    ...[
      'job=""',
      'job=~""',
      'job!=""',
      'job!~""',
      'job="a|"',
      'job=~"a|"',
      'job!="a|"',
      'job!~"a|"',
      'job!="a"',
    ],
    ...[
      'baz=""',
      'baz=~""',
      'baz!=""',
      'baz!~""',
      'baz="q|"',
      'baz=~"q|"',
      'baz!="q|"',
      'baz!~"q|"',
      'baz!="q"',
    ],
    ...['constructor=""', 'constructor!=""', 'job=~"A"', 'job=~"(?i)A"'],
  ] as const
).map((text) => ({ ...get(`/alerts?filter=${encodeURIComponent(text)}`), name: `filter ${text}` }))

const OTHERS: readonly Probe[] = [
  ...['text/html', '*/*', 'application/json;q=0'].map((accept) => get('/alerts', { accept })),
  ...['/alerts/', '/alerts/x', '/receivers', '/receivers/', '/alerts/groups'].map((path) => get(path)),
  ...(['PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'] as const).map((method) => ({
    name: `${method} /alerts`,
    method,
    path: '/alerts',
  })),
  { name: 'POST /receivers', method: 'POST', path: '/receivers' },
]

/** What reads comes first, while both hold two alerts, one of them silenced. */
const PROBES: readonly Probe[] = [
  post('two', [
    { labels: { job: 'a', env: 'dev' }, generatorURL: 'http://p/', annotations: { summary: 'x' } },
    { labels: { job: 'b' }, startsAt: inHours(-1) },
  ]),
  ...GETS,
  ...FILTERS,
  ...OTHERS,
  ...BODIES,
  ...LABELS,
  ...TIMES,
  ...URLS,
  ...MERGES,
]

/** Probe name -> why 0.25 answers otherwise. All of it is 0.34's behaviour unless it says "ours". */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'GET /alerts/groups': 'ours: nothing is grouped here',
  'GET /alerts?filter={job=a}': '0.27 and later: words of the newer grammar',
  'POST name with blank': '0.27 and later take any UTF-8 in names',
  'POST name with colon': '0.27 and later take any UTF-8 in names',
  'POST two not valid': '0.28 and later: one a line',
  'POST zone': 'ours: every instant is shown in UTC',
}

/** What cannot be the same: ids of silences, moments near now, Go's words on JSON and times; and what 0.25 lacks. */
function comparable(answer: Answer): string {
  const body = answer.body
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'ID')
    .replace(/"([^"]*)":"(\d{4}-[^"]*)"/g, (text, name: string, time: string) => {
      const minutes = Math.round((Date.parse(time) - Date.now()) / 60_000)
      return Math.abs(minutes) < 1000 ? `"${name}":${minutes}m` : text
    })
    // Ours is plain JSON; Go escapes what HTML gives a meaning.
    .replace(/\\u00(26|3c|3e)/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/(parsing alerts body from \\"\\" failed, because).*"/, '$1 REASON"')
    .replaceAll('"mutedBy":[],', '')
    .replaceAll('"labels":{"name":"none"},"name":"none"', '"name":"none"')
  return `${answer.status} ${answer.type} ${methodsIn(answer.allow)} ${methodsIn(body)}`
}

/** After a post with a label `probe`: all that is known of that alert. */
async function listed(base: string, probe: Probe): Promise<string> {
  const label = /"(probe)":("(?:[^"\\]|\\.)*")/.exec(probe.method === 'POST' ? (probe.body ?? '') : '')
  if (label === null) return ''
  const filter = encodeURIComponent(`${label[1]}=${label[2]}`)
  return comparable(await sendProbe(base, get(`/alerts?filter=${filter}`)))
}

requirement(ALERTMANAGER)('the alert interface beside a real Alertmanager', () => {
  let real: Alertmanager
  let ours: AlertmanagerApp
  let oursUrl = ''

  beforeAll(async () => {
    real = await startAlertmanager({ standalone: true })
    ours = alertmanagerApp()
    ours.receivers.push('none')
    oursUrl = await ours.app.listen({ host: '127.0.0.1', port: 0 })
    const silence = {
      matchers: [{ name: 'job', value: 'b', isRegex: false }],
      startsAt: inHours(-1),
      endsAt: inHours(1),
      createdBy: 'ana',
      comment: 'swap',
    }
    const body = JSON.stringify(silence)
    for (const url of [real.url, oursUrl]) {
      await sendProbe(url, { name: '', method: 'POST', path: '/silences', headers: JSON_TYPE, body })
    }
  })
  afterAll(async () => {
    await ours?.app.close()
    await real?.stop()
  })

  it('answers alike, and holds the same afterwards', async () => {
    const different: Record<string, string> = {}
    for (const probe of PROBES) {
      const [theirs, mine] = [await sendProbe(real.url, probe), await sendProbe(oursUrl, probe)]
      const left = `${comparable(theirs)} ${await listed(real.url, probe)}`
      const right = `${comparable(mine)} ${await listed(oursUrl, probe)}`
      if (left !== right) different[probe.name] = `theirs ${left} | ours ${right}`
    }
    expectKnownDifferences(different, DIFFERENCES, Object.keys(DIFFERENCES))
  })
})
