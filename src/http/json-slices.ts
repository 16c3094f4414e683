/**
 * Where the values stand in a JSON text, so that one can be kept as it was written: reading and writing it again would
 * turn -0 into 0, 9007199254740993 into 9007199254740992 and 1e400 into null.
 *
 * For text that JSON.parse has accepted: nothing is checked here. One pass, no recursion.
 */

/** From the first character of the value to behind its last. */
export interface Slice {
  readonly start: number
  readonly end: number
}

const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\]|\\.)*"/y
const SCALAR = /[^ \t\n\r,\]}]+/y
/** Strings and brackets: all that matters for finding the end of an object or array. */
const PIECE = /"(?:[^"\\]|\\.)*"|[[\]{}]/g

/** The elements of the array that begins at or after `at`, spaces aside. */
export function* elementSlices(text: string, at: number): Generator<Slice> {
  let position = after(SPACE, text, after(SPACE, text, at) + 1)
  while (text[position] !== ']') {
    const end = endOfValue(text, position)
    yield { start: position, end }
    position = nextItem(text, end)
  }
}

/** The members of the object that begins at or after `at`; a name given twice comes twice, as JSON.parse takes the last. */
export function* memberSlices(text: string, at: number): Generator<Slice & { readonly name: string }> {
  let position = after(SPACE, text, after(SPACE, text, at) + 1)
  while (text[position] !== '}') {
    const nameEnd = after(STRING, text, position)
    const name = String(JSON.parse(text.slice(position, nameEnd)))
    const start = after(SPACE, text, after(SPACE, text, nameEnd) + 1)
    const end = endOfValue(text, start)
    yield { name, start, end }
    position = nextItem(text, end)
  }
}

/** Behind the comma, or at the closing bracket. */
function nextItem(text: string, end: number): number {
  const position = after(SPACE, text, end)
  return text[position] === ',' ? after(SPACE, text, position + 1) : position
}

function endOfValue(text: string, start: number): number {
  const first = text[start]
  if (first === '"') return after(STRING, text, start)
  if (first !== '{' && first !== '[') return after(SCALAR, text, start)
  let depth = 0
  PIECE.lastIndex = start
  for (let piece = PIECE.exec(text); piece !== null; piece = PIECE.exec(text)) {
    if (piece[0] === '{' || piece[0] === '[') depth++
    else if (piece[0] === '}' || piece[0] === ']') depth--
    if (depth === 0) return PIECE.lastIndex
  }
  return text.length
}

function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
