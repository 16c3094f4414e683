/** What is said of one metric: its type, its labels, and what it means in one line. */
export type MetricType = 'counter' | 'gauge' | 'histogram'

export interface MetricDescriptor {
  readonly type: MetricType
  readonly help: string
  readonly labels: readonly string[]
}

export function counter(help: string, ...labels: string[]): MetricDescriptor {
  return { type: 'counter', help, labels }
}

export function gauge(help: string, ...labels: string[]): MetricDescriptor {
  return { type: 'gauge', help, labels }
}

export function histogram(help: string, ...labels: string[]): MetricDescriptor {
  return { type: 'histogram', help, labels }
}
