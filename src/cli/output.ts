/** Printing: data on stdout, everything else on stderr, and plain tables that line up. */

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printError(line: string): void {
  process.stderr.write(`hearsay: ${line}\n`)
}

/** Text of a peer or a key on one line of a terminal: control characters are shown as escapes. */
export function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escaped)
}

/** Columns padded to their widest cell; no trailing spaces. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function escaped(character: string): string {
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}
