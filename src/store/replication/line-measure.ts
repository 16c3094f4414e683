/**
 * How many bytes the lines of a delta take at most once encoded, without encoding them: so chunks are filled to their limit
 * and never beyond. An entry of 150 bytes under a key of 20 measures 222 and takes about 200.
 */
import type { Delta, MapPut, RecordPut, SetAdd } from '../core/delta.ts'

/** One of the three. */
export interface Line {
  readonly put?: MapPut
  readonly add?: SetAdd
  readonly record?: RecordPut
  /** Not below what it takes encoded. */
  readonly bytes: number
}

/** Numbers of a line, each at its longest, and references to names that were given before. */
const NUMBERS_BYTES = 52
/** A frame names an actor in full once; so often this may be the first time. */
const ACTORS_BYTES = 34

export class LineMeasure {
  /** Of the line before, whose names are not given again. */
  #table = ''
  #contentType = ''
  #actor = ''

  lines({ puts, adds, records }: Delta): Line[] {
    const lines: Line[] = []
    for (const put of puts) {
      const { value, dot } = put.entry
      const type = value === undefined || value.contentType === this.#contentType ? '' : value.contentType
      if (type !== '') this.#contentType = type
      const bytes = this.#bytes(put.map, put.key, dot.actor) + utf8Bytes(type) + (value?.bytes.length ?? 0)
      lines.push({ put, bytes })
    }
    for (const add of adds) lines.push({ add, bytes: this.#bytes(add.set, add.member, add.dot.actor) })
    for (const record of records) {
      lines.push({
        record,
        bytes: this.#bytes(record.table, record.key, this.#actor) + record.record.bytes.length,
      })
    }
    return lines
  }

  #bytes(table: string, key: string, actor: string): number {
    const names = (table === this.#table ? 0 : utf8Bytes(table)) + (actor === this.#actor ? 0 : ACTORS_BYTES)
    this.#table = table
    this.#actor = actor
    return NUMBERS_BYTES + names + utf8Bytes(key)
  }
}

function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) bytes += code > 0x7ff ? 2 : 1
  }
  return bytes
}
