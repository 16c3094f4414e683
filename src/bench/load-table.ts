/** Turns of several targets at the same work as a table: the first of them is what the others are compared with. */
import { quantile } from './quantile.ts'
import type { WrkResult } from './wrk.ts'

export interface Turn extends Pick<WrkResult, 'perSecond' | 'p50Ms' | 'p99Ms'> {
  /** Of all threads of the answering process, for one request; undefined where that cannot be had. */
  readonly cpuUs: number | undefined
}

const WIDTHS = [30, 12, 10, 10, 15, 14, 14]

/**
 * @param turns of each target by its label, as many of each; the n-th of all stood side by side
 * @returns lines; ratios above 100 % are better than the first target, in rate and in CPU alike
 */
export function loadTable(title: string, turns: ReadonlyMap<string, readonly Turn[]>): string[] {
  const first = [...turns.keys()][0] ?? ''
  const base = turns.get(first) ?? []
  const lines = [row([title, 'requests/s', 'p50', 'p99', 'CPU/request', 'rate', 'CPU'])]
  for (const [label, own] of turns) {
    const rate = median(own.map((turn, n) => turn.perSecond / (base[n]?.perSecond ?? Number.NaN)))
    const cpu = median(own.map((turn, n) => (base[n]?.cpuUs ?? Number.NaN) / (turn.cpuUs ?? Number.NaN)))
    const cpuUs = median(own.map((turn) => turn.cpuUs ?? Number.NaN))
    lines.push(
      row([
        label,
        String(Math.round(median(own.map((turn) => turn.perSecond)))),
        `${median(own.map((turn) => turn.p50Ms)).toFixed(2)} ms`,
        `${median(own.map((turn) => turn.p99Ms)).toFixed(2)} ms`,
        Number.isFinite(cpuUs) ? `${cpuUs.toFixed(1)} us` : '-',
        percent(rate),
        percent(cpu),
      ]),
    )
  }
  if (turns.size > 1) lines.push(`http  rate and CPU as shares of: ${first}`)
  return lines
}

function row(cells: readonly string[]): string {
  const [label = '', ...others] = cells
  const columns = others.map((cell, index) => cell.padStart(WIDTHS[index + 1] ?? 0))
  return `http  ${label.padEnd(WIDTHS[0] ?? 0)}${columns.join('')}`
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 100)} %` : '-'
}

function median(samples: readonly number[]): number {
  return quantile(
    [...samples].sort((a, b) => a - b),
    0.5,
  )
}
