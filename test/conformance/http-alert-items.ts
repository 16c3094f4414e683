/** Items 68, 69, 72, 73 and 75 of the checklist: alerts as `/api/v2/alerts` filters them, and silences at work on them. */
import { expect, it } from 'vitest'
import { untilAsync } from '../support/until-async.ts'
import { ApiClient, aSilence, at, equal, freshValue, type ShownAlert } from './api-client.ts'
import type { Subject } from './subject.ts'

/** Filters over an alert that has `foo` and no `baz` (alertmanager-state.md section 4.1). */
const TRUTH_TABLE: readonly (readonly [filter: string, found: boolean])[] = [
  ['foo="bar"', true],
  ['foo="qux"', false],
  ['foo=~"ba."', true],
  ['foo=~"ba"', false],
  ['foo!="qux"', true],
  ['foo!~"ba."', false],
  ['foo=""', false],
  ['foo!=""', true],
  ['baz=""', true],
  ['baz=~""', true],
  ['baz!=""', false],
  ['baz!~""', false],
  ['baz="qux|"', false],
  ['baz=~"qux|"', true],
  ['baz!="qux|"', true],
  ['baz!~"qux|"', false],
  ['baz!="qux"', true],
]

export function httpAlertItems(subject: () => Subject): void {
  const api = (): ApiClient => new ApiClient(subject().url)
  const only = async (mark: string): Promise<ShownAlert> => {
    const [alert, ...others] = await api().alerts(`mark="${mark}"`)
    if (alert === undefined || others.length > 0) throw new Error(`not one alert ${mark}`)
    return alert
  }

  it('item 68: a filter on alerts takes an absent label for an empty one', async () => {
    const mark = freshValue()
    await api().postAlerts({ foo: 'bar', mark })
    const found: unknown[] = []
    for (const [filter] of TRUTH_TABLE) {
      found.push([filter, (await api().alerts(`mark="${mark}"`, filter)).length === 1])
    }
    expect(found).toEqual(TRUTH_TABLE)
  })

  it('item 69: the fingerprint is FNV-1a over the sorted labels, in 16 digits', async () => {
    await api().postAlerts({ severity: 'critical', alertname: 'alert1' })
    const alerts = await api().alerts('alertname="alert1"', 'severity="critical"')
    expect(alerts.map(({ fingerprint }) => fingerprint)).toEqual(['0223b772b51c29e1'])
  })

  it('item 72: a silence suppresses alerts that are there already, at once, and its end gives them back', async () => {
    const [mark, other] = [freshValue(), freshValue()]
    await api().postAlerts({ alertname: 'a', mark }, { alertname: 'b', mark: other })
    expect((await only(mark)).status.silencedBy).toEqual([])
    const first = await api().create(aSilence({ matchers: [equal('mark', mark)] }))
    expect((await only(mark)).status).toMatchObject({
      state: 'suppressed',
      silencedBy: [first],
      inhibitedBy: [],
    })
    const second = await api().create(aSilence({ matchers: [equal('mark', mark), equal('alertname', 'a')] }))
    expect([...(await only(mark)).status.silencedBy].sort()).toEqual([first, second].sort())
    expect((await only(other)).status.silencedBy).toEqual([])
    await api().expire(first)
    await untilAsync(
      async () => !(await only(mark)).status.silencedBy.includes(first),
      'the first to be gone',
    )
    await api().expire(second)
    await untilAsync(async () => (await only(mark)).status.silencedBy.length === 0, 'none left')
    expect((await only(mark)).status).toMatchObject({ silencedBy: [], inhibitedBy: [] })
    expect((await only(mark)).status.state).not.toBe('suppressed')
  })

  it('item 73: of several filters on alerts all must hold', async () => {
    const mark = freshValue()
    await api().postAlerts(
      { alertname: 'test1', severity: 'warning', mark },
      { alertname: 'test1', severity: 'critical', mark },
      { alertname: 'test2', severity: 'warning', mark },
    )
    const found = await api().alerts(`mark="${mark}"`, 'alertname=test1', 'severity=warning')
    expect(found.map(({ labels }) => labels)).toEqual([{ alertname: 'test1', severity: 'warning', mark }])
  })

  it('item 75: a silence suppresses from its start to its end and not outside; ended early, no longer', async () => {
    const mark = freshValue()
    await api().postAlerts({ alertname: 'window', mark })
    const matchers = [equal('mark', mark)]
    const startsAt = at(400)
    const endsAt = at(900)
    const id = await api().create(aSilence({ matchers, startsAt, endsAt }))
    const isSilenced = async (): Promise<boolean> => (await only(mark)).status.silencedBy.includes(id)
    const seen: (readonly [sentAtMs: number, silenced: boolean, answeredAtMs: number])[] = []
    for (;;) {
      const sentAtMs = Date.now()
      seen.push([sentAtMs, await isSilenced(), Date.now()])
      if (sentAtMs > Date.parse(endsAt) + 50) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const [from, to] = [Date.parse(startsAt), Date.parse(endsAt)]
    // What was asked and answered on one side of an instant must say so; on the instant itself either is right.
    const wrong = seen.filter(([sent, silenced, answered]) =>
      silenced ? answered < from || sent > to : sent > from && answered < to,
    )
    expect(wrong).toEqual([])
    expect(seen.some(([, silenced]) => silenced)).toBe(true)
    expect(seen.at(0)?.[1]).toBe(false)
    const longer = await api().create(aSilence({ matchers }))
    expect((await only(mark)).status.silencedBy).toEqual([longer])
    await api().expire(longer)
    await untilAsync(async () => (await only(mark)).status.silencedBy.length === 0, 'the alert to be back')
  })
}
