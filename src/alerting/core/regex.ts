/**
 * Regular expressions as every member of a mixed cluster understands them: RE2, compiled by re2js.
 *
 * A pattern that one member accepts and another refuses is poison: an Alertmanager with one bad active silence fails
 * the lookup of every alert. So JavaScript's own engine never decides, and what only newer Go versions take (groups
 * named by `(?<`) is refused as well.
 *
 * Compiling costs about 20 us for an ordinary pattern and 60 ms for an alternation of 1,000 host names. What hostile
 * ones can cost is bounded by their length and by what their repeat counts could blow them up to (length times the sum
 * of the counts); at both limits it is some 200 ms, where RE2 alone would allow seconds. Results are kept for the latest
 * few thousand patterns.
 */
import { RE2JS } from 're2js'
import { utf8Encode } from '../../base/bytes.ts'
import { type RegexShape, regexShape } from './regex-shape.ts'

export const PATTERN_BYTES_MAX: number = 16 * 1024
export const PATTERN_EXPANSION_MAX = 200_000
export const REGEX_CACHE_MAX = 4096

export interface CompiledRegex {
  /** Whether the pattern, not anchored, finds a match in the empty text. */
  readonly matchesEmpty: boolean
  /** What its matches look like, as far as the pattern shows. */
  shape(): RegexShape
  /** Whether the whole of `text` matches. */
  test(text: string): boolean
}

export type RegexResult = CompiledRegex | { readonly error: string }

/** Quoted runs, escapes, character classes and group openings, so that `(?<` counts only where it opens a group. */
const SYNTAX =
  /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]|\(\?<|\{(\d+)(?:,(\d*))?\}/g

/**
 * What is well formed by itself and not within a group: a quotation without an end swallows the closing parenthesis, and
 * the deepest nesting allowed (1,000) takes no further level. Alertmanager takes such a pattern and fails each lookup.
 */
const ANCHORING_TELLS = /\\Q/
const NESTING_TELLS_LENGTH = 500

function refusal(pattern: string): string | undefined {
  if (pattern.length > PATTERN_BYTES_MAX || utf8Encode(pattern).length > PATTERN_BYTES_MAX) {
    return `pattern longer than ${PATTERN_BYTES_MAX} bytes`
  }
  let repeats = 0
  for (const [token, least, most] of pattern.matchAll(SYNTAX)) {
    if (token === '(?<') return 'error parsing regexp: invalid or unsupported Perl syntax: `(?<`'
    repeats += Math.max(Number(least ?? 0), Number(most ?? 0))
  }
  if (repeats * pattern.length <= PATTERN_EXPANSION_MAX) return undefined
  return `pattern repeats too much: length times repeats is above ${PATTERN_EXPANSION_MAX}`
}

function compile(pattern: string): RegexResult {
  const refused = refusal(pattern)
  if (refused !== undefined) return { error: refused }
  try {
    const bare = RE2JS.compile(pattern)
    const anchored = (): RE2JS => RE2JS.compile(`^(?:${pattern})$`)
    let whole =
      ANCHORING_TELLS.test(pattern) || pattern.length > NESTING_TELLS_LENGTH ? anchored() : undefined
    let shape: RegexShape | undefined
    return {
      matchesEmpty: bare.test(''),
      shape: () => {
        shape ??= regexShape(pattern)
        return shape
      },
      test: (text) => {
        whole ??= anchored()
        return whole.test(text)
      },
    }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

const cache = new Map<string, RegexResult>()

/** @returns the compiled pattern, or Go's words on why there is none; kept for the next caller */
export function compileRegex(pattern: string): RegexResult {
  const known = cache.get(pattern)
  if (known !== undefined) return known
  const result = compile(pattern)
  const oldest = cache.size >= REGEX_CACHE_MAX ? cache.keys().next().value : undefined
  if (oldest !== undefined) cache.delete(oldest)
  if (pattern.length <= PATTERN_BYTES_MAX) cache.set(pattern, result)
  return result
}
