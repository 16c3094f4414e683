/**
 * Metrics of one replica, behind an interface of three calls so that prom-client is known to this file only.
 *
 * Nothing is counted twice: every room already keeps its own numbers, and a source reads them out when somebody
 * scrapes. So the hot paths pay an integer increment and nothing else. The registry is private to the replica: several
 * may live in one process.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { METRIC_NAMES, METRIC_TABLE, type MetricName } from './metric-table.ts'

export interface Sample {
  readonly name: MetricName
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
}

/** Called at each scrape; must be quick and must not throw. A counter's value is its total so far. */
export type SampleSource = () => Iterable<Sample>

export interface MetricsRegistry {
  readonly contentType: string
  addSource(source: SampleSource): void
  /** The exposition text. */
  scrape(): Promise<string>
}

/**
 * @param options.processMetrics whether the usual process_* and nodejs_* series are included (they cost a timer-less
 *   event-loop histogram and a garbage collection observer); off in most tests
 */
export function createMetrics(options: { readonly processMetrics: boolean }): MetricsRegistry {
  const registry = new Registry()
  const metrics = new Map<MetricName, Counter | Gauge>()
  for (const name of METRIC_NAMES) {
    const { type, help, labels } = METRIC_TABLE[name]
    const configuration = { name, help, labelNames: [...labels], registers: [registry] }
    metrics.set(name, type === 'counter' ? new Counter(configuration) : new Gauge(configuration))
  }
  if (options.processMetrics) collectDefaultMetrics({ register: registry })
  const sources: SampleSource[] = []
  return {
    contentType: registry.contentType,
    addSource: (source) => {
      sources.push(source)
    },
    scrape: () => {
      for (const metric of metrics.values()) metric.reset()
      for (const source of sources) {
        for (const sample of source()) metrics.get(sample.name)?.inc(sample.labels ?? {}, sample.value)
      }
      return registry.metrics()
    },
  }
}
