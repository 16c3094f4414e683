/** Order statistics of a benchmark's samples. */

/** @param sorted ascending; @param q in [0, 1], nearest rank. NaN when there are no samples. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN
}
