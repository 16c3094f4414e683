/** Items 1-23 and 36 of the checklist as far as they show over HTTP: creating, editing and ending silences. */
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import {
  ApiClient,
  aSilence,
  at,
  editOf,
  equal,
  freshValue,
  HOUR_MS,
  type PostedSilence,
  type ShownSilence,
  UNKNOWN_ID,
  UNSET,
} from './api-client.ts'
import { DIFFERENCES } from './differences.ts'
import { expected, type Subject } from './subject.ts'

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A later millisecond than the one in `instant`, so that what is stamped next shows another. */
function pastMs(instant: string): Promise<void> {
  return until(() => Date.now() > Date.parse(instant))
}

/** Moves an instant to another millisecond of the same second, or by whole seconds. */
function moved(instant: string, byMs: number | 'within its second'): string {
  const ms = Date.parse(instant)
  const second = Math.floor(ms / 1000) * 1000
  return new Date(byMs === 'within its second' ? second + ((ms + 500) % 1000) : ms + byMs).toISOString()
}

function creationItems(api: () => ApiClient): void {
  it('item 1: a silence posted without an id gets a version 4 UUID in lower case, and is listed', async () => {
    const silence = aSilence()
    const id = await api().create(silence)
    expect(id).toMatch(UUID_V4)
    expect((await api().list(`job="${silence.matchers[0]?.value}"`)).map((shown) => shown.id)).toEqual([id])
  })

  it('item 2: a start in the past becomes now, one in the future stays', async () => {
    const before = Date.now()
    const past = await api().created(aSilence({ startsAt: at(-HOUR_MS) }))
    const startedAt = Date.parse(past.startsAt)
    expect(startedAt).toBeGreaterThanOrEqual(before)
    expect(startedAt).toBeLessThanOrEqual(Date.now())
    expect(past.status.state).toBe('active')
    const startsAt = at(HOUR_MS / 2)
    expect(await api().created(aSilence({ startsAt }))).toMatchObject({
      startsAt,
      status: { state: 'pending' },
    })
  })

  it('item 3: a start that is not set (year 1) becomes now', async () => {
    const before = Date.now()
    const { startsAt } = await api().created(aSilence({ startsAt: UNSET }))
    expect(Date.parse(startsAt)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(startsAt)).toBeLessThanOrEqual(Date.now())
  })
}

