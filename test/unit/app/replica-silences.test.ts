/** Silences as the library gives them: plain objects out, and back in. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import { formatMatcher, type MatchOperator, matcher } from '../../../src/alerting/core/matcher.ts'
import { parseMatcher } from '../../../src/alerting/core/matcher-parser.ts'
import type { Silence } from '../../../src/alerting/core/silence.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import { Silences } from '../../../src/alerting/silences.ts'
import {
  ReplicaSilences,
  type SilenceFilter,
  type SilenceOptions,
} from '../../../src/app/replica-silences.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import { aSilence, HOUR_NS, NOW_MS, NOW_NS } from '../../support/silences.ts'

const HOUR_MS = 3_600_000
const OPTIONS: SilenceOptions = {
  matchers: ['alertname=~"Disk.*"', 'severity!="info"'],
  endsAt: new Date(NOW_MS + HOUR_MS),
  createdBy: 'ana',
  comment: 'swap',
}

function setup() {
  const records = memoryRecords()
  const clock = { nowMs: NOW_MS }
  let ids = 0
  const silences = new ReplicaSilences(
    new Silences(
      records,
      { monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs },
      { retentionMs: 120 * HOUR_MS, newId: () => `id-${++ids}` },
    ),
  )
  const holding = (parts: Partial<Silence>): void => {
    const silence = aSilence(parts)
    records.merge([{ table: SILENCE_TABLE, key: silence.id, record: encodeSilence(silence) }])
  }
  return { silences, clock, holding }
}

describe('a silence', () => {
  it('is what was created, with its state and times, and a copy', async () => {
    const { silences, clock } = setup()
    const id = await silences.create({ ...OPTIONS, annotations: { team: 'db', ['__proto__']: 'x' } })
    const shown = silences.get(id)
    expect(shown).toEqual({
      id,
      state: 'active',
      matchers: OPTIONS.matchers,
      otherMatcherSets: [],
      startsAt: new Date(NOW_MS),
      endsAt: OPTIONS.endsAt,
      updatedAt: new Date(NOW_MS),
      createdBy: 'ana',
      comment: 'swap',
      annotations: Object.fromEntries([
        ['team', 'db'],
        ['__proto__', 'x'],
      ]),
    })
    shown?.endsAt.setTime(0)
    expect(silences.get(id)?.endsAt).toEqual(OPTIONS.endsAt)
    clock.nowMs += HOUR_MS
    expect(silences.get(id)?.state).toBe('expired')
    expect(silences.get('nobody')).toBeUndefined()
  })

  it('shows all sets of a newer Alertmanager, and keeps them through an update', async () => {
    const { silences, holding } = setup()
    holding({
      id: 'a',
      matcherSets: [[matcher('a', '=', '1')], [matcher('b', '=', '2'), matcher('c', '=', '3')]],
    })
    expect(silences.get('a')).toMatchObject({ matchers: ['a="1"'], otherMatcherSets: [['b="2"', 'c="3"']] })
    expect(await silences.update('a', { comment: 'new' })).toBe('a')
    expect(silences.get('a')?.otherMatcherSets).toEqual([['b="2"', 'c="3"']])
    expect(silences.matching({ b: '2', c: '3' })).toEqual(['a'])
    expect(silences.get(await silences.update('a', { matchers: ['a="1"'] }))?.otherMatcherSets).toEqual([])
  })

  it('has times rounded down to the millisecond, also before 1970', () => {
    const { silences, holding } = setup()
    holding({ id: 'a', startsAtNs: NOW_NS + 999_999n })
    holding({ id: 'b', startsAtNs: -1n })
    expect(silences.get('a')?.startsAt).toEqual(new Date(NOW_MS))
    expect(silences.get('b')?.startsAt).toEqual(new Date(-1))
  })
})

describe('matchers', () => {
  it('are shown as they can be given back', () => {
    const operator = fc.constantFrom<MatchOperator>('=', '!=', '=~', '!~')
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.constantFrom(
        'a',
        'foo_bar',
        'a b',
        '"',
        '\\',
        '\\d+',
        'x\ny',
        '{a}',
        "it's",
        '🙂',
        '\u0001',
        ' a ',
        '~',
        'a,b',
      ),
    )
    fc.assert(
      fc.property(text, operator, text, (name, op, value) => {
        const given = matcher(name === '' ? 'a' : name, op, value)
        // Patterns are compiled when read, and need not be any here.
        if (op.endsWith('~')) return
        expect(parseMatcher(formatMatcher(given))).toEqual(given)
      }),
      { numRuns: 2000 },
    )
    const pattern = matcher('instance', '=~', 'db-\\d+\\.example|"x"')
    expect(parseMatcher(formatMatcher(pattern))).toEqual(pattern)
  })
})

describe('an update', () => {
  it('changes what it names and leaves the rest', async () => {
    const { silences, clock } = setup()
    const id = await silences.create({ ...OPTIONS, annotations: { team: 'db' } })
    clock.nowMs += 1000
    const later = new Date(NOW_MS + 2 * HOUR_MS)
    expect(await silences.update(id, { endsAt: later })).toBe(id)
    expect(silences.get(id)).toMatchObject({
      comment: 'swap',
      annotations: { team: 'db' },
      endsAt: later,
      state: 'active',
    })
    expect(await silences.update(id, { comment: 'new', annotations: {} })).toBe(id)
    expect(silences.get(id)).toMatchObject({ comment: 'new', annotations: {}, endsAt: later })
    expect(await silences.update(id, { ...OPTIONS, startsAt: silences.get(id)?.startsAt ?? '' })).toBe(id)
  })

  it('of matchers makes a new silence, and ends the old one', async () => {
    const { silences } = setup()
    const id = await silences.create(OPTIONS)
    const other = await silences.update(id, { matchers: ['alertname="Other"'] })
    expect(other).not.toBe(id)
    expect([id, other].map((of) => silences.get(of)?.state)).toEqual(['expired', 'active'])
  })

  it('of a pending one moves its start', async () => {
    const { silences } = setup()
    const id = await silences.create({ ...OPTIONS, startsAt: new Date(NOW_MS + 1000) })
    const startsAt = new Date(NOW_MS + 2000)
    expect(await silences.update(id, { startsAt })).toBe(id)
    expect(silences.get(id)).toMatchObject({ startsAt, state: 'pending' })
  })

  it('of one that nobody knows, or that would not be valid, is refused, and nothing changes', async () => {
    const { silences } = setup()
    await expect(silences.update('nobody', {})).rejects.toMatchObject({ code: 'SILENCE_NOT_FOUND' })
    await expect(silences.update('', {})).rejects.toMatchObject({ code: 'SILENCE_NOT_FOUND' })
    const id = await silences.create(OPTIONS)
    await expect(silences.update(id, { endsAt: new Date(0) })).rejects.toMatchObject({
      code: 'SILENCE_INVALID',
    })
    await expect(silences.update(id, { endsAt: 'soon' })).rejects.toMatchObject({ code: 'DATE_MALFORMED' })
    expect(silences.query()).toEqual([silences.get(id)])
  })
})

describe('a query', () => {
  const found = (silences: ReplicaSilences, filter?: SilenceFilter): string[] =>
    silences.query(filter).map(({ id }) => id)

  it('selects by state and by matchers to the letter, in list order', () => {
    const { silences, holding } = setup()
    holding({ id: 'pending', startsAtNs: NOW_NS + 1n })
    holding({ id: 'ended', endsAtNs: NOW_NS - HOUR_NS })
    holding({ id: 'later', endsAtNs: NOW_NS + 2n * HOUR_NS })
    holding({ id: 'active', matcherSets: [[matcher('job', '=~', 'api|web')]] })
    expect(found(silences)).toEqual(['active', 'later', 'pending', 'ended'])
    expect(found(silences, { states: ['pending', 'expired'] })).toEqual(['pending', 'ended'])
    expect(found(silences, { filters: ['job=~"api|web"'] })).toEqual(['active'])
    expect(found(silences, { filters: ['job="api"'], states: ['active'] })).toEqual(['later'])
    expect(found(silences, { states: [] })).toEqual([])
  })
})

describe('what is misspelt or of another type', () => {
  it.each<readonly [string, (silences: ReplicaSilences) => unknown]>([
    ['OPTION_INVALID', (of) => of.create({ ...OPTIONS, start: 'x' } as SilenceOptions)],
    ['OPTION_INVALID', (of) => of.create({ ...OPTIONS, matchers: 'a="b"' } as unknown as SilenceOptions)],
    ['OPTION_INVALID', (of) => of.create({ ...OPTIONS, comment: 1 } as unknown as SilenceOptions)],
    ['OPTION_INVALID', (of) => of.create({ ...OPTIONS, annotations: { a: 1 } } as unknown as SilenceOptions)],
    ['OPTION_INVALID', async (of) => of.query({ filter: [] } as SilenceFilter)],
    ['OPTION_INVALID', async (of) => of.query({ states: ['ended'] } as unknown as SilenceFilter)],
    ['MATCHER_MALFORMED', async (of) => of.query({ filters: ['a'] })],
    ['DATE_MALFORMED', (of) => of.create({ ...OPTIONS, endsAt: undefined } as unknown as SilenceOptions)],
  ])('is refused: %s', async (code, call) => {
    const { silences } = setup()
    await expect(call(silences)).rejects.toMatchObject({ code })
    expect(silences.query()).toEqual([])
  })
})
