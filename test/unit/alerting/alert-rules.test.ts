import { describe, expect, it } from 'vitest'
import { type Alert, isResolved } from '../../../src/alerting/core/alert.ts'
import { type AlertRequest, joinedAlert, plannedAlert } from '../../../src/alerting/core/alert-rules.ts'
import { alertFault } from '../../../src/alerting/core/alert-validation.ts'
import { passesFilters } from '../../../src/alerting/core/label-filter.ts'
import { parseMatcher } from '../../../src/alerting/core/matcher-parser.ts'
import { ZERO_TIME_NS } from '../../../src/alerting/core/nanos.ts'
import { HOUR_NS, NOW_NS } from '../../support/silences.ts'

const MINUTE_NS = HOUR_NS / 60n
const TIMEOUT_NS = 5n * MINUTE_NS

function request(parts: Partial<AlertRequest> = {}): AlertRequest {
  const times = { startsAtNs: ZERO_TIME_NS, endsAtNs: ZERO_TIME_NS }
  return { labels: { job: 'api' }, annotations: {}, generatorUrl: '', ...times, ...parts }
}

function planned(parts: Partial<AlertRequest> = {}): Alert {
  return plannedAlert(request(parts), NOW_NS, TIMEOUT_NS)
}

type Minutes = readonly [startsAt: number, endsAt: number]

/** Times in minutes from now. */
function alert([startsAt, endsAt]: Minutes, parts: Partial<Alert> = {}): Alert {
  const at = (minutes: number): bigint => NOW_NS + BigInt(minutes) * MINUTE_NS
  return { ...planned({ startsAtNs: at(startsAt), endsAtNs: at(endsAt) }), ...parts }
}

function joined(known: Alert, posted: Alert): Minutes {
  const { startsAtNs, endsAtNs } = joinedAlert(known, posted, NOW_NS)
  return [Number((startsAtNs - NOW_NS) / MINUTE_NS), Number((endsAtNs - NOW_NS) / MINUTE_NS)]
}

describe('the times of a posted alert', () => {
  it('are now and five minutes on, where none is set', () => {
    expect(planned()).toMatchObject({
      startsAtNs: NOW_NS,
      endsAtNs: NOW_NS + TIMEOUT_NS,
      endIsAssumed: true,
      updatedAtNs: NOW_NS,
    })
  })

  it('begin at the end, where only that is set', () => {
    const endsAtNs = NOW_NS - HOUR_NS
    expect(planned({ endsAtNs })).toMatchObject({ startsAtNs: endsAtNs, endsAtNs, endIsAssumed: false })
  })

  it('end five minutes from now, not from the start', () => {
    const startsAtNs = NOW_NS - HOUR_NS
    expect(planned({ startsAtNs })).toMatchObject({ startsAtNs, endsAtNs: NOW_NS + TIMEOUT_NS })
  })

  it('are over at exactly the end', () => {
    expect(isResolved(alert([-2, 0]), NOW_NS)).toBe(true)
    expect(isResolved(alert([-2, 0]), NOW_NS - 1n)).toBe(false)
  })
})

