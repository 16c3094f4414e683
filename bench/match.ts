/**
 * How long one alert takes to be compared with all active silences, by how they are written. The alert has ten labels; of
 * each kind of silences there are 100, 1,000 and 10,000.
 *
 * `first` is an alert never asked about before (labels differ each time), `again` the same ones asked about once more, when
 * costly answers are remembered (alerting/core/match-cache.ts). `plain` looks at each silence, as without an index.
 *
 * Run: `npm run bench -- match [--alerts 2000] [--only KIND]`.
 */
import { parseArgs } from 'node:util'
import { type Matcher, matcher, matchesValue } from '../src/alerting/core/matcher.ts'
import { nanosFromMs } from '../src/alerting/core/nanos.ts'
import { type Silence, silenceState } from '../src/alerting/core/silence.ts'
import { SilenceBook } from '../src/alerting/core/silence-book.ts'

const NOW_MS = 1_790_000_000_000
const NOW_NS = nanosFromMs(NOW_MS)
const HOUR_NS = 3_600_000_000_000n
const COUNTS = [100, 1000, 10_000] as const
const PLAIN_ALERTS_MAX = 20

/** Kind -> the matchers of the i-th silence. */
const KINDS: Readonly<Record<string, (i: number) => readonly Matcher[]>> = {
  'equality, all different': (i) => [matcher('alertname', '=', `Alert${i}`)],
  'equality, 50 values and one that differs': (i) => [
    matcher('team', '=', `team${i % 50}`),
    matcher('instance', '=', `db-${i}.example.com:9100`),
  ],
  'equality, 50 values': (i) => [matcher('team', '=', `team${i % 50}`), matcher('env', '!=', 'prod')],
  'alternation of 3': (i) => [matcher('instance', '=~', `db-${i}:9100|db-${i + 1}:9100|web-${i}:9100`)],
  'regex, beginnings differ': (i) => [matcher('instance', '=~', `db-${i}-.*`)],
  'regex, one beginning': (i) => [matcher('instance', '=~', `db-[0-9]+-.*${i}x`)],
  'regex, no beginning': (i) => [matcher('instance', '=~', `.*-${i}x`)],
  'regex, other label': (i) => [matcher('volume', '=~', `/data/[a-z]+${i}`)],
  'negative only': (i) => [matcher('env', '!=', `prod`), matcher('region', '!=', `eu-${i}`)],
}

function silence(i: number, matchers: readonly Matcher[]): Silence {
  return {
    id: `${i}`.padStart(36, '0'),
    matcherSets: [matchers],
    startsAtNs: NOW_NS - HOUR_NS,
    endsAtNs: NOW_NS + HOUR_NS,
    updatedAtNs: NOW_NS - HOUR_NS,
    expiresAtNs: NOW_NS + 121n * HOUR_NS,
    createdBy: 'bench',
    comment: 'bench',
    annotations: new Map(),
  }
}

function alert(i: number): ReadonlyMap<string, string> {
  return new Map([
    ['alertname', `Alert${i * 7}`],
    ['cluster', 'c1'],
    ['env', 'prod'],
    ['instance', `db-${i * 3}-b.example.com:9100`],
    ['job', 'node'],
    ['namespace', `ns${i % 20}`],
    ['region', 'eu-west-1'],
    ['replica', 'a'],
    ['severity', i % 2 === 0 ? 'critical' : 'warning'],
    ['team', `team${i % 50}`],
  ])
}

function plainly(silences: readonly Silence[], labels: ReadonlyMap<string, string>): number {
  let found = 0
  for (const of of silences) {
    if (silenceState(of, NOW_NS) !== 'active') continue
    if (of.matcherSets.some((set) => set.every((m) => matchesValue(m, labels.get(m.name) ?? '')))) found++
  }
  return found
}

/** @returns microseconds an alert, and how many silences fitted all of them together */
function time(
  alerts: readonly ReadonlyMap<string, string>[],
  find: (labels: ReadonlyMap<string, string>) => number,
): { readonly us: number; readonly found: number } {
  let found = 0
  const fromMs = performance.now()
  for (const labels of alerts) found += find(labels)
  return { us: ((performance.now() - fromMs) * 1000) / alerts.length, found }
}

const { values: options } = parseArgs({
  options: { alerts: { type: 'string', default: '2000' }, only: { type: 'string', default: '' } },
})
console.log(`match: us an alert of 10 labels, against active silences; Node ${process.version}`)
console.log(
  `${'silences'.padEnd(42)} ${['count', 'first', 'again', 'plain', 'add'].map((of) => of.padStart(9)).join('')}`,
)
for (const [kind, matchers] of Object.entries(KINDS).filter(([name]) => name.includes(options.only))) {
  for (const count of COUNTS) {
    const silences = Array.from({ length: count }, (_, i) => silence(i, matchers(i)))
    const addedMs = performance.now()
    const book = new SilenceBook(NOW_MS)
    for (const of of silences) book.put(of)
    const addUs = ((performance.now() - addedMs) * 1000) / count
    const find = (labels: ReadonlyMap<string, string>): number => book.matching(labels, NOW_MS).length
    // Patterns are compiled for matching when first used.
    for (let i = 0; i < 20; i++) find(alert(-i))
    const slow = time([alert(1_000_001)], find).us > 1000
    const alerts = Array.from({ length: slow ? 50 : Number(options.alerts) }, (_, i) => alert(i))
    const first = time(alerts, find)
    const again = time(alerts, find)
    const few = alerts.slice(0, PLAIN_ALERTS_MAX)
    const plain = time(few, (labels) => plainly(silences, labels))
    if (first.found !== again.found || time(few, find).found !== plain.found)
      throw new Error(`${kind}: answers differ`)
    const columns = [
      String(count),
      first.us.toFixed(1),
      again.us.toFixed(1),
      plain.us.toFixed(0),
      addUs.toFixed(1),
    ]
    console.log(`match ${kind.padEnd(36)} ${columns.map((of) => of.padStart(9)).join('')}`)
  }
}