function editItems(api: () => ApiClient, subject: () => Subject): void {
  /** Posts a change of what is stored; @returns the id and both silences as they are then */
  async function edited(old: ShownSilence, parts: Partial<PostedSilence>) {
    await pastMs(old.updatedAt)
    const id = await api().create(editOf(old, parts))
    return { id, old: await api().silence(old.id), now: await api().silence(id) }
  }

  it('item 4: posting an active silence again as it is keeps its id and renews its updatedAt', async () => {
    const before = await api().created()
    const { id, now } = await edited(before, {})
    expect(id).toBe(before.id)
    expect(now).toEqual({ ...before, updatedAt: now.updatedAt })
    expect(Date.parse(now.updatedAt)).toBeGreaterThan(Date.parse(before.updatedAt))
  })

  it('item 5: another comment or creator keeps the id', async () => {
    const before = await api().created()
    const { id, now } = await edited(before, { comment: 'new', createdBy: 'bob' })
    expect(id).toBe(before.id)
    expect(now).toMatchObject({ comment: 'new', createdBy: 'bob', startsAt: before.startsAt })
  })

  it('item 6: a later end keeps the id', async () => {
    const before = await api().created()
    const endsAt = at(5 * HOUR_MS)
    const { id, now } = await edited(before, { endsAt })
    expect(id).toBe(before.id)
    expect(now.endsAt).toBe(endsAt)
  })

  it('item 7: other matchers, or another order of them, give a new id and end the old silence now', async () => {
    const pair = [equal('job', freshValue()), equal('env', 'dev')]
    for (const matchers of [[...pair].reverse(), [...pair.slice(0, 1), equal('env', 'prod')]]) {
      const before = await api().created(aSilence({ matchers: pair }))
      const { id, old, now } = await edited(before, { matchers })
      expect(id).not.toBe(before.id)
      expect(now).toMatchObject({ status: { state: 'active' }, matchers })
      expect(old).toMatchObject({ status: { state: 'expired' }, matchers: pair, startsAt: before.startsAt })
      expect(old.endsAt).toBe(old.updatedAt)
    }
  })

  it('item 8: a start in another second gives a new id, within its second it keeps it', async () => {
    for (const [byMs, keeps] of [['within its second', true] as const, [-1000, false] as const]) {
      const before = await api().created()
      const { id, old } = await edited(before, { startsAt: moved(before.startsAt, byMs) })
      expect(id === before.id).toBe(keeps)
      if (!keeps) expect(old.status.state).toBe('expired')
    }
  })

  it('item 10: a pending silence is edited in place while its start stays in the future', async () => {
    const before = await api().created(aSilence({ startsAt: at(HOUR_MS / 2) }))
    const startsAt = at(HOUR_MS / 4)
    const inPlace = await edited(before, { startsAt })
    expect(inPlace.id).toBe(before.id)
    expect(inPlace.now).toMatchObject({ startsAt, status: { state: 'pending' } })
    const replaced = await edited(inPlace.now, { startsAt: at(-HOUR_MS) })
    expect(replaced.id).not.toBe(before.id)
    expect(replaced.now.status.state).toBe('active')
    expect(replaced.old.status.state).toBe('expired')
    expect(replaced.old.startsAt).toBe(replaced.old.endsAt)
  })

  it('item 11: posting onto an ended silence makes a new one and leaves the old as it is', async () => {
    const { id: oldId } = await api().created()
    await api().expire(oldId)
    const before = await api().silence(oldId)
    const { id, old, now } = await edited(before, { endsAt: at(HOUR_MS) })
    expect(id).not.toBe(oldId)
    expect(old).toEqual(before)
    expect(now.status.state).toBe('active')
  })

  it('item 12: an id nobody knows is not found, and nothing is stored', async () => {
    const silence = aSilence({ id: UNKNOWN_ID })
    expect(await api().post(silence)).toEqual({
      status: 404,
      type: 'application/json',
      text: '"silence not found"\n',
    })
    expect(await api().list(`job="${silence.matchers[0]?.value}"`)).toEqual([])
  })

  it('item 13: an edit that is refused leaves the old silence active', async () => {
    const before = await api().created()
    const noEnd = await api().post(editOf(before, { endsAt: UNSET }))
    expect(noEnd.status).toBe(400)
    expect(await api().silence(before.id)).toEqual(before)
    const broken = { name: 'job', value: '((', isRegex: true, isEqual: true }
    expect((await api().post(editOf(before, { matchers: [broken] }))).status).toBe(400)
    const { status } = await api().silence(before.id)
    expect(status.state).toBe(expected(DIFFERENCES.brokenEdit, subject()))
  })
}

function endItems(api: () => ApiClient): void {
  it('item 18: ending works on active, pending and ended silences, and an unknown one is not found', async () => {
    const active = await api().created()
    await pastMs(active.updatedAt)
    await api().expire(active.id)
    const ended = await api().silence(active.id)
    expect(ended).toMatchObject({ status: { state: 'expired' }, startsAt: active.startsAt })
    expect(ended.endsAt).toBe(ended.updatedAt)
    await pastMs(ended.updatedAt)
    await api().expire(active.id)
    expect(await api().silence(active.id)).toEqual(ended)

    const pending = await api().create(aSilence({ startsAt: at(HOUR_MS / 2) }))
    await api().expire(pending)
    const over = await api().silence(pending)
    expect(over.status.state).toBe('expired')
    expect([over.startsAt, over.endsAt]).toEqual([over.updatedAt, over.updatedAt])
    const unknown = await api().request('GET', `/silence/${UNKNOWN_ID}`)
    expect(unknown).toEqual({ status: 404, type: '', text: '' })
  })
}

