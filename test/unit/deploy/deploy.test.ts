/** What `deploy/` ships against what is exposed: no alert and no panel asks for a metric that does not exist. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { METRIC_TABLE, type MetricName } from '../../../src/http/metrics/metric-table.ts'
import { createMetrics } from '../../../src/http/metrics/registry.ts'
import { promtool } from '../../support/exposition.ts'
import { commandExists, requirement } from '../../support/requirement.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string }
}

interface Panel {
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } }
  readonly targets?: readonly { readonly expr: string }[]
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}

const RULES: readonly Rule[] = parse(readFileSync('deploy/prometheus/alerts.yml', 'utf8')).groups[0].rules
const PANELS: readonly Panel[] = JSON.parse(readFileSync('deploy/grafana/hearsay.json', 'utf8')).panels
const CHARTS = PANELS.filter(({ type }) => type !== 'row')

/** Names of metrics in an expression. */
function metricsIn(expr: string): readonly string[] {
  return expr.match(/\b(hearsay|alertmanager|nodejs|process)_\w+/g) ?? []
}

async function exposedNames(): Promise<ReadonlySet<string>> {
  const text = await createMetrics({ processMetrics: true }).scrape()
  const typed = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
  return new Set(
    typed.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  )
}

describe('alert rules', () => {
  it('ask for metrics that exist, and for labels that these have', async () => {
    const names = await exposedNames()
    for (const { alert, expr } of RULES) {
      expect(
        metricsIn(expr).filter((name) => !names.has(name)),
        alert,
      ).toEqual([])
      for (const [, name = '', selector = ''] of expr.matchAll(/(\w+)\{([^}]*)\}/g)) {
        const { labels } = METRIC_TABLE[name.replace(/_bucket$/, '') as MetricName] ?? { labels: ['job'] }
        const asked = [...selector.matchAll(/(\w+)=/g)].map(([, label = '']) => label)
        expect(
          asked.filter((label) => !labels.includes(label)),
          `${alert} ${name}`,
        ).toEqual([])
      }
    }
  })

  it('say how bad it is, what it is and what to do', () => {
    for (const { alert, labels, annotations } of RULES) {
      expect(labels.severity, alert).toMatch(/^(critical|warning)$/)
      expect(annotations.summary, alert).toMatch(/\S/)
      expect(annotations.description, alert).toMatch(/\.$/)
      expect(annotations.runbook, alert).toMatch(/[.?)]$/)
    }
  })

  it('each have a test, and names of their own', () => {
    const tested = parse(readFileSync('deploy/prometheus/alerts.test.yml', 'utf8')).tests as {
      name: string
    }[]
    const names = RULES.map(({ alert }) => alert)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((alert) => !tested.some(({ name }) => name === alert))).toEqual([])
  })
})

describe('the dashboard', () => {
  it('asks for metrics that exist', async () => {
    const names = await exposedNames()
    for (const { title, targets = [] } of CHARTS) {
      expect(targets.length, title).toBeGreaterThan(0)
      const asked = targets.flatMap(({ expr }) => metricsIn(expr))
      expect(asked.length, title).toBeGreaterThan(0)
      // They come with the first garbage collection.
      expect(
        asked.filter((name) => !names.has(name)),
        title,
      ).toEqual([])
    }
  })

  it('has a unit and an explanation on every panel, and no panel over another', () => {
    for (const { title, fieldConfig, description } of CHARTS) {
      expect(fieldConfig?.defaults.unit, title).toMatch(/\S/)
      expect(description, title).toMatch(/\.$/)
    }
    const cells = PANELS.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })
})

const PROMTOOL = {
  name: 'promtool',
  present: commandExists('promtool'),
  install: 'apt-get install prometheus',
}
requirement(PROMTOOL)('promtool', () => {
  it.each([
    ['check', 'rules', 'deploy/prometheus/alerts.yml'],
    ['test', 'rules', 'deploy/prometheus/alerts.test.yml'],
  ])('%s %s', (...args) => {
    const { status, text } = promtool(args) ?? { status: undefined, text: '' }
    expect({ status, text }).toMatchObject({ status: 0, text: expect.stringContaining('SUCCESS') })
  })
})
