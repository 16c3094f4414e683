import { toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { QUARANTINE_TABLE, SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import { MeshSilenceSchema } from '../../../src/alerting/core/alertmanager_pb.ts'
import { encodeForeignPart } from '../../../src/alerting/core/foreign-state.ts'
import { matcher } from '../../../src/alerting/core/matcher.ts'
import { VERSION_END_NS, ZERO_TIME_NS } from '../../../src/alerting/core/nanos.ts'
import type { Silence } from '../../../src/alerting/core/silence.ts'
import { admitSilence } from '../../../src/alerting/core/silence-admission.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import type { SilenceRequest } from '../../../src/alerting/core/silence-rules.ts'
import { Silences } from '../../../src/alerting/silences.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import { aRequest, aSilence, HOUR_NS, NOW_MS, NOW_NS, silenceMessage } from '../../support/silences.ts'

const RETENTION_NS = 120n * HOUR_NS
const SECOND_NS = 1_000_000_000n
const ALL = { filters: [], states: new Set(['active', 'pending', 'expired'] as const) }

function setup() {
  const records = memoryRecords()
  const clock = { nowMs: NOW_MS }
  let ids = 0
  const silences = new Silences(
    records,
    { monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs },
    { retentionMs: 120 * 3_600_000, newId: () => `id-${++ids}` },
  )
  const stored = (id: string): Silence => {
    const silence = silences.get(id)
    if (silence === undefined) throw new Error(`no silence ${id}`)
    return silence
  }
  const holding = (silence: Silence, table = SILENCE_TABLE): void =>
    records.merge([{ table, key: silence.id, record: encodeSilence(silence) }])
  /** An active silence of the past hour, and the request that would leave it as it is. */
  const edit = async (change: Partial<SilenceRequest>, of: Partial<Silence> = {}): Promise<string> => {
    const old = aSilence({ id: 'old', ...of })
    holding(old)
    return silences.create(
      aRequest({ id: 'old', startsAtNs: old.startsAtNs, endsAtNs: old.endsAtNs, ...change }),
    )
  }
  return { records, clock, silences, stored, holding, edit }
}

describe('creating a silence', () => {
  it('starts now when the start is past or not set, and when asked when it is later', async () => {
    const { silences, stored } = setup()
    for (const [startsAtNs, expected] of [
      [NOW_NS - HOUR_NS, NOW_NS],
      [ZERO_TIME_NS, NOW_NS],
      [NOW_NS + 1n, NOW_NS + 1n],
    ] as const) {
      const silence = stored(await silences.create(aRequest({ startsAtNs })))
      expect(silence.startsAtNs).toBe(expected)
      expect(silence.updatedAtNs).toBe(NOW_NS)
      expect(silence.expiresAtNs).toBe(silence.endsAtNs + RETENTION_NS)
    }
  })

  it('stores nothing for an unknown id', async () => {
    const { silences } = setup()
    await expect(silences.create(aRequest({ id: 'nobody' }))).rejects.toMatchObject({
      code: 'SILENCE_NOT_FOUND',
    })
    expect(silences.query(ALL)).toEqual([])
  })

  it('keeps annotations, and clears them when an edit names none', async () => {
    const { silences, stored } = setup()
    const id = await silences.create(aRequest({ annotations: new Map([['team', 'x']]) }))
    expect(stored(id).annotations).toEqual(new Map([['team', 'x']]))
    await silences.create(aRequest({ id, startsAtNs: NOW_NS }))
    expect(stored(id).annotations).toEqual(new Map())
  })

  const refusals: readonly (readonly [Partial<SilenceRequest>, string])[] = [
    [{ matchers: [] }, 'matcher set 0 is empty'],
    [{ matchers: [matcher('', '=', 'x')] }, 'invalid label matcher 0 in set 0: invalid label name ""'],
    [
      { matchers: [matcher('a', '=', '')] },
      'matcher set 0: at least one matcher must not match the empty string',
    ],
    [
      { matchers: [matcher('a', '=~', '.*')] },
      'matcher set 0: at least one matcher must not match the empty string',
    ],
    [
      { matchers: [matcher('a', '=', 'b'), matcher('a', '=~', '((')] },
      'invalid label matcher 1 in set 0: invalid regular expression "((": error parsing regexp: missing closing ): `((`',
    ],
    [
      { matchers: [{ type: 333, name: 'a', pattern: 'b' }] },
      'invalid label matcher 0 in set 0: unknown matcher type "333"',
    ],
    [
      { matchers: [matcher('a', '=', '\ud800')] },
      'invalid label matcher 0 in set 0: invalid label value "\\ud800"',
    ],
    [{ endsAtNs: NOW_NS - 2n * HOUR_NS }, 'end time must not be before start time'],
    [{ endsAtNs: ZERO_TIME_NS }, 'invalid zero end timestamp'],
    [{ endsAtNs: 253_402_300_799n * SECOND_NS }, 'end time and retention must not go beyond the year 9999'],
  ]
  it.each(refusals.map(([change, fault]) => ({ change, fault })))(
    'refuses: $fault',
    async ({ change, fault }) => {
      const { silences } = setup()
      await expect(silences.create(aRequest(change))).rejects.toMatchObject({
        code: 'SILENCE_INVALID',
        message: `invalid silence: ${fault}`,
      })
    },
  )

  it('accepts names of any UTF-8, negative matchers alone, and equal start and end', async () => {
    const { silences, stored } = setup()
    const id = await silences.create(
      aRequest({ matchers: [matcher('fooΣ', '!=', 'bar🙂')], startsAtNs: NOW_NS, endsAtNs: NOW_NS }),
    )
    expect(stored(id).matcherSets).toEqual([[matcher('fooΣ', '!=', 'bar🙂')]])
  })

  it('resolves only when stored, and shows nothing when storing fails', async () => {
    const { silences, records } = setup()
    records.failNext = new Error('disk full')
    await expect(silences.create(aRequest())).rejects.toThrow('disk full')
    expect(silences.query(ALL)).toEqual([])
  })
})

describe('editing a silence', () => {
  it('in place keeps the id for what is not identity, and stamps a newer version', async () => {
    for (const change of [
      {},
      { comment: 'new', createdBy: 'bob', annotations: new Map([['a', 'b']]) },
      { endsAtNs: NOW_NS + 5n * HOUR_NS },
      { endsAtNs: NOW_NS },
      { startsAtNs: NOW_NS - HOUR_NS + 999_999_999n },
    ]) {
      const { edit, stored } = setup()
      expect(await edit(change)).toBe('old')
      expect(stored('old')).toMatchObject({ ...change, updatedAtNs: NOW_NS })
    }
  })

  it('extends what replicas remember with the end, and never shortens it', async () => {
    const { edit, stored } = setup()
    await edit({ endsAtNs: NOW_NS + 5n * HOUR_NS })
    expect(stored('old').expiresAtNs).toBe(NOW_NS + 125n * HOUR_NS)
    await edit({ endsAtNs: NOW_NS + 1n * HOUR_NS })
    expect(stored('old').expiresAtNs).toBe(NOW_NS + 125n * HOUR_NS)
  })

  it('makes a new one and ends the old one for what is identity', async () => {
    for (const change of [
      { matchers: [matcher('job', '=', 'other')] },
      { matchers: [matcher('job', '=~', 'api')] },
      { startsAtNs: NOW_NS - HOUR_NS + SECOND_NS },
      { startsAtNs: NOW_NS - HOUR_NS - 1n },
    ]) {
      const { edit, stored, silences } = setup()
      expect(await edit(change)).toBe('id-1')
      expect(stored('old')).toMatchObject({ endsAtNs: NOW_NS, updatedAtNs: NOW_NS })
      expect(stored('id-1').startsAtNs).toBe(NOW_NS)
      expect(silences.query({ ...ALL, states: new Set(['active']) }).map(({ id }) => id)).toEqual(['id-1'])
    }
  })

  it('counts the order of matchers', async () => {
    const pair = [matcher('a', '=', '1'), matcher('b', '=', '2')] as const
    const { edit } = setup()
    expect(await edit({ matchers: [...pair].reverse() }, { matcherSets: [pair] })).toBe('id-1')
  })

  it('of a pending one is in place while the start stays in the future', async () => {
    const pending = { startsAtNs: NOW_NS + HOUR_NS, endsAtNs: NOW_NS + 2n * HOUR_NS }
    for (const [startsAtNs, id] of [
      [NOW_NS, 'old'],
      [NOW_NS + 90n * SECOND_NS, 'old'],
      [NOW_NS - 1n, 'id-1'],
    ] as const) {
      const { edit, stored } = setup()
      expect(await edit({ startsAtNs }, pending)).toBe(id)
      if (id !== 'old') expect(stored('old')).toMatchObject({ startsAtNs: NOW_NS, endsAtNs: NOW_NS })
    }
  })

  it('of an ended one leaves it as it is and makes a new one', async () => {
    const { edit, stored } = setup()
    const ended = { endsAtNs: NOW_NS - 1n }
    expect(await edit({ endsAtNs: NOW_NS + HOUR_NS }, ended)).toBe('id-1')
    expect(stored('old')).toMatchObject({ ...ended, updatedAtNs: NOW_NS - HOUR_NS })
  })

  it('that is refused leaves the old one active', async () => {
    const { edit, stored } = setup()
    await expect(edit({ matchers: [matcher('a', '=~', '((')] })).rejects.toMatchObject({
      code: 'SILENCE_INVALID',
    })
    await expect(edit({ endsAtNs: ZERO_TIME_NS })).rejects.toMatchObject({ code: 'SILENCE_INVALID' })
    expect(stored('old')).toMatchObject({ endsAtNs: NOW_NS + HOUR_NS, updatedAtNs: NOW_NS - HOUR_NS })
  })

  it('in place keeps what it does not know of the record, and outlives old comments', async () => {
    const message = silenceMessage({ id: 'old', comments: [{ author: 'ana', comment: 'swap' }] })
    if (message.silence !== undefined) {
      message.silence.$unknown = [{ no: 13, wireType: 2, data: Uint8Array.of(2, 10, 0) }]
    }
    const admission = admitSilence(toBinary(MeshSilenceSchema, message))
    if (admission.verdict !== 'accepted') throw new Error(admission.verdict)
    const { records, silences, stored } = setup()
    records.merge([admission.put])
    const { startsAtNs } = stored('old')
    expect(await silences.create(aRequest({ id: 'old', startsAtNs, comment: 'edited' }))).toBe('old')
    expect(stored('old').comment).toBe('edited')
    expect(stored('old').carried?.silence?.$unknown).toEqual(message.silence?.$unknown)
  })

  it('wins over the stored version within one tick, and over a clock that ran ahead', async () => {
    for (const updatedAtNs of [NOW_NS, NOW_NS + 1_000_000n * HOUR_NS]) {
      const { edit, stored } = setup()
      await edit({ comment: 'edited' }, { updatedAtNs })
      expect(stored('old')).toMatchObject({ comment: 'edited', updatedAtNs: updatedAtNs + 1n })
    }
  })
})

describe('ending a silence', () => {
  it('ends an active one now', async () => {
    const { silences, holding, stored } = setup()
    holding(aSilence({ id: 'a' }))
    await silences.expire('a')
    expect(stored('a')).toMatchObject({ startsAtNs: NOW_NS - HOUR_NS, endsAtNs: NOW_NS, updatedAtNs: NOW_NS })
  })

  it('starts and ends a pending one now', async () => {
    const { silences, holding, stored } = setup()
    holding(aSilence({ id: 'a', startsAtNs: NOW_NS + 1n }))
    await silences.expire('a')
    expect(stored('a')).toMatchObject({ startsAtNs: NOW_NS, endsAtNs: NOW_NS })
  })

  it('is remembered as long as any version asked for', async () => {
    const { silences, holding, stored } = setup()
    holding(aSilence({ id: 'long', expiresAtNs: NOW_NS + 1000n * HOUR_NS }))
    holding(aSilence({ id: 'short', expiresAtNs: NOW_NS + 1n }))
    await silences.expire('long')
    await silences.expire('short')
    expect(stored('long').expiresAtNs).toBe(NOW_NS + 1000n * HOUR_NS)
    expect(stored('short').expiresAtNs).toBe(NOW_NS + RETENTION_NS)
  })

  it('changes nothing the second time, and knows no unknown id', async () => {
    const { silences, holding, stored, clock } = setup()
    holding(aSilence({ id: 'a' }))
    await silences.expire('a')
    const ended = stored('a')
    clock.nowMs += 1
    await silences.expire('a')
    expect(stored('a')).toEqual(ended)
    await expect(silences.expire('b')).rejects.toMatchObject({ code: 'SILENCE_NOT_FOUND' })
  })

  it('works on a record from 2096', async () => {
    const { silences, holding, stored } = setup()
    const updatedAtNs = 4_000_000_000n * SECOND_NS
    holding(aSilence({ id: 'a', updatedAtNs }))
    await silences.expire('a')
    expect(stored('a')).toMatchObject({ endsAtNs: NOW_NS, updatedAtNs: updatedAtNs + 1n })
  })

  it('shows in the counts one tick later', async () => {
    const { silences, holding, clock } = setup()
    holding(aSilence({ id: 'a' }))
    holding(aSilence({ id: 'p', startsAtNs: NOW_NS + 1n }))
    expect(silences.counts()).toEqual({ active: 1, pending: 1, expired: 0 })
    await silences.expire('a')
    await silences.expire('p')
    expect(silences.counts()).toEqual({ active: 2, pending: 0, expired: 0 })
    clock.nowMs += 1
    expect(silences.counts()).toEqual({ active: 0, pending: 0, expired: 2 })
  })

  it('follow the clock, also back, and what is merged', () => {
    const { silences, holding, clock } = setup()
    holding(aSilence({ id: 'p', startsAtNs: NOW_NS + 5_000_000n, endsAtNs: NOW_NS + 9_000_000n }))
    const shown = (afterMs: number): unknown => {
      clock.nowMs = NOW_MS + afterMs
      return Object.entries(silences.counts()).find(([, count]) => count > 0)?.[0]
    }
    expect([0, 4, 5, 9, 10, 11, 3].map(shown)).toEqual([
      'pending',
      'pending',
      'active',
      'active',
      'expired',
      'expired',
      'pending',
    ])
    holding(aSilence({ id: 'a' }))
    expect(silences.counts()).toEqual({ active: 1, pending: 1, expired: 0 })
  })
})

describe('a silence with the last version that may be active', () => {
  const last = aSilence({ id: 'last', updatedAtNs: VERSION_END_NS - 1n })

  it('can be ended, and peers take the end', async () => {
    const { silences, holding, records } = setup()
    holding(last)
    await silences.expire('last')
    const record = records.get(SILENCE_TABLE, 'last')
    expect(admitSilence(record?.bytes ?? new Uint8Array(0)).verdict).toBe('accepted')
  })

  it('lies below the versions of silences that mute nothing, which alone go further', () => {
    const verdict = (of: Partial<Silence>): string =>
      admitSilence(encodeSilence(aSilence({ id: 'x', updatedAtNs: VERSION_END_NS, ...of })).bytes).verdict
    expect(verdict({})).toBe('refused')
    expect(verdict({ startsAtNs: NOW_NS, endsAtNs: NOW_NS + 1n })).toBe('refused')
    expect(verdict({ startsAtNs: NOW_NS, endsAtNs: NOW_NS })).toBe('accepted')
  })

  it('is replaced by an edit, for peers would refuse the next version of it', async () => {
    const { silences, holding, stored } = setup()
    holding(last)
    const { startsAtNs, endsAtNs } = last
    const id = await silences.create(aRequest({ id: 'last', startsAtNs, endsAtNs }))
    expect(id).not.toBe('last')
    expect(stored('last').endsAtNs).toBe(NOW_NS)
  })
})

describe('quarantined silences', () => {
  const poison = aSilence({ id: 'bad', matcherSets: [[{ type: 1, name: 'a', pattern: '((' }]] })

  it('are in no list, and can be ended', async () => {
    const { silences, holding, records } = setup()
    holding(poison, QUARANTINE_TABLE)
    expect(silences.quarantine.size).toBe(1)
    expect(silences.query(ALL)).toEqual([])
    expect(silences.get('bad')).toBeUndefined()
    await silences.expire('bad')
    expect(records.get(QUARANTINE_TABLE, 'bad')?.versionNs).toBe(NOW_NS)
  })

  it('leave the last valid version in effect, and count no more once that is newer', () => {
    const { silences, holding } = setup()
    holding(aSilence({ id: 'bad', comment: 'valid' }))
    holding({ ...poison, updatedAtNs: NOW_NS - 1n }, QUARANTINE_TABLE)
    expect(silences.get('bad')?.comment).toBe('valid')
    expect(silences.quarantine.size).toBe(1)
    holding(aSilence({ id: 'bad', comment: 'newer', updatedAtNs: NOW_NS }))
    expect(silences.quarantine.size).toBe(0)
  })

  it('that are valid once they have ended go where peers will put them', async () => {
    const { silences, holding, records, stored } = setup()
    holding(
      aSilence({ id: 'bad', startsAtNs: NOW_NS + 2n * HOUR_NS, endsAtNs: NOW_NS + HOUR_NS }),
      QUARANTINE_TABLE,
    )
    await silences.expire('bad')
    expect(stored('bad')).toMatchObject({ startsAtNs: NOW_NS, endsAtNs: NOW_NS, updatedAtNs: NOW_NS })
    const record = records.get(SILENCE_TABLE, 'bad')
    expect(admitSilence(record?.bytes ?? new Uint8Array(0))).toMatchObject({ verdict: 'accepted' })
    expect(silences.quarantine.size).toBe(0)
  })

  it('of a matcher type that nobody knows end with one that everybody can list', async () => {
    const { silences, holding, stored, records } = setup()
    const valid = aSilence({ id: 'bad', updatedAtNs: NOW_NS - 5n })
    const matcherSets = [[matcher('a', '=', 'b'), { type: 7, name: 'c', pattern: 'd' }]]
    holding(valid)
    holding({ ...valid, updatedAtNs: NOW_NS - 1n, matcherSets }, QUARANTINE_TABLE)
    await silences.expire('bad')
    expect(stored('bad').endsAtNs).toBe(NOW_NS)
    expect(silences.quarantine.size).toBe(0)
    const part = encodeForeignPart(
      { table: SILENCE_TABLE, key: 'bad', record: encodeSilence(stored('bad')) },
      (table, key) => records.get(table, key),
    )
    expect(part).toBeDefined()
    // Where nothing valid is left of it, it stays held back, and can be listed all the same.
    holding(aSilence({ id: 'worse', matcherSets: [[{ type: 7, name: '', pattern: 'd' }]] }), QUARANTINE_TABLE)
    await silences.expire('worse')
    expect(silences.quarantine.size).toBe(0)
    const worse = records.get(QUARANTINE_TABLE, 'worse')
    if (worse === undefined) throw new Error('gone')
    expect(encodeForeignPart({ table: QUARANTINE_TABLE, key: 'worse', record: worse })).toBeDefined()
  })
})

describe('the index', () => {
  it('holds what was stored before, and follows merges and expiry', () => {
    const { silences, holding, records } = setup()
    holding(aSilence({ id: 'a' }))
    const late = new Silences(
      records,
      { monotonicMs: () => 0, wallMs: () => NOW_MS },
      { retentionMs: 0, newId: () => '' },
    )
    expect(late.get('a')?.comment).toBe('swap')
    holding(aSilence({ id: 'a', comment: 'newer', updatedAtNs: NOW_NS }))
    holding(aSilence({ id: 'a', comment: 'older', updatedAtNs: NOW_NS - 1n }))
    expect([silences, late].map((of) => of.get('a')?.comment)).toEqual(['newer', 'newer'])
    late.close()
    records.forget(SILENCE_TABLE, 'a')
    expect([silences, late].map((of) => of.get('a')?.comment)).toEqual([undefined, 'newer'])
  })
})

describe('the list of silences', () => {
  it('shows active ones by end, pending ones by start, expired ones with the latest end first', () => {
    const { silences, holding } = setup()
    const times: readonly (readonly [string, bigint, bigint])[] = [
      ['expired-early', -9n, -5n],
      ['active-late', -1n, 9n],
      ['pending-late', 7n, 8n],
      ['expired-late', -9n, -1n],
      ['active-early', -3n, 1n],
      ['pending-early', 2n, 9n],
      ['ending-now', -3n, 0n],
      ['starting-now', 0n, 5n],
    ]
    for (const [id, start, end] of times) {
      holding(aSilence({ id, startsAtNs: NOW_NS + start * HOUR_NS, endsAtNs: NOW_NS + end * HOUR_NS }))
    }
    expect(silences.query(ALL).map(({ id }) => id)).toEqual([
      'active-early',
      'starting-now',
      'active-late',
      'pending-early',
      'pending-late',
      'ending-now',
      'expired-late',
      'expired-early',
    ])
    const ids = (state: 'active' | 'pending' | 'expired') =>
      silences.query({ filters: [], states: new Set([state]) }).length
    expect([ids('active'), ids('pending'), ids('expired')]).toEqual([3, 2, 3])
    expect(silences.query({ filters: [], states: new Set() })).toEqual([])
  })

  it('filters by literal equality of name, operator and value, all of them within one set', () => {
    const { silences, holding } = setup()
    holding(
      aSilence({
        matcherSets: [[matcher('a', '=', 'x'), matcher('b', '=~', 'y.*')], [matcher('c', '!=', 'z')]],
      }),
    )
    const found = (...filters: readonly ReturnType<typeof matcher>[]) =>
      silences.query({ ...ALL, filters }).length
    expect(found(matcher('a', '=', 'x'))).toBe(1)
    expect(found(matcher('a', '=', 'x'), matcher('b', '=~', 'y.*'))).toBe(1)
    expect(found(matcher('c', '!=', 'z'))).toBe(1)
    expect(found(matcher('a', '=', 'x'), matcher('c', '!=', 'z'))).toBe(0)
    expect(found(matcher('a', '=~', 'x'))).toBe(0)
    expect(found(matcher('a', '=', 'xx'))).toBe(0)
    expect(found(matcher('b', '=~', 'yy'))).toBe(0)
    expect(found(matcher('b', '=', 'y.*'))).toBe(0)
  })
})
