/**
 * Metrics of one replica, behind an interface of three calls so that prom-client is known to this folder only.
 *
 * Nothing is counted twice: every room already keeps its own numbers, and a source reads them out when somebody
 * scrapes. So the hot paths pay an integer increment and nothing else. The registry is private to the replica: several
 * may live in one process.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { HistogramView } from '../../base/histogram.ts'
import { METRIC_NAMES, METRIC_TABLE, type MetricName } from './metric-table.ts'
import { type ReadHistogram, readHistogram } from './read-histogram.ts'

type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly name: MetricName
  readonly value: number
  readonly labels?: Labels
}

export interface HistogramSample {
  readonly name: MetricName
  readonly histogram: HistogramView
  readonly labels?: Labels
}

export type AnySample = Sample | HistogramSample

/** Called at each scrape; must be quick and must not throw. A counter's value is its total so far. */
export type SampleSource = () => Iterable<AnySample>

export interface MetricsRegistry {
  readonly contentType: string
  addSource(source: SampleSource): void
  /** The exposition text. */
  scrape(): Promise<string>
}

/** Gauges that are named as counters are; the same figures are there by type, without the ending. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/**
 * @param options.processMetrics whether the usual process_* and nodejs_* series are included (they cost a timer-less
 *   event-loop histogram and a garbage collection observer); off in most tests
 */
export function createMetrics(options: { readonly processMetrics: boolean }): MetricsRegistry {
  const registry = new Registry()
  const metrics = new Map<MetricName, Counter | Gauge>()
  const histograms = new Map<MetricName, ReadHistogram>()
  for (const name of METRIC_NAMES) {
    const { type, help, labels } = METRIC_TABLE[name]
    const configuration = { name, help, labelNames: [...labels], registers: [registry] }
    if (type === 'histogram') histograms.set(name, readHistogram(registry, name, help, labels))
    else metrics.set(name, type === 'counter' ? new Counter(configuration) : new Gauge(configuration))
  }
  if (options.processMetrics) {
    collectDefaultMetrics({ register: registry })
    for (const name of MISNAMED) registry.removeSingleMetric(name)
  }
  const sources: SampleSource[] = []
  return {
    contentType: registry.contentType,
    addSource: (source) => {
      sources.push(source)
    },
    scrape: () => {
      for (const metric of [...metrics.values(), ...histograms.values()]) metric.reset()
      const told = new Set<MetricName>()
      for (const source of sources) {
        for (const sample of source()) {
          const { name, labels = {} } = sample
          told.add(name)
          if ('histogram' in sample) histograms.get(name)?.take(sample.histogram, labels)
          else metrics.get(name)?.inc(labels, sample.value)
        }
      }
      // A gauge that nobody tells is left out: 0 would say that what is not there does badly.
      for (const [name, metric] of metrics) {
        if (!told.has(name) && metric instanceof Gauge && METRIC_TABLE[name].labels.length === 0)
          metric.remove()
      }
      return registry.metrics()
    },
  }
}
