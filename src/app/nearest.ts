/**
 * The nearest of some known words, for "did you mean". Edit distance with swaps of neighbours counted once; a word is
 * near when at most two fifths of its letters differ. Inputs are cut at 64 characters, since the work is quadratic.
 */
const LENGTH_MAX = 64

export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = editDistance(word.slice(0, LENGTH_MAX), candidate)
    if (distance < bestDistance && distance <= Math.max(word.length, candidate.length) * 0.4) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + change)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, cell(i - 2, j - 2) + 1)
      }
      row.push(least)
    }
  }
  return cell(a.length, b.length)
}
