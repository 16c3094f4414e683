/**
 * The HTTP items of the checklist, once on a `hearsay serve` process and once on the real Alertmanager that is installed.
 * The second run proves the suite: what it asks of us is what the original does, but for the table of differences.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALERTMANAGER } from '../../support/alertmanager.ts'
import { requirement } from '../../support/requirement.ts'
import { ALERTMANAGER_NAME, startAlertmanagerSubject } from '../alertmanager-subject.ts'
import { DIFFERENCE_LIST } from '../differences.ts'
import { startHearsay } from '../hearsay-subject.ts'
import { httpAlertItems } from '../http-alert-items.ts'
import { httpFilterItems } from '../http-filter-items.ts'
import { httpListItems } from '../http-list-items.ts'
import { httpServerItems } from '../http-server-items.ts'
import { httpSilenceItems } from '../http-silence-items.ts'
import type { Subject } from '../subject.ts'

function httpItems(start: () => Promise<Subject>): void {
  let started: Subject | undefined
  const subject = (): Subject => {
    if (started === undefined) throw new Error('not started')
    return started
  }
  beforeAll(async () => {
    started = await start()
  })
  afterAll(() => started?.stop())
  httpSilenceItems(subject)
  httpListItems(subject)
  httpFilterItems(subject)
  httpAlertItems(subject)
  httpServerItems(subject)
}

describe('hearsay', () => httpItems(() => startHearsay()))
requirement(ALERTMANAGER)(ALERTMANAGER_NAME, () => httpItems(() => startAlertmanagerSubject()))

describe('the table of differences', () => {
  it('names only what differs', () => {
    const same = DIFFERENCE_LIST.filter(({ '0.34': ours, '0.25': theirs }) =>
      typeof ours === 'function' ? ours === theirs : JSON.stringify(ours) === JSON.stringify(theirs),
    )
    expect(same).toEqual([])
  })
})
