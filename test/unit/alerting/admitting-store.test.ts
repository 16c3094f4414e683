/** Records in the private frames of peers: judged like those of an Alertmanager, once. */
import { describe, expect, it } from 'vitest'
import { AdmittingStore } from '../../../src/alerting/admitting-store.ts'
import { QUARANTINE_TABLE, SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import type { Silence } from '../../../src/alerting/core/silence.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import type { Delta, RecordPut } from '../../../src/store/core/delta.ts'
import { ReplicaState } from '../../../src/store/core/replica-state.ts'
import { memorySyncStore } from '../../support/memory-sync-store.ts'
import { aSilence, HOUR_NS, NOW_MS, NOW_NS } from '../../support/silences.ts'

function setup() {
  const state = new ReplicaState()
  const refused: string[] = []
  const handed: RecordPut[] = []
  const joined = (delta: Delta): Delta => {
    handed.push(...delta.records)
    return state.join(delta, NOW_MS).effective
  }
  const store = new AdmittingStore(
    memorySyncStore(state, NOW_MS, { join: joined }),
    (table, key) => state.record(table, key, NOW_MS),
    (reason) => refused.push(reason),
  )
  const hear = (...records: RecordPut[]): Delta => store.join({ puts: [], adds: [], covered: [], records })
  return { state, store, refused, handed, hear }
}

function version(of: Partial<Silence>, table = SILENCE_TABLE): RecordPut {
  const silence = aSilence(of)
  return { table, key: silence.id, record: encodeSilence(silence) }
}

function put(id: string, pattern = 'b', table = SILENCE_TABLE): RecordPut {
  const silence = aSilence({ id, matcherSets: [[{ type: 1, name: 'a', pattern }]] })
  return { table, key: id, record: encodeSilence(silence) }
}

describe('a record in a private frame', () => {
  it('that would do harm is quarantined whatever table it names, and its neighbours join', () => {
    const { state, hear } = setup()
    hear(put('bad', '(?=x)'), put('good'), put('fine', 'b', QUARANTINE_TABLE))
    expect([...state.records(SILENCE_TABLE, NOW_MS)].map(([key]) => key)).toEqual(['good', 'fine'])
    expect([...state.records(QUARANTINE_TABLE, NOW_MS)].map(([key]) => key)).toEqual(['bad'])
  })

  it('goes under its own id, not under the key the frame gives', () => {
    const { state, hear } = setup()
    hear({ ...put('mine'), key: 'theirs' })
    expect(state.record(SILENCE_TABLE, 'theirs', NOW_MS)).toBeUndefined()
    expect(state.record(SILENCE_TABLE, 'mine', NOW_MS)).toBeDefined()
  })

  it('that is garbage, or of a table nobody knows, is refused alone', () => {
    const { refused, hear } = setup()
    const garbage = { versionNs: 1n, bytes: Uint8Array.of(9, 9, 9), expiresAtMs: 1e13 }
    const news = hear(
      { table: SILENCE_TABLE, key: 'x', record: garbage },
      { ...put('y'), table: '__proto__' },
      put('z'),
    )
    expect(refused).toEqual(['RECORD_MALFORMED', 'TABLE_UNKNOWN'])
    expect(news.records.map(({ key }) => key)).toEqual(['z'])
  })

  it('that is held to the byte is not judged again', () => {
    const { handed, hear } = setup()
    hear(put('a'))
    hear(put('a'), put('b'))
    expect(handed.map(({ key }) => key)).toEqual(['a', 'b'])
  })
})

describe('a version of a silence', () => {
  const active = { endsAtNs: NOW_NS + 30n * 24n * HOUR_NS, expiresAtNs: NOW_NS + 35n * 24n * HOUR_NS }
  const ended = { endsAtNs: NOW_NS, updatedAtNs: NOW_NS, expiresAtNs: NOW_NS + 120n * HOUR_NS }

  it('that wins outlasts the one that it replaces, and is ours to tell', () => {
    const { store, hear } = setup()
    hear(version(active))
    const [news] = hear(version(ended)).records
    expect(news).toEqual(version({ ...ended, updatedAtNs: NOW_NS + 1n, expiresAtNs: active.expiresAtNs }))
    expect(news !== undefined && store.isOwn(news.record)).toBe(true)
  })

  it('that loses lends its time to the one held, which is told anew', () => {
    const { store, hear } = setup()
    hear(version(ended))
    const [news] = hear(version(active)).records
    expect(news).toEqual(version({ ...ended, updatedAtNs: NOW_NS + 1n, expiresAtNs: active.expiresAtNs }))
    expect(news !== undefined && store.isOwn(news.record)).toBe(true)
    expect(hear(version(active), version(ended)).records).toEqual([])
  })

  it('is as it came when it lasts longest, and then not ours', () => {
    const { store, hear } = setup()
    hear(version({ ...active, comment: 'first' }))
    const longer = version({ ...active, updatedAtNs: NOW_NS, expiresAtNs: active.expiresAtNs + HOUR_NS })
    const [news] = hear(longer).records
    expect(news).toEqual(longer)
    expect(news !== undefined && store.isOwn(news.record)).toBe(false)
  })

  it('meets those before it in the same message too', () => {
    const { state, hear } = setup()
    hear(version(active), version(ended))
    expect(state.record(SILENCE_TABLE, aSilence().id, NOW_MS)).toEqual(
      version({ ...ended, updatedAtNs: NOW_NS + 1n, expiresAtNs: active.expiresAtNs }).record,
    )
  })

  it('is one piece of news, however many of it come in one message', () => {
    const { hear } = setup()
    const puts = [version(active), version(ended), version({ ...active, comment: 'x' })]
    expect(hear(...puts).records).toHaveLength(1)
  })

  it('outlasts the others in quarantine as well', () => {
    const { state, hear } = setup()
    const matcherSets = [[{ type: 1, name: 'a', pattern: '(?=x)' }]]
    hear(version({ ...active, matcherSets }))
    hear(version({ ...ended, matcherSets }))
    expect(state.record(QUARANTINE_TABLE, aSilence().id, NOW_MS)?.expiresAtMs).toBe(
      version(active).record.expiresAtMs,
    )
  })

  it('of an Alertmanager, judged already, comes in by the same door', () => {
    const { store } = setup()
    store.joinJudged([version(active)])
    const [news] = store.joinJudged([version(ended)]).records
    expect(news?.record.versionNs).toBe(NOW_NS + 1n)
  })
})