function validationItems(api: () => ApiClient, subject: () => Subject): void {
  const refusal = async (parts: Partial<PostedSilence>): Promise<readonly [number, unknown]> => {
    const { status, text } = await api().post(aSilence(parts))
    return [status, JSON.parse(text)]
  }
  const words = (fault: string, index = '0') => expected(DIFFERENCES.invalidWords, subject())(index, fault)

  it('item 22: what is no silence is refused, each with its own words', async () => {
    const orderText = 'Failed to create silence: start time must be before end time'
    const empty = { name: 'job', value: '.*', isRegex: true, isEqual: true }
    const noMatchers = { code: 612, message: 'matchers in body should have at least 1 items' }
    expect(await refusal({ matchers: [] })).toEqual([422, noMatchers])
    expect(await refusal({ matchers: [equal('', 'x')] })).toEqual([400, words('invalid label name ""')])
    for (const matchers of [[equal('a', '')], [empty], [equal('a', ''), empty]]) {
      expect(await refusal({ matchers })).toEqual([400, expected(DIFFERENCES.matchesEverything, subject())])
    }
    const now = at(0)
    for (const endsAt of [now, at(-HOUR_MS), UNSET]) {
      expect(await refusal({ startsAt: now, endsAt })).toEqual([400, orderText])
    }
    expect(await refusal({ startsAt: at(-2 * HOUR_MS), endsAt: at(-HOUR_MS) })).toEqual([
      400,
      "Failed to create silence: end time can't be in the past",
    ])
    // A negative matcher never counts as holding for everything.
    const negative = { ...equal('a', freshValue()), isEqual: false }
    await api().expire(await api().create(aSilence({ matchers: [negative] })))
  })

  it('item 23: names of any UTF-8 depend on the release, patterns that RE2 refuses never pass', async () => {
    const value = freshValue()
    for (const name of ['00', '🙂']) {
      const status = expected(DIFFERENCES.namesOfAnyText, subject())
      const answer = await api().post(aSilence({ matchers: [equal(name, value)] }))
      expect(answer.status).toBe(status)
      if (status === 400) expect(JSON.parse(answer.text)).toBe(words(`invalid label name "${name}"`))
    }
    for (const [pattern, fault] of [
      ['((', 'missing closing )'],
      ['))', 'unexpected )'],
    ] as const) {
      const matchers = [equal('job', value), { name: 'a', value: pattern, isRegex: true, isEqual: false }]
      const text = words(
        `invalid regular expression "${pattern}": error parsing regexp: ${fault}: \`${pattern}\``,
        '1',
      )
      expect(await refusal({ matchers })).toEqual([400, text])
    }
  })

  it('item 23: bytes that are not UTF-8 never reach a silence', async () => {
    const mark = freshValue()
    const [head = '', tail = ''] = JSON.stringify(aSilence({ matchers: [equal('job', `${mark}@`)] })).split(
      '@',
    )
    const body = Uint8Array.from([...Buffer.from(head), 0xff, ...Buffer.from(tail)])
    const answer = await api().request('POST', '/silences', body)
    expect(answer.status).toBe(200)
    const { matchers } = await api().silence(JSON.parse(answer.text).silenceID)
    expect(matchers[0]?.value).toBe(`${mark}\ufffd`)
  })

  it('item 36: annotations are stored, changed, cleared and shown; none and an empty object are the same', async () => {
    const annotations = { team: 'x', 'a b': 'ü' }
    const shown = await api().created(aSilence({ annotations }))
    expect(shown.annotations).toEqual(expected(DIFFERENCES.annotations, subject()))
    const { annotations: _, ...without } = editOf(shown, { comment: 'cleared' })
    expect(await api().create(without)).toBe(shown.id)
    expect((await api().silence(shown.id)).annotations).toBeUndefined()
    expect((await api().created(aSilence({ annotations: {} }))).annotations).toBeUndefined()
  })
}

export function httpSilenceItems(subject: () => Subject): void {
  const api = (): ApiClient => new ApiClient(subject().url)
  creationItems(api)
  editItems(api, subject)
  endItems(api)
  validationItems(api, subject)
}
