/**
 * The ledger of a crash test: what writers tried and what was acknowledged to them, kept where a `kill -9` of the
 * writer cannot reach it. Each writer owns its cells and has one write under way, so that after a crash a cell must
 * hold the last acknowledged content or that of the one later write whose outcome nobody knows; anything else is a
 * lost or an invented write.
 */

/** Content of a cell as text; undefined: deleted, or never there. */
export type CellContent = string | undefined

export type LedgerLine =
  | { readonly kind: 'try'; readonly cell: string; readonly content?: string }
  | { readonly kind: 'ack'; readonly cell: string; readonly content?: string }

interface Cell {
  acknowledged: CellContent
  /** Tried and not answered. */
  open: { readonly content: CellContent } | undefined
}

export class CrashLedger {
  readonly #cells = new Map<string, Cell>()
  #acks = 0

  /** Writes acknowledged so far. */
  get acks(): number {
    return this.#acks
  }

  tried(cell: string, content: CellContent): void {
    this.#cell(cell).open = { content }
  }

  acknowledged(cell: string, content: CellContent): void {
    const held = this.#cell(cell)
    held.acknowledged = content
    held.open = undefined
    this.#acks++
  }

  /** Takes in the lines of a writer; the last one may have been cut by the crash. */
  read(text: string): void {
    for (const line of text.split('\n').slice(0, -1)) {
      const entry = JSON.parse(line) as LedgerLine
      if (entry.kind === 'try') this.tried(entry.cell, entry.content)
      else this.acknowledged(entry.cell, entry.content)
    }
  }

  /**
   * Compares with what a reopened store holds, and goes on from there: writes of unknown outcome are settled now.
   * @returns one sentence for each violation
   */
  settle(observed: ReadonlyMap<string, string>): string[] {
    const wrong: string[] = []
    for (const [name, cell] of this.#cells) {
      const found = observed.get(name)
      if (found !== cell.acknowledged && (cell.open === undefined || found !== cell.open.content)) {
        const open = cell.open === undefined ? 'nothing' : String(cell.open.content)
        wrong.push(`${name}: acknowledged ${cell.acknowledged}, under way ${open}, found ${found}`)
      }
      cell.acknowledged = found
      cell.open = undefined
    }
    for (const name of observed.keys()) {
      if (!this.#cells.has(name)) wrong.push(`${name}: nobody wrote it`)
    }
    return wrong
  }

  #cell(name: string): Cell {
    let cell = this.#cells.get(name)
    if (cell === undefined) {
      cell = { acknowledged: undefined, open: undefined }
      this.#cells.set(name, cell)
    }
    return cell
  }
}
