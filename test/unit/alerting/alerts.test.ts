import { describe, expect, it } from 'vitest'
import {
  ALERT_OVERHEAD_BYTES,
  ALERTS_BYTES_MAX,
  ALERTS_MAX,
  Alerts,
  type AlertsOptions,
  byFingerprint,
  COUNTED_ANEW_MAX,
  KEEP_RESOLVED_MS,
  RESOLVE_TIMEOUT_MS,
} from '../../../src/alerting/alerts.ts'
import type { AlertRequest } from '../../../src/alerting/core/alert-rules.ts'
import { ZERO_TIME_NS } from '../../../src/alerting/core/nanos.ts'
import { HOUR_NS, NOW_MS, NOW_NS } from '../../support/silences.ts'

function request(labels: Record<string, string>, parts: Partial<AlertRequest> = {}): AlertRequest {
  const times = { startsAtNs: ZERO_TIME_NS, endsAtNs: ZERO_TIME_NS }
  return { labels, annotations: {}, generatorUrl: '', ...times, ...parts }
}

function numbered(count: number, prefix = 'n'): AlertRequest[] {
  return Array.from({ length: count }, (_, i) => request({ n: `${prefix}${i}` }))
}

function start(options: Partial<AlertsOptions> = {}) {
  const time = { nowMs: NOW_MS }
  const muted = new Set<string>()
  const changes = { count: 0 }
  const alerts = new Alerts({
    clock: { monotonicMs: () => time.nowMs, wallMs: () => time.nowMs },
    silencedBy: ({ n = '' }) => (muted.has(n) ? [`silence of ${n}`] : []),
    changed: () => void changes.count++,
    ...options,
  })
  return { alerts, time, muted, changes }
}

describe('alerts of a replica', () => {
  it('are known by the fingerprint of their labels, which also orders them', () => {
    const { alerts } = start()
    alerts.post([
      request({ severity: 'critical', alertname: 'alert1' }),
      request({ b: '1' }),
      request({ a: '1' }),
    ])
    expect(alerts.get('0223b772b51c29e1')?.labels).toEqual({ alertname: 'alert1', severity: 'critical' })
    const listed = [...alerts.snapshot()].sort(byFingerprint).map(({ fingerprint }) => fingerprint)
    expect(listed).toHaveLength(3)
    expect(listed).toEqual([...listed].sort((a, b) => (a < b ? -1 : 1)))
  })

  it('are one when the labels are the same, empty ones aside', () => {
    const { alerts } = start()
    alerts.post([request({ a: '1', b: '' })])
    alerts.post([request({ a: '1' }, { annotations: { say: 'more' } })])
    expect(alerts.snapshot().map(({ alert }) => alert.annotations)).toEqual([{ say: 'more' }])
  })

  it('are held when they are valid, whatever the others are', () => {
    const { alerts, changes } = start()
    const bad = request({}, { annotations: { a: 'b' } })
    const late = request({ n: 'late' }, { startsAtNs: NOW_NS, endsAtNs: NOW_NS - HOUR_NS })
    expect(alerts.post([bad, request({ n: '1' }), late])).toEqual({
      faults: ['at least one label pair required', 'start time must be before end time'],
      refused: 0,
    })
    expect(alerts.snapshot().map(({ alert }) => alert.labels)).toEqual([{ n: '1' }])
    expect(alerts.stats).toMatchObject({ receivedFiring: 2, receivedResolved: 1, invalid: 2 })
    expect(changes.count).toBe(1)
  })

  it('tell of no change when nothing was taken', () => {
    const { alerts, changes } = start()
    alerts.post([])
    alerts.post([request({})])
    expect(changes.count).toBe(0)
    expect(alerts.stats.posts).toBe(0)
  })

  it('resolve when their time is up, and are forgotten half an hour later', () => {
    const { alerts, time } = start()
    alerts.post([request({ n: '1' })])
    expect(alerts.counts()).toEqual({ active: 1, suppressed: 0 })
    time.nowMs += RESOLVE_TIMEOUT_MS
    expect(alerts.counts()).toEqual({ active: 0, suppressed: 0 })
    time.nowMs += KEEP_RESOLVED_MS - 1
    expect(alerts.snapshot()).toHaveLength(1)
    time.nowMs += 60_000
    expect(alerts.snapshot()).toEqual([])
    expect(alerts.stats.bytes).toBe(0)
  })

  it('are kept half an hour when they had ended long before they were posted', () => {
    const { alerts, time } = start()
    alerts.post([request({ n: '1' }, { endsAtNs: NOW_NS - 24n * HOUR_NS })])
    time.nowMs += KEEP_RESOLVED_MS - 1
    expect(alerts.snapshot()).toHaveLength(1)
    time.nowMs += 60_000
    expect(alerts.snapshot()).toEqual([])
  })

  it('count as suppressed from the moment they are silenced', () => {
    const { alerts, muted } = start()
    alerts.post(numbered(3))
    muted.add('n1')
    expect(alerts.counts()).toEqual({ active: 2, suppressed: 1 })
    muted.clear()
    expect(alerts.counts()).toEqual({ active: 3, suppressed: 0 })
  })

  it('count, when they are many, by what silenced them at their last post', () => {
    const { alerts, muted } = start()
    const many = numbered(COUNTED_ANEW_MAX + 1)
    alerts.post(many)
    muted.add('n1')
    expect(alerts.counts()).toEqual({ active: COUNTED_ANEW_MAX + 1, suppressed: 0 })
    alerts.post(many)
    expect(alerts.counts()).toEqual({ active: COUNTED_ANEW_MAX, suppressed: 1 })
  })
})

