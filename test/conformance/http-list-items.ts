/** Items 61-67, 70 and 74 of the checklist: the status, and how silences are listed, filtered, posted again and ended. */
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import {
  ApiClient,
  type ApiMatcher,
  aSilence,
  at,
  editOf,
  equal,
  freshValue,
  HOUR_MS,
  UNKNOWN_ID,
} from './api-client.ts'
import { DIFFERENCES } from './differences.ts'
import { expected, type Subject } from './subject.ts'

/** One silence of each state on a label value of its own. */
async function oneOfEach(
  api: ApiClient,
): Promise<{ readonly value: string; readonly ids: readonly string[] }> {
  const value = freshValue()
  const matchers = [equal('job', value)]
  const active = await api.create(aSilence({ matchers }))
  const pending = await api.create(aSilence({ matchers, startsAt: at(HOUR_MS / 2) }))
  const expired = await api.create(aSilence({ matchers }))
  await api.expire(expired)
  return { value, ids: [active, pending, expired] }
}

function statusItems(api: () => ApiClient): void {
  it('item 61: the status without clustering is disabled, with an empty list of peers and no name', async () => {
    const status = await api().json<Record<string, unknown>>('/status')
    expect(status.cluster).toEqual({ status: 'disabled', peers: [] })
    expect(Object.keys(status).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      'cluster',
      'config',
      'uptime',
      'versionInfo',
    ])
    expect(status).toMatchObject({ config: { original: expect.any(String) } })
    const fields = ['version', 'revision', 'branch', 'buildUser', 'buildDate', 'goVersion']
    expect(status.versionInfo).toEqual(Object.fromEntries(fields.map((field) => [field, expect.any(String)])))
  })
}

function listItems(api: () => ApiClient, subject: () => Subject): void {
  it('item 62: the list has active ones by end, pending ones by start, then ended ones with the latest end first', async () => {
    const value = freshValue()
    const create = (startsInMs: number, endsInMs: number): Promise<string> =>
      api().create(
        aSilence({ matchers: [equal('job', value)], startsAt: at(startsInMs), endsAt: at(endsInMs) }),
      )
    const ended: string[] = []
    for (let i = 0; i < 3; i++) {
      const id = await create(0, HOUR_MS)
      await api().expire(id)
      ended.unshift(id)
      const endedAtMs = Date.parse((await api().silence(id)).endsAt)
      await until(() => Date.now() > endedAtMs)
    }
    const pendingLate = await create(3 * HOUR_MS, 4 * HOUR_MS)
    const activeLate = await create(0, 9 * HOUR_MS)
    const pendingEarly = await create(2 * HOUR_MS, 9 * HOUR_MS)
    const activeEarly = await create(0, HOUR_MS)
    const activeMiddle = await create(0, 5 * HOUR_MS)
    expect((await api().list(`job="${value}"`)).map(({ id }) => id)).toEqual([
      activeEarly,
      activeMiddle,
      activeLate,
      pendingEarly,
      pendingLate,
      ...ended,
    ])
  })

  it('item 63: each of active, pending and expired set to false leaves that state out; all of them, everything', async () => {
    const { value } = await oneOfEach(api())
    const all = ['active', 'pending', 'expired']
    const without = async (...states: readonly string[]): Promise<readonly string[]> => {
      const query = states.map((state) => `&${state}=false`).join('')
      const list = await api().json<readonly { readonly status: { readonly state: string } }[]>(
        `/silences?filter=${encodeURIComponent(`job="${value}"`)}${query}`,
      )
      return list.map(({ status }) => status.state)
    }
    const kept = expected(DIFFERENCES.listByState, subject())
    for (const state of all) {
      expect(await without(state)).toEqual(all.filter((other) => other !== state || kept.includes(other)))
    }
    expect(await without(...all)).toEqual(kept)
  })

  it('item 64: DELETE answers 200 for active and ended silences, and what the release says for unknown ones', async () => {
    const { ids } = await oneOfEach(api())
    for (const id of ids) await api().expire(id)
    const { status, text } = await api().request('DELETE', `/silence/${UNKNOWN_ID}`)
    expect({ status, text }).toEqual(expected(DIFFERENCES.deleteUnknown, subject()))
  })

  it('item 65: POST answers 200 without an id and for active and ended ones, 404 for unknown ones', async () => {
    const { ids } = await oneOfEach(api())
    for (const id of ids) {
      const answer = await api().post(editOf(await api().silence(id), { endsAt: at(2 * HOUR_MS) }))
      expect(answer).toMatchObject({ status: 200, type: 'application/json' })
    }
    for (const id of [UNKNOWN_ID, 'x']) {
      expect(await api().post(aSilence({ id }))).toMatchObject({ status: 404, text: '"silence not found"\n' })
    }
  })

  it('item 66: a silence that is fetched and posted without its id is there twice', async () => {
    const shown = await api().created()
    const { id: _, ...withoutId } = editOf(shown)
    const copy = await api().create(withoutId)
    expect(copy).not.toBe(shown.id)
    const ids = (await api().list(`job="${shown.matchers[0]?.value}"`)).map(({ id }) => id)
    expect(ids).toHaveLength(2)
    expect(ids).toEqual(expect.arrayContaining([shown.id, copy]))
  })
}

