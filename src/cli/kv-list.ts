/**
 * `hearsay kv list`: maps, or the keys of one, page by page, so that a map of any size goes through. As one JSON document
 * it is held as a whole; as `ndjson` it is not.
 */
import type { ClientFlags } from './client.ts'
import { paintFor } from './colour.ts'
import { columnWidths, formatTable, print, printJson, shown } from './output.ts'
import type { OutputFlags } from './output-flag.ts'
import { PAGE_ENTRIES, pagesOf } from './pages.ts'

export interface ListFlags extends ClientFlags, OutputFlags {
  readonly prefix?: string
  readonly quiet?: boolean
}

interface Item {
  readonly key: string
  readonly version: string
  readonly contentType: string
  readonly updatedAt: string
  readonly expiresAt?: string
}

interface Page {
  readonly items: readonly Item[]
  readonly next?: string
}

const HEAD = ['KEY', 'TYPE', 'UPDATED', 'EXPIRES']

export async function list(map: string | undefined, flags: ListFlags): Promise<void> {
  if (map === undefined) return printCounts('maps', flags)
  if (flags.output === 'json' && flags.quiet !== true) {
    const items: Item[] = []
    for await (const page of pages(map, flags)) items.push(...page)
    printJson({ items })
    return
  }
  const print = flags.quiet === true ? printKeys : flags.output === 'ndjson' ? printLines : tablePrinter()
  for await (const page of pages(map, flags)) print(page)
}

/** Maps or sets with how many entries each has. */
export async function printCounts(kind: 'maps' | 'sets', flags: ListFlags): Promise<void> {
  const counts: NameCount[] = []
  const path = [kind === 'maps' ? 'kv' : 'sets']
  for await (const page of pagesOf<CountsPage>(flags, path, {})) counts.push(...(page[kind] ?? []))
  if (flags.quiet === true) for (const { name } of counts) print(shown(name))
  else if (flags.output === 'json') printJson({ [kind]: counts })
  else if (flags.output === 'ndjson') for (const one of counts) printJson(one)
  else {
    const rows = counts.map(({ name, count }) => [shown(name), String(count)])
    print(
      formatTable([kind === 'maps' ? 'MAP' : 'SET', 'ENTRIES'], rows, { paint: paintFor(process.stdout) }),
    )
  }
}

interface NameCount {
  readonly name: string
  readonly count: number
}

interface CountsPage {
  readonly maps?: readonly NameCount[]
  readonly sets?: readonly NameCount[]
  readonly next?: string
}

async function* pages(map: string, flags: ListFlags): AsyncGenerator<readonly Item[]> {
  const values = String(flags.output !== 'table' && flags.quiet !== true)
  const query = { prefix: flags.prefix, limit: PAGE_ENTRIES, values }
  for await (const { items } of pagesOf<Page>(flags, ['kv', map], query)) yield items
}

function printKeys(items: readonly Item[]): void {
  for (const { key } of items) print(shown(key))
}

function printLines(items: readonly Item[]): void {
  for (const item of items) printJson(item)
}

/** One head for all pages; a later page may only widen the columns. */
function tablePrinter(): (items: readonly Item[]) => void {
  let widths: readonly number[] = []
  return (items) => {
    const isFirst = widths.length === 0
    const rows = items.map(({ key, contentType, updatedAt, expiresAt = '' }) => [
      shown(key),
      shown(contentType),
      updatedAt,
      expiresAt,
    ])
    if (!isFirst && rows.length === 0) return
    widths = columnWidths([HEAD, ...rows], widths)
    const table = formatTable(HEAD, rows, { paint: paintFor(process.stdout), widths })
    print(isFirst ? table : table.slice(table.indexOf('\n') + 1))
  }
}