describe('the bounds of alerts', () => {
  it('are 100,000 and 128 MiB unless set', () => {
    expect([ALERTS_MAX, ALERTS_BYTES_MAX]).toEqual([100_000, 134_217_728])
  })

  it('refuse a new alert beyond their number, and go on with known ones', () => {
    const { alerts } = start({ alertsMax: 2 })
    expect(alerts.post(numbered(3))).toEqual({ faults: [], refused: 1 })
    const again = request({ n: 'n0' }, { annotations: { say: 'more' } })
    expect(alerts.post([again, request({ n: 'n9' })])).toEqual({ faults: [], refused: 1 })
    expect(alerts.snapshot().find(({ alert }) => alert.labels.n === 'n0')?.alert.annotations).toEqual({
      say: 'more',
    })
    expect(alerts.stats.refused).toBe(2)
    expect(alerts.fullText(1, 3)).toContain('limits: 2 alerts')
  })

  it('have room again when resolved ones are forgotten', () => {
    const { alerts, time } = start({ alertsMax: 1 })
    alerts.post([request({ n: '1' })])
    time.nowMs += RESOLVE_TIMEOUT_MS + KEEP_RESOLVED_MS + 60_000
    expect(alerts.post([request({ n: '2' })]).refused).toBe(0)
  })

  it('refuse what is new or longer beyond their bytes, and take what is shorter', () => {
    const { alerts } = start({ bytesMax: 3 * (ALERT_OVERHEAD_BYTES + 103) })
    const long = (n: string) => request({ n: n.padEnd(100, 'x'), m: '' }, { generatorUrl: 'ab' })
    expect(alerts.post(['1', '2', '3', '4'].map(long)).refused).toBe(1)
    expect(alerts.stats.bytes).toBe(3 * (ALERT_OVERHEAD_BYTES + 103))
    const longer = { ...long('1'), annotations: { a: '' } }
    expect(alerts.post([longer]).refused).toBe(1)
    expect(alerts.post([{ ...long('1'), generatorUrl: '' }]).refused).toBe(0)
    expect(alerts.post([{ ...longer, generatorUrl: '' }]).refused).toBe(0)
  })
})
