/**
 * Where the values stand in a JSON text, so that one can be kept as it was written: reading and writing it again would
 * turn -0 into 0, 9007199254740993 into 9007199254740992 and 1e400 into null.
 *
 * For text that JSON.parse has accepted: nothing is checked here. One pass, no recursion.
 */

/** A member's value: from its first character to behind its last. */
interface MemberSlice {
  readonly name: string
  readonly start: number
  readonly end: number
}

export const DEPTH_MAX = 10_000

const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\]|\\.)*"/y
const SCALAR = /[^ \t\n\r,\]}]+/y
const [QUOTE, BACKSLASH, BRACKET, BRACE, END_BRACKET, END_BRACE] = [34, 92, 91, 123, 93, 125]

/** The members of the object that begins at or after `at`; a name given twice comes twice, as JSON.parse takes the last. */
export function* memberSlices(text: string, at: number): Generator<MemberSlice> {
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

/** Character by character: some 2 ns for each, whatever the text is. */
export function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === QUOTE) return endOfString(text, start)
  if (first !== BRACE && first !== BRACKET) return after(SCALAR, text, start)
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at) - 1
    else if (code === BRACE || code === BRACKET) depth++
    else if (code === END_BRACE || code === END_BRACKET) {
      depth--
      if (depth === 0) return at + 1
    }
  }
  return text.length
}

/**
 * Whether brackets stand in brackets more than 10,000 deep: nobody's data does, and 1 MiB of brackets takes V8 a fifth of a
 * second to read.
 */
export function isTooDeep(text: string): boolean {
  if (text.length <= 2 * DEPTH_MAX) return false
  let depth = 0
  for (let at = 0; at < text.length && depth <= DEPTH_MAX; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at) - 1
    else if (code === BRACE || code === BRACKET) depth++
    else if (code === END_BRACE || code === END_BRACKET) depth--
  }
  return depth > DEPTH_MAX
}

/** Behind the first quote that no odd number of backslashes stands before. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    if ((quote - before) % 2 === 1) return quote + 1
  }
  return text.length
}

export function afterSpace(text: string, at: number): number {
  return after(SPACE, text, at)
}

function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