describe('an alert that is posted again', () => {
  it.each([
    ['goes on: the earlier start and the later end stand', [-9, 5], [-1, 9], [-9, 9]],
    ['keeps a named end that is later', [-9, 9], [-1, 5], [-9, 9]],
    ['ends where the post says that it is over', [-9, 9], [-5, -1], [-9, -1]],
    ['of two ends in the past keeps the later', [-9, -1], [-5, -3], [-9, -1]],
    ['goes on with one that only its end falls into', [-9, 9], [-12, 5], [-12, 9]],
    ['takes the place of one that ends where it starts', [-9, 5], [5, 9], [5, 9]],
    ['takes the place of one that starts where it ends', [5, 9], [-9, 5], [-9, 5]],
    ['takes the place of one that it does not touch', [-9, -5], [-3, 5], [-3, 5]],
    ['takes the place of one that it covers', [-5, 5], [-9, 9], [-9, 9]],
    ['takes the place of one with the same times', [-5, 5], [-5, 5], [-5, 5]],
  ] as const)('%s', (_claim, known, posted, expected) => {
    expect(joined(alert(known), alert(posted))).toEqual(expected)
  })

  it('is not outlasted by an end that was only assumed', () => {
    expect(joined(alert([-9, 9], { endIsAssumed: true }), alert([-1, 5]))).toEqual([-9, 5])
  })

  it('is outlasted by an end that was named when its own is assumed', () => {
    expect(joined(alert([-9, 9]), alert([-1, 5], { endIsAssumed: true }))).toEqual([-9, 9])
  })

  it('has the annotations of the later post, whichever way the clock went', () => {
    const known = alert([-9, 9], { annotations: { say: 'known' }, updatedAtNs: NOW_NS + 1n })
    const posted = alert([-1, 5], { annotations: { say: 'posted' } })
    expect(joinedAlert(known, posted, NOW_NS).annotations).toEqual({ say: 'known' })
    expect(joinedAlert({ ...known, updatedAtNs: NOW_NS }, posted, NOW_NS).annotations).toEqual({
      say: 'posted',
    })
  })
})

describe('a valid alert', () => {
  it('has its labels by name, and none with an empty value', () => {
    const { labels } = planned({ labels: { z: '1', a: '2', gone: '' } })
    expect(Object.keys(labels)).toEqual(['a', 'z'])
    const odd = planned({ labels: JSON.parse('{"__proto__":"x","b":"y"}') })
    expect(Object.entries(odd.labels)).toEqual([
      ['__proto__', 'x'],
      ['b', 'y'],
    ])
  })

  it.each([
    [{}, undefined],
    [{ labels: { 'any name 🙂': 'x' } }, undefined],
    [{ annotations: { empty: '' } }, undefined],
    [{ labels: {} }, 'at least one label pair required'],
    [{ labels: { job: '' } }, 'at least one label pair required'],
    [{ labels: { '': 'x' } }, 'invalid label set: invalid name ""'],
    [{ labels: { a: '\ud800' } }, 'invalid label set: invalid value "\\ufffd"'],
    [{ labels: { '\udc00': 'a' } }, 'invalid label set: invalid name "\\ufffd"'],
    [{ annotations: { '': 'x' } }, 'invalid annotations: invalid name ""'],
    [{ startsAtNs: NOW_NS, endsAtNs: NOW_NS - 1n }, 'start time must be before end time'],
    [{ startsAtNs: NOW_NS, endsAtNs: NOW_NS }, undefined],
    [{ endsAtNs: 253_402_300_800_000_000_000n }, 'times must be in the years 1 to 9999'],
    [{ startsAtNs: ZERO_TIME_NS - 1n }, 'times must be in the years 1 to 9999'],
  ])('%o: %s', (parts, fault) => {
    expect(alertFault(planned(parts))?.replace(/\\ud[0-9a-f]{3}/, '\\ufffd')).toBe(fault)
  })
})

describe('a filter on labels', () => {
  it.each([
    ['foo="bar"', true],
    ['foo=""', false],
    ['foo!=""', true],
    ['foo!~""', true],
    ['baz=""', true],
    ['baz=~""', true],
    ['baz!=""', false],
    ['baz!~""', false],
    ['baz="qux|"', false],
    ['baz=~"qux|"', true],
    ['baz!="qux|"', true],
    ['baz!~"qux|"', false],
    ['baz!="qux"', true],
    ['constructor=""', true],
    ['constructor!=""', false],
  ])('%s on {foo="bar"} is %s', (text, expected) => {
    expect(passesFilters({ foo: 'bar' }, [parseMatcher(text)])).toBe(expected)
  })

  it('must hold beside all others', () => {
    const [yes, no] = [parseMatcher('foo=bar'), parseMatcher('foo=x')]
    expect(passesFilters({ foo: 'bar' }, [])).toBe(true)
    expect(passesFilters({ foo: 'bar' }, [yes, no])).toBe(false)
  })
})
