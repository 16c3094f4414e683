/**
 * How a Go struct is laid out on the wire, and how to read one as leniently as Go does.
 *
 * A layout lists the fields in Go's order, which is also the order of the positional form. In the map form keys may
 * come in any order, unknown ones are skipped, missing ones stay zero, of duplicates the last wins. Keys are compared
 * as bytes; because peers send them in a stable order, the search starts where the last hit was.
 */
import { utf8Encode } from '../../base/bytes.ts'
import { readName } from './member-name.ts'
import type { MsgpackCursor } from './msgpack-cursor.ts'

export interface Field<Body> {
  readonly key: Uint8Array
  readonly read: (cursor: MsgpackCursor, body: Body) => void
}
export type Layout<Body> = readonly Field<Body>[]

/** An integer in [0, max]. */
export function uintField<Name extends string>(
  key: string,
  name: Name,
  max: number,
): Field<Record<Name, number>> {
  return field(key, name, (cursor) => cursor.uint(max))
}

export function boolField<Name extends string>(key: string, name: Name): Field<Record<Name, boolean>> {
  return field(key, name, (cursor) => cursor.bool())
}

/** Bytes, copied out of the input. */
export function bytesField<Name extends string>(key: string, name: Name): Field<Record<Name, Uint8Array>> {
  return field(key, name, (cursor) => cursor.rawCopy())
}

/** Bytes, as a view of the input: for what is consumed at once. */
export function viewField<Name extends string>(key: string, name: Name): Field<Record<Name, Uint8Array>> {
  return field(key, name, (cursor) => cursor.raw())
}

/** A member's name, or none. */
export function nameField<Name extends string>(key: string, name: Name): Field<Record<Name, string>> {
  return field(key, name, readName)
}

function field<Name extends string, Value>(
  key: string,
  name: Name,
  value: (cursor: MsgpackCursor) => Value,
): Field<Record<Name, Value>> {
  return {
    key: utf8Encode(key),
    read: (cursor, body) => {
      body[name] = value(cursor)
    },
  }
}

/** Fills `body`, which holds zero values, and leaves the cursor behind the struct; problems are in `cursor.failure`. */
export function readStruct<Body>(cursor: MsgpackCursor, layout: Layout<Body>, body: Body): void {
  const { count, positional } = cursor.structHead()
  let likely = 0
  for (let i = 0; i < count && cursor.failure === undefined; i++) {
    if (!positional) {
      const length = cursor.rawHead()
      likely = findField(cursor, length, layout, likely)
      cursor.position += length
    }
    const known = layout[positional ? i : likely]
    if (known === undefined) cursor.skip()
    else {
      known.read(cursor, body)
      likely++
    }
  }
}

/** Index of the field whose key starts at the cursor; beyond the layout when there is none. */
function findField<Body>(
  cursor: MsgpackCursor,
  length: number,
  layout: Layout<Body>,
  likely: number,
): number {
  for (let tried = 0; tried < layout.length; tried++) {
    const index = (likely + tried) % layout.length
    if (keyMatches(cursor, length, layout[index]?.key)) return index
  }
  return layout.length
}

function keyMatches(cursor: MsgpackCursor, length: number, key: Uint8Array | undefined): boolean {
  if (key === undefined || key.length !== length) return false
  for (let i = 0; i < length; i++) if (cursor.bytes[cursor.position + i] !== key[i]) return false
  return true
}