/** A silence's matcher, a filter, and whether the filter finds it. `v` and `w` are values that nobody else uses. */
const FILTER_ROWS: readonly (readonly [operator: string, filter: string, found: boolean])[] = [
  ['=', 'n="v"', true],
  ['=', 'n="w"', false],
  ['=', 'm="v"', false],
  ['=', 'n!="v"', false],
  ['=', 'n=~"v"', false],
  ['=', 'n!~"v"', false],
  ['!=', 'n!="v"', true],
  ['!=', 'n="v"', false],
  ['=~', 'n=~"v"', true],
  ['=~', 'n=~".*v"', false],
  ['=~', 'n="v"', false],
  ['!~', 'n!~"v"', true],
  ['!~', 'n!~"v|v"', false],
]

function matcherWith(operator: string, value: string): ApiMatcher {
  return { name: 'n', value, isRegex: operator.endsWith('~'), isEqual: operator.startsWith('=') }
}

function filterItems(api: () => ApiClient, subject: () => Subject): void {
  it('item 67: a filter finds a silence by name, operator and literal value, all three', async () => {
    const found: unknown[] = []
    for (const [operator, filter] of FILTER_ROWS) {
      const value = freshValue()
      // The other matcher keeps a negative one from muting the alerts of other items.
      const matchers = [matcherWith(operator, value), equal('job', value)]
      const id = await api().create(aSilence({ matchers }))
      const list = await api().list(filter.replaceAll('v', value).replaceAll('w', `${value}w`))
      found.push([operator, filter, list.some((silence) => silence.id === id)])
    }
    expect(found).toEqual(FILTER_ROWS)
  })

  it('item 67: of several filters all must be found', async () => {
    const value = freshValue()
    const id = await api().create(aSilence({ matchers: [equal('job', value), equal('env', 'dev')] }))
    const ids = async (...filters: readonly string[]): Promise<readonly string[]> =>
      (await api().list(`job="${value}"`, ...filters)).map((silence) => silence.id)
    expect(await ids('env="dev"')).toEqual([id])
    expect(await ids('env="prod"')).toEqual([])
  })

  it('item 70: a value in quotes comes back as it was posted', async () => {
    const value = `"\\"${freshValue()}\\"" \\ \n`
    const shown = await api().created(aSilence({ matchers: [equal('foo', value)] }))
    expect(shown.matchers).toEqual([equal('foo', value)])
  })

  it('item 74: a silence on names and values of any UTF-8 is created, listed and found, or refused by name', async () => {
    const value = `bar🙂${freshValue()}`
    const answer = await api().post(aSilence({ matchers: [equal('fooΣ', value)] }))
    const status = expected(DIFFERENCES.namesOfAnyText, subject())
    expect(answer.status).toBe(status)
    const filter = encodeURIComponent(`fooΣ="${value}"`)
    const listed = await api().request('GET', `/silences?filter=${filter}`)
    expect(listed.status).toBe(expected(DIFFERENCES.newerGrammar, subject()))
    if (status === 400) {
      const words = expected(DIFFERENCES.invalidWords, subject())
      expect(JSON.parse(answer.text)).toBe(words('0', 'invalid label name "fooΣ"'))
      return
    }
    const [shown, ...others] = JSON.parse(listed.text)
    expect(shown).toMatchObject({ id: JSON.parse(answer.text).silenceID, matchers: [equal('fooΣ', value)] })
    expect(others).toEqual([])
  })
}

export function httpListItems(subject: () => Subject): void {
  const api = (): ApiClient => new ApiClient(subject().url)
  statusItems(api)
  listItems(api, subject)
  filterItems(api, subject)
}
