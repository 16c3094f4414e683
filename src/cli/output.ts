/** Printing: data on stdout, everything else on stderr, and plain tables that line up. */
import { type Paint, paintFor, plain, type Tone } from './colour.ts'

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** One document for programs: stable, on one line. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value))
}

export function printError(line: string): void {
  process.stderr.write(`${paintFor(process.stderr)('bad', 'hearsay:')} ${line}\n`)
}

export function printWarning(line: string): void {
  process.stderr.write(`${paintFor(process.stderr)('doubtful', 'hearsay: warning:')} ${line}\n`)
}

/** What is neither data nor trouble: how a job went, where its result is. */
export function printNote(line: string): void {
  process.stderr.write(`hearsay: ${line}\n`)
}

/** Text of a peer or a key on one line of a terminal: control characters are shown as escapes. */
export function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escaped)
}

export interface TableLook {
  readonly paint: Paint
  /** The tone of a cell, by its text and the head of its column. */
  readonly tone?: (cell: string, column: string) => Tone | undefined
  /** Columns are at least so wide: for the next page of a table. */
  readonly widths?: readonly number[]
}

/** Columns padded to their widest cell; no trailing spaces. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  look: TableLook = { paint: plain },
): string {
  const widths = columnWidths([head, ...rows], look.widths)
  const line = (row: readonly string[], tone: (cell: string, column: number) => Tone | undefined): string => {
    const last = row.findLastIndex((cell) => cell !== '')
    return row
      .slice(0, last + 1)
      .map((cell, column) => {
        const padding = column === last ? '' : ' '.repeat((widths[column] ?? 0) - cell.length)
        const of = tone(cell, column)
        return `${of === undefined ? cell : look.paint(of, cell)}${padding}`
      })
      .join('  ')
  }
  const cellTone = (cell: string, column: number): Tone | undefined => look.tone?.(cell, head[column] ?? '')
  return [line(head, () => 'title'), ...rows.map((row) => line(row, cellTone))].join('\n')
}

export function columnWidths(rows: readonly (readonly string[])[], least: readonly number[] = []): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) => least[column] ?? 0)
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return widths
}

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}
