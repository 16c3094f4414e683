/**
 * Go's double-quoted string literals, both ways: error texts and matchers are printed with them, and the newer filter
 * grammar reads them. Printable characters stand for themselves, the rest is escaped (`"a\tb"`).
 */
import { BytesError, ByteWriter, utf8Decode, utf8Encode } from '../../base/bytes.ts'

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
])
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES.get(character)
  if (short !== undefined) return short
  if (PRINTABLE.test(character)) return character
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`
  if (code < 0x1_0000) return `\\u${code.toString(16).padStart(4, '0')}`
  return `\\U${code.toString(16).padStart(8, '0')}`
}

export function goQuote(text: string): string {
  return `"${Array.from(text, escapeCharacter).join('')}"`
}

const ESCAPE = /\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y
const UNESCAPED: ReadonlyMap<string, string> = new Map(
  [...SHORT_ESCAPES].map(([character, escaped]) => [escaped.slice(1), character]),
)

/**
 * @param literal with its quotes
 * @returns the text meant, or undefined when it is no literal or its bytes are not UTF-8
 */
export function goUnquote(literal: string): string | undefined {
  if (literal.length < 2 || !literal.startsWith('"') || !literal.endsWith('"')) return undefined
  const out = new ByteWriter()
  const end = literal.length - 1
  let position = 1
  while (position < end) {
    const character = String.fromCodePoint(literal.codePointAt(position) ?? 0)
    if (character === '"' || character === '\n') return undefined
    if (character !== '\\') {
      out.raw(utf8Encode(character))
      position += character.length
      continue
    }
    ESCAPE.lastIndex = position
    const match = ESCAPE.exec(literal)
    if (match === null || position + match[0].length > end || !writeEscape(out, match)) return undefined
    position += match[0].length
  }
  try {
    return utf8Decode(out.finish())
  } catch (error) {
    if (error instanceof BytesError) return undefined
    throw error
  }
}

/** `\x` and octal escapes give bytes, the others characters. */
function writeEscape(out: ByteWriter, match: RegExpExecArray): boolean {
  const [, short, hex, octal, unicode4, unicode8] = match
  if (short !== undefined) out.raw(utf8Encode(UNESCAPED.get(short) ?? short))
  else if (hex !== undefined) out.u8(Number.parseInt(hex, 16))
  else if (octal !== undefined) {
    const byte = Number.parseInt(octal, 8)
    if (byte > 255) return false
    out.u8(byte)
  } else {
    const code = Number.parseInt(unicode4 ?? unicode8 ?? '', 16)
    if (code > 0x10_ffff || (code >= 0xd800 && code < 0xe000)) return false
    out.raw(utf8Encode(String.fromCodePoint(code)))
  }
  return true
}
