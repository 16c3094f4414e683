/** The cells that the store worker writes, and how to read all of them from an open store. */
import type { StateStore } from '../../src/store/state-store.ts'

export const MAP = 'crash-map'
export const SET = 'crash-set'
export const TABLE = 'crash-table'
const PRESENT = 'present'

export function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Everything the store holds, by cell name: `map <key>`, `set <member>`, `table <key>`. */
export function readCells(store: StateStore): Map<string, string> {
  const cells = new Map<string, string>()
  let after: string | undefined
  for (;;) {
    const page = store.kv.list(MAP, { limit: 1000, ...(after === undefined ? {} : { after }) })
    for (const item of page.items) cells.set(`map ${item.key}`, new TextDecoder().decode(item.value.bytes))
    after = page.next
    if (after === undefined) break
  }
  for (const member of store.sets.members(SET)) cells.set(`set ${member}`, PRESENT)
  for (const [key, record] of store.records.entries(TABLE)) {
    cells.set(`table ${key}`, new TextDecoder().decode(record.bytes))
  }
  return cells
}

/** Writes `content` (undefined: removes) into a cell. Resolves when the store acknowledges. */
export async function writeCell(store: StateStore, cell: string, content: string | undefined): Promise<void> {
  const [kind = '', key = ''] = cell.split(' ')
  if (kind === 'map') {
    if (content === undefined) await store.kv.delete(MAP, key)
    else await store.kv.put(MAP, key, { contentType: 'text/plain', bytes: textBytes(content) })
  } else if (kind === 'set') {
    if (content === undefined) await store.sets.remove(SET, key)
    else await store.sets.add(SET, key)
  } else {
    await store.records.write(TABLE, (stage) => {
      const versionNs = (stage.get(key)?.versionNs ?? 0n) + 1n
      stage.put(key, { versionNs, bytes: textBytes(content ?? ''), expiresAtMs: 4_000_000_000_000 })
    })
  }
}

/** A random next content for a cell: values carry who wrote them and a number, so that none is ever repeated. */
export function nextContent(cell: string, number: number): string | undefined {
  if (cell.startsWith('table')) return `${cell} ${number}`
  if (number % 4 === 3) return undefined
  return cell.startsWith('set') ? PRESENT : `${cell} ${number} ${'x'.repeat(number % 300)}`
}
