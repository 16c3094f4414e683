import { describe, expect, it } from 'vitest'
import { QUARANTINE_TABLE, SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import type { Silence } from '../../../src/alerting/core/silence.ts'
import { REASON_CHARS_MAX } from '../../../src/alerting/core/silence-admission.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import { QUARANTINE_SHOWN_MAX, type QuarantinedSilence } from '../../../src/alerting/quarantine.ts'
import { Silences } from '../../../src/alerting/silences.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import { aSilence, HOUR_NS, NOW_MS, NOW_NS } from '../../support/silences.ts'

const END_NS = NOW_NS + HOUR_NS
const END_TEXT = new Date(NOW_MS + 3_600_000).toISOString()
const REASON =
  'invalid label matcher 0 in set 0: invalid regular expression "((": error parsing regexp: missing closing ): `((`'

function poison(parts: Partial<Silence> = {}, pattern = '(('): Silence {
  return aSilence({
    id: 'bad',
    endsAtNs: END_NS,
    matcherSets: [[{ type: 1, name: 'a', pattern }]],
    ...parts,
  })
}

function setup() {
  const records = memoryRecords()
  const clock = { nowMs: NOW_MS }
  const entered: QuarantinedSilence[] = []
  const start = (): Silences =>
    new Silences(
      records,
      { monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs },
      { retentionMs: 1000, newId: () => 'new', quarantined: (silence) => void entered.push(silence) },
    )
  const holding = (silence: Silence, table = QUARANTINE_TABLE): void =>
    records.merge([{ table, key: silence.id, record: encodeSilence(silence) }])
  return { silences: start(), start, holding, clock, entered }
}

describe('what is held back', () => {
  it('is shown by its id, with what is wrong and when it ends', () => {
    const { silences, holding } = setup()
    holding(poison())
    expect(silences.quarantine.view()).toEqual({
      count: 1,
      silences: [{ id: 'bad', reason: REASON, endsAt: END_TEXT }],
    })
  })

  it('counts no more at its end, and shows no more', () => {
    const { silences, holding, clock } = setup()
    holding(poison())
    clock.nowMs += 3_599_999
    expect(silences.quarantine.size).toBe(1)
    clock.nowMs++
    expect(silences.quarantine.size).toBe(0)
    expect(silences.quarantine.view()).toEqual({ count: 0, silences: [] })
  })

  it('counts no more once it has been ended, also after a restart', async () => {
    const { silences, start, holding } = setup()
    holding(poison())
    await silences.expire('bad')
    expect(silences.quarantine.size).toBe(0)
    expect(start().quarantine.view()).toEqual({ count: 0, silences: [] })
  })

  it('counts still after a restart while nobody ends it', () => {
    const { start, holding, entered } = setup()
    holding(poison())
    expect(start().quarantine.size).toBe(1)
    expect(entered).toHaveLength(1)
  })

  it('counts no more once a valid version is newer', () => {
    const { silences, holding } = setup()
    holding(poison())
    holding(aSilence({ id: 'bad', updatedAtNs: NOW_NS }), SILENCE_TABLE)
    expect(silences.quarantine.size).toBe(0)
  })

  it('is counted in full and shown as far as the bound goes', () => {
    const { silences, holding } = setup()
    for (let i = 0; i < QUARANTINE_SHOWN_MAX + 5; i++) holding(poison({ id: `bad-${i}` }))
    const { count, silences: shown } = silences.quarantine.view()
    expect([count, shown.length]).toEqual([QUARANTINE_SHOWN_MAX + 5, QUARANTINE_SHOWN_MAX])
  })

  it('says no more than the bound of a pattern that is large', () => {
    const { silences, holding } = setup()
    holding(poison({}, 'x'.repeat(100_000)))
    expect(silences.quarantine.view().silences[0]?.reason).toHaveLength(REASON_CHARS_MAX)
  })
})

describe('who is told of what comes in', () => {
  it('hears of each version once, with what is wrong', () => {
    const { holding, entered } = setup()
    holding(poison())
    holding(poison())
    expect(entered).toEqual([{ id: 'bad', reason: REASON, endsAt: END_TEXT }])
    holding(poison({ updatedAtNs: NOW_NS }))
    expect(entered).toHaveLength(2)
  })

  it('hears nothing of its end, nor of one that has ended or that a valid version outdoes', async () => {
    const { silences, holding, entered } = setup()
    holding(aSilence({ id: 'bad', updatedAtNs: NOW_NS }), SILENCE_TABLE)
    holding(poison({ updatedAtNs: NOW_NS - 1n }))
    holding(poison({ id: 'past', endsAtNs: NOW_NS }))
    expect(entered).toEqual([])
    holding(poison({ id: 'other' }))
    await silences.expire('other')
    expect(entered.map(({ id }) => id)).toEqual(['other'])
  })

  it('hears nothing after the close', () => {
    const { silences, holding, entered } = setup()
    silences.close()
    holding(poison())
    expect(entered).toEqual([])
  })
})
