/** All the silences: found by labels and counted by state, at any moment, as if one looked at each of them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ALERT_CHARS_MAX,
  COSTLY_TESTS,
  KEPT_ANSWERS_MAX,
  KEPT_CHARS_MAX,
  MatchCache,
} from '../../../src/alerting/core/match-cache.ts'
import { type Matcher, matcher, matchesValue } from '../../../src/alerting/core/matcher.ts'
import { nanosFromMs } from '../../../src/alerting/core/nanos.ts'
import { type Silence, silenceState } from '../../../src/alerting/core/silence.ts'
import { SilenceBook } from '../../../src/alerting/core/silence-book.ts'
import { RECENT_ROWS_MAX, SilenceIndex } from '../../../src/alerting/core/silence-index.ts'
import { aSilence, NOW_MS, NOW_NS } from '../../support/silences.ts'

type LabelRecord = Readonly<Record<string, string>>

function mutes(silence: Silence, labels: LabelRecord): boolean {
  return silence.matcherSets.some(
    (set) => set.length > 0 && set.every((of) => matchesValue(of, labels[of.name] ?? '')),
  )
}

/** What a look at each silence finds. */
function plainly(silences: Iterable<Silence>, labels: LabelRecord, nowMs: number): string[] {
  return [...silences]
    .filter((of) => silenceState(of, nanosFromMs(nowMs)) === 'active' && mutes(of, labels))
    .map(({ id }) => id)
    .sort((a, b) => (a < b ? -1 : 1))
}

function plainCounts(silences: Iterable<Silence>, nowMs: number): object {
  const counts = { active: 0, pending: 0, expired: 0 }
  for (const of of silences) counts[silenceState(of, nanosFromMs(nowMs))]++
  return counts
}

function ask(book: SilenceBook, labels: LabelRecord, nowMs = NOW_MS): string[] {
  return book.matching(new Map(Object.entries(labels)), nowMs)
}

const name = fc.constantFrom('a', 'b', 'c')
const value = fc.constantFrom('', 'x', 'y', 'xy', 'z')
const anyMatcher: fc.Arbitrary<Matcher> = fc
  .oneof(
    fc.tuple(name, fc.constantFrom('=' as const, '!=' as const), value),
    fc.tuple(
      name,
      fc.constantFrom('=~' as const, '!~' as const),
      fc.constantFrom('', 'x|y', '(x|z)', 'x.*', 'x.+', '.*', '.+', 'y?', 'xy?', '[xy]', '((', '(?i)X'),
    ),
  )
  .map(([of, operator, pattern]) => matcher(of, operator, pattern))
const alert = fc.dictionary(name, value)

const instant = fc
  .integer({ min: -3, max: 3 })
  .chain((ms) => fc.constantFrom(0n, 1n, -1n).map((ns) => NOW_NS + BigInt(ms) * 1_000_000n + ns))

describe('any silences', () => {
  it('are found and counted at any time, also when the clock goes back', () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          put: fc.record({
            id: fc.constantFrom('1', '2', '3', '4', '5'),
            matcherSets: fc.array(fc.array(anyMatcher, { maxLength: 3 }), { minLength: 1, maxLength: 2 }),
            startsAtNs: instant,
            endsAtNs: instant,
          }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ remove: fc.constantFrom('1', '2', '3') }) },
      { weight: 3, arbitrary: fc.record({ at: fc.integer({ min: -4, max: 4 }), labels: alert }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const book = new SilenceBook(NOW_MS)
        const held = new Map<string, Silence>()
        let nowMs = NOW_MS
        for (const of of steps) {
          if ('put' in of) {
            const silence = aSilence(of.put)
            held.set(silence.id, silence)
            book.put(silence)
          } else if ('remove' in of) {
            held.delete(of.remove)
            book.remove(of.remove)
          } else {
            nowMs = NOW_MS + of.at
            expect(ask(book, of.labels, nowMs)).toEqual(plainly(held.values(), of.labels, nowMs))
          }
          expect(book.counts(nowMs)).toEqual(plainCounts(held.values(), nowMs))
        }
        expect([...book.all()].length).toBe(held.size)
      }),
      { numRuns: 400 },
    )
  })
})

