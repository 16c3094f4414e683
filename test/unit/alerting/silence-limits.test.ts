/** How many silences are made here and how large: Alertmanager's rules, and its very words. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import { MeshSilenceSchema } from '../../../src/alerting/core/alertmanager_pb.ts'
import { matcher } from '../../../src/alerting/core/matcher.ts'
import { encodeSilence, silenceSize } from '../../../src/alerting/core/silence-codec.ts'
import type { SilenceLimits } from '../../../src/alerting/core/silence-limits.ts'
import { Silences } from '../../../src/alerting/silences.ts'
import { GOLDEN_SILENCE } from '../../support/golden-alertmanager.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import { aRequest, aSilence, HOUR_NS, NOW_MS, NOW_NS } from '../../support/silences.ts'

function setup(limits: Partial<SilenceLimits>) {
  const records = memoryRecords()
  let ids = 0
  const refusals: unknown[] = []
  const silences = new Silences(
    records,
    { monotonicMs: () => NOW_MS, wallMs: () => NOW_MS },
    {
      retentionMs: 120 * 3_600_000,
      newId: () => `id-${++ids}`,
      limits,
      refused: (...said) => void refusals.push(said),
    },
  )
  return { records, silences, refusals }
}

const FULL = { code: 'SILENCES_MAX', message: 'exceeded maximum number of silences: 1 (limit: 1)' }

describe('with room for one silence', () => {
  it('a second is refused, also when the first has ended, until that is forgotten', async () => {
    const { silences, records } = setup({ silencesMax: 1 })
    const id = await silences.create(aRequest())
    await expect(silences.create(aRequest())).rejects.toMatchObject(FULL)
    await silences.expire(id)
    await expect(silences.create(aRequest())).rejects.toMatchObject(FULL)
    records.forget(SILENCE_TABLE, id)
    expect(await silences.create(aRequest())).toBe('id-4')
  })

  it('the one may be edited in place, and not replaced: then it stays active', async () => {
    const { silences } = setup({ silencesMax: 1 })
    const id = await silences.create(aRequest())
    expect(await silences.create(aRequest({ id, startsAtNs: NOW_NS, comment: 'new' }))).toBe(id)
    const other = { id, startsAtNs: NOW_NS, matchers: [matcher('job', '=', 'other')] }
    await expect(silences.create(aRequest(other))).rejects.toMatchObject(FULL)
    expect(silences.get(id)).toMatchObject({ comment: 'new', endsAtNs: NOW_NS + HOUR_NS })
    expect(silences.matching({ job: 'api' })).toEqual([id])
  })

  it('of several requests at once one succeeds', async () => {
    const { silences, records } = setup({ silencesMax: 1 })
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => silences.create(aRequest())))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect([...records.entries(SILENCE_TABLE)]).toHaveLength(1)
  })

  it('a write that fails takes no room', async () => {
    const { silences, records } = setup({ silencesMax: 1 })
    records.failNext = new Error('disk full')
    await expect(silences.create(aRequest())).rejects.toThrow('disk full')
    expect(await silences.create(aRequest())).toBe('id-2')
  })

  it('what peers send is taken all the same', () => {
    const { silences, records } = setup({ silencesMax: 1 })
    for (const id of ['a', 'b'])
      records.merge([{ table: SILENCE_TABLE, key: id, record: encodeSilence(aSilence({ id })) }])
    expect(silences.counts().active).toBe(2)
  })
})

describe('what a limit refuses', () => {
  it('is counted and told by its code, and nothing else is', async () => {
    const { silences, refusals } = setup({ silencesMax: 1, silenceBytesMax: 1000 })
    await silences.create(aRequest())
    await expect(silences.create(aRequest())).rejects.toMatchObject(FULL)
    const matchers = [matcher('job', '=', 'x'.repeat(1000))]
    expect(silences.refused()).toEqual({ SILENCES_MAX: 1, SILENCE_TOO_LARGE: 0 })
    await expect(silences.create(aRequest({ matchers: [] }))).rejects.toMatchObject({
      code: 'SILENCE_INVALID',
    })
    await expect(silences.create(aRequest({ id: 'none' }))).rejects.toMatchObject({
      code: 'SILENCE_NOT_FOUND',
    })
    const { silences: roomy } = setup({ silenceBytesMax: 1000 })
    await expect(roomy.create(aRequest({ matchers }))).rejects.toMatchObject({ code: 'SILENCE_TOO_LARGE' })
    expect(roomy.refused()).toEqual({ SILENCES_MAX: 0, SILENCE_TOO_LARGE: 1 })
    expect(silences.refused()).toEqual({ SILENCES_MAX: 1, SILENCE_TOO_LARGE: 0 })
    expect(refusals).toEqual([[FULL.code, FULL.message]])
  })
})

describe('with a largest size', () => {
  it('that is the record without the copy of the matchers for old releases', () => {
    const message = fromBinary(MeshSilenceSchema, GOLDEN_SILENCE)
    if (message.silence !== undefined) message.silence.matchers = []
    const own = aSilence({ matcherSets: [[matcher('a', '=', 'b'), matcher('c', '=~', 'd')]] })
    const [whole, copies] = [encodeSilence(own).bytes.length, 2 * (2 + 3 + 3) + 2]
    expect(silenceSize(own)).toBe(whole - copies)
    expect(toBinary(MeshSilenceSchema, message).length).toBeLessThan(GOLDEN_SILENCE.length)
  })

  it('a larger one is refused with its size: new, edited, or in place of another, which stays active', async () => {
    const max = silenceSize(aSilence({ id: 'id-1', startsAtNs: NOW_NS, updatedAtNs: NOW_NS }))
    const { silences } = setup({ silenceBytesMax: max })
    const id = await silences.create(aRequest())
    const refusal = (bytes: number) => ({
      code: 'SILENCE_TOO_LARGE',
      message: `silence exceeded maximum size: ${bytes} bytes (limit: ${max} bytes)`,
    })
    await expect(silences.create(aRequest({ comment: 'swap!' }))).rejects.toMatchObject(refusal(max + 1))
    // Two bytes more for a stamp of one nanosecond after the first.
    await expect(
      silences.create(aRequest({ id, startsAtNs: NOW_NS, comment: 'swap!!' })),
    ).rejects.toMatchObject(refusal(max + 4))
    const other = { id, startsAtNs: NOW_NS, matchers: [matcher('job', '=', 'others')] }
    await expect(silences.create(aRequest(other))).rejects.toMatchObject(refusal(max + 3))
    expect(silences.matching({ job: 'api' })).toEqual([id])
    await silences.expire(id)
    expect(silences.get(id)?.endsAtNs).toBe(NOW_NS)
  })
})

describe('without limits', () => {
  it('a long comment is fine', async () => {
    const { silences } = setup({ silencesMax: 0, silenceBytesMax: 0 })
    expect(await silences.create(aRequest({ comment: 'x'.repeat(1024) }))).toBe('id-1')
  })
})
