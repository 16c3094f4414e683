/** Prometheus' text format, as far as tests look into it, and promtool where it is installed. */
import { spawnSync } from 'node:child_process'

/** `name{labels}` of every sample, without its value; those of Node, which come with garbage collections, left out. */
export function seriesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('nodejs_'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')))
}

/** Names of samples, without `_bucket`, `_sum` and `_count`. */
export function metricNamesOf(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name))
}

/** What promtool says; undefined where it is not installed. */
export function promtool(
  args: readonly string[],
  input?: string,
): { status: number | null; text: string } | undefined {
  const { error, status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' })
  return error === undefined ? { status, text: stdout + stderr } : undefined
}