describe('an alert', () => {
  const withMatchers = (id: string, ...matchers: Matcher[]): Silence =>
    aSilence({ id, matcherSets: [matchers] })

  it('is compared with few of many silences', () => {
    const index = new SilenceIndex()
    for (let i = 0; i < 2000; i++) {
      index.add(withMatchers(`e${i}`, matcher('severity', '=', 'page'), matcher('alertname', '=', `A${i}`)))
      index.add(withMatchers(`r${i}`, matcher('instance', '=~', `db-(${i}|x${i})`)))
      index.add(withMatchers(`p${i}`, matcher('instance', '=~', `web-${i}-.*`), matcher('env', '!=', 'dev')))
      index.add(withMatchers(`l${i}`, matcher(`only${i}`, '!=', '')))
    }
    let tests = 0
    const labels = new Map([
      ['severity', 'page'],
      ['alertname', 'A7'],
      ['instance', 'web-17-a'],
      ['only5', 'x'],
    ])
    const found = index.matching(labels, (count) => {
      tests = count
    })
    expect(found.map(({ silence }) => silence.id).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      'e7',
      'l5',
      'p17',
    ])
    // The first few lie under the severity, before names were seen to be more selective.
    expect(tests).toBeLessThan(10)
  })

  it('that cost many tests is tested with what is new only', () => {
    const index = new SilenceIndex()
    const cache = new MatchCache(index)
    const labels = new Map([['a', 'x1']])
    for (let i = 0; i < COSTLY_TESTS; i++) index.add(withMatchers(`${i}`, matcher('a', '=~', `.*${i}`)))
    const ids = () => cache.matching(labels).map(({ silence }) => silence.id)
    expect(ids()).toEqual(['1'])
    expect(cache.size).toBe(1)
    expect(cache.matching(labels)).toBe(cache.matching(labels))
    index.add(withMatchers('new', matcher('a', '=~', 'x.')))
    index.add(withMatchers('other', matcher('a', '=', 'y')))
    expect(ids()).toEqual(['1', 'new'])
    index.remove('1')
    expect(ids()).toEqual(['new'])
    index.add(withMatchers('new', matcher('a', '=', 'y')))
    expect(ids()).toEqual([])
  })

  it('that was last asked about long ago is asked about anew', () => {
    const index = new SilenceIndex()
    const cache = new MatchCache(index)
    const labels = new Map([['a', 'x']])
    for (let i = 0; i < COSTLY_TESTS; i++) index.add(withMatchers(`${i}`, matcher('a', '=~', `.*${i}`)))
    cache.matching(labels)
    index.add(withMatchers('x', matcher('a', '=', 'x')))
    for (let i = 0; i < 2 * RECENT_ROWS_MAX; i++) index.add(withMatchers('same', matcher('b', '=', 'y')))
    expect(index.addedSince(COSTLY_TESTS)).toBeUndefined()
    expect(cache.matching(labels).map(({ silence }) => silence.id)).toEqual(['x'])
  })

  it('costs memory for a bounded number of answers', () => {
    const index = new SilenceIndex()
    const cache = new MatchCache(index)
    for (let i = 0; i < COSTLY_TESTS; i++) index.add(withMatchers(`${i}`, matcher('a', '!=', 'x')))
    for (let i = 0; i < KEPT_ANSWERS_MAX + 10; i++) cache.matching(new Map([['b', `${i}`]]))
    // A million rows are fewer answers than 20,000 here: each has 64.
    expect(cache.size).toBeLessThanOrEqual(1_000_000 / COSTLY_TESTS)
    expect(cache.matching(new Map([['b', '0']]))).toHaveLength(COSTLY_TESTS)
  })

  it('costs memory for a bounded length of labels', () => {
    const index = new SilenceIndex()
    const cache = new MatchCache(index)
    for (let i = 0; i < COSTLY_TESTS; i++) index.add(withMatchers(`${i}`, matcher('b', '!=', 'x')))
    const long = 'x'.repeat(ALERT_CHARS_MAX - 20)
    const answers = Math.floor(KEPT_CHARS_MAX / ALERT_CHARS_MAX)
    for (let i = 0; i < answers + 10; i++) cache.matching(new Map([['a', `${long}${i}`]]))
    expect(cache.size).toBeLessThan(answers + 5)
    expect(cache.size).toBeGreaterThanOrEqual(answers)
    const before = cache.size
    expect(cache.matching(new Map([['a', `${long}${long}`]]))).toHaveLength(COSTLY_TESTS)
    expect(cache.size).toBe(before)
  })

  it('is never matched by types nobody knows, patterns that do not compile, or no matchers', () => {
    const book = new SilenceBook(NOW_MS)
    book.put(withMatchers('type', { type: 7, name: 'a', pattern: 'x' }))
    book.put(withMatchers('regex', matcher('a', '!~', '((')))
    book.put(withMatchers('none'))
    book.put(withMatchers('good', matcher('a', '=', 'y')))
    expect(ask(book, { a: 'y' })).toEqual(['good'])
  })
})

describe('100,000 silences', () => {
  it('are counted without a look at each, and edits of one leave no litter', () => {
    const book = new SilenceBook(NOW_MS)
    for (let i = 0; i < 100_000; i++) {
      const endsAtNs = NOW_NS + BigInt(i + 1) * 1_000_000n
      book.put(aSilence({ id: `${i}`, endsAtNs, matcherSets: [[matcher('a', '=', `${i}`)]] }))
    }
    const beforeMs = performance.now()
    for (let i = 0; i < 1000; i++) book.counts(NOW_MS + i)
    expect(performance.now() - beforeMs).toBeLessThan(100)
    expect(book.counts(NOW_MS + 1000)).toEqual({ active: 99_001, pending: 0, expired: 999 })
    expect(book.counts(NOW_MS)).toEqual({ active: 100_000, pending: 0, expired: 0 })
    for (let i = 0; i < 10_000; i++) book.put(aSilence({ id: '5' }))
    expect(book.counts(NOW_MS + 200_000)).toEqual({ active: 1, pending: 0, expired: 99_999 })
  })
})
