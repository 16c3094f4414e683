/**
 * A histogram for prom-client that observes nothing itself: at each scrape it is handed those that the rooms keep, one for
 * each set of labels, and gives their lines in place of its own.
 */
import { Histogram, type Registry } from 'prom-client'
import type { HistogramView } from '../../base/histogram.ts'

type Labels = Readonly<Record<string, string>>

interface Line {
  readonly metricName: string
  readonly labels: Labels
  readonly value: number
}

export interface ReadHistogram {
  /** To be exposed with the next text, and until `reset`. */
  take(view: HistogramView, labels: Labels): void
  reset(): void
}

export function readHistogram(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
): ReadHistogram {
  let lines: Line[] = []
  const metric = new Histogram({ name, help, labelNames: [...labelNames], registers: [] })
  // What the registry asks for when it makes the text.
  const getForPromString = async (): Promise<object> => ({ name, help, type: 'histogram', values: lines })
  registry.registerMetric(Object.assign(metric, { getForPromString }))
  return {
    take: (view, labels) => {
      lines.push(...linesOf(name, view, labels))
    },
    reset: () => {
      lines = []
    },
  }
}

function linesOf(name: string, view: HistogramView, labels: Labels): Line[] {
  const cumulative = view.cumulative()
  const bucket = (le: string, value: number): Line => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le },
    value,
  })
  return [
    ...view.bounds.map((bound, i) => bucket(String(bound), cumulative[i] ?? 0)),
    bucket('+Inf', view.count),
    { metricName: `${name}_sum`, labels, value: view.sum },
    { metricName: `${name}_count`, labels, value: view.count },
  ]
}
