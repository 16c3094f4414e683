/**
 * Reads one matcher as people type it into a `filter=`: `alertname="Disk full"`, `job=~api.*`, `foo🙂=bar`.
 *
 * Two grammars exist. The classic one knows ASCII names and three escapes, and leaves any other backslash alone, so
 * `"\d+"` is a pattern. The newer one takes any UTF-8 and Go's string literals. As Alertmanager does by default, both
 * are tried; where they disagree the classic reading stands, and where both fail its words are reported
 * (alertmanager-state.md section 4.2). So the newer grammar only ever adds what the classic one refuses.
 *
 * A `filter=` of the HTTP interface is stricter by one rule: an outer brace would make it a list, and a list it is not.
 */
import { HearsayError } from '../../base/errors.ts'
import { goUnquote } from './go-quote.ts'
import { isRegexMatcher, type Matcher, type MatchOperator, matcher } from './matcher.ts'
import { compileRegex } from './regex.ts'

const CLASSIC = /^([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)[\t\n\f\r ]*([\s\S]*)$/
const BLANKS = '\t\n\f\r '
const CLASSIC_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['"', '"'],
  ['\\', '\\'],
])

class MatcherSyntaxError extends HearsayError {
  constructor(message: string) {
    super('MATCHER_MALFORMED', message)
  }
}

/** A loop, since a pattern that looks for trailing blanks takes quadratic time on long runs of them. */
function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && BLANKS.includes(text.charAt(start))) start++
  while (end > start && BLANKS.includes(text.charAt(end - 1))) end--
  return text.slice(start, end)
}

function classicValue(raw: string): string {
  const quoted = raw.startsWith('"')
  const body = quoted ? raw.slice(1) : raw
  let value = ''
  let closed = false
  for (let i = 0; i < body.length; i++) {
    const character = body.charAt(i)
    const isLast = i === body.length - 1
    if (character === '\\' && !isLast) {
      const escaped = body.charAt(++i)
      value += CLASSIC_ESCAPES.get(escaped) ?? `\\${escaped}`
    } else if (character === '"') {
      if (!quoted || !isLast)
        throw new MatcherSyntaxError(`matcher value contains unescaped double quote: ${raw}`)
      closed = true
    } else {
      value += character
    }
  }
  if (quoted && !closed) throw new MatcherSyntaxError(`matcher value contains unescaped double quote: ${raw}`)
  return value
}

function compiled(of: Matcher): Matcher {
  if (!isRegexMatcher(of)) return of
  const bare = compileRegex(of.pattern)
  if (!('error' in bare)) return of
  // The anchored form is what Alertmanager compiles here, and what its error quotes.
  const anchored = compileRegex(`^(?:${of.pattern})$`)
  throw new MatcherSyntaxError('error' in anchored ? anchored.error : bare.error)
}

function parseClassic(input: string): Matcher {
  const match = CLASSIC.exec(trimBlanks(input))
  if (match === null) throw new MatcherSyntaxError(`bad matcher format: ${input}`)
  const [, name = '', operator = '=', raw = ''] = match
  return compiled(matcher(name, operator as MatchOperator, classicValue(raw)))
}

/** A quoted literal, or a run of characters that mean nothing else. */
const TOKEN = String.raw`"(?:[^"\\]|\\[\s\S])*"|[^\s{}!=~,\\"'${'`'}]+`
const UTF8 = new RegExp(String.raw`^\s*(${TOKEN})\s*(=~|=|!=|!~)\s*(${TOKEN})\s*,?\s*$`, 'u')

function parseUtf8(input: string): Matcher | undefined {
  const match = UTF8.exec(input)
  if (match === null) return undefined
  const [, nameToken = '', operator = '=', valueToken = ''] = match
  const name = nameToken.startsWith('"') ? goUnquote(nameToken) : nameToken
  const value = valueToken.startsWith('"') ? goUnquote(valueToken) : valueToken
  if (name === undefined || value === undefined) return undefined
  const parsed = matcher(name, operator as MatchOperator, value)
  return isRegexMatcher(parsed) && 'error' in compileRegex(value) ? undefined : parsed
}

/** @throws HearsayError `MATCHER_MALFORMED`, in Alertmanager's words */
export function parseMatcher(input: string): Matcher {
  try {
    return parseClassic(input)
  } catch (error) {
    const parsed = error instanceof MatcherSyntaxError ? parseUtf8(input) : undefined
    if (parsed === undefined) throw error
    return parsed
  }
}

/** As the HTTP interface reads `filter=`. @throws HearsayError `MATCHER_MALFORMED`, in Alertmanager's words */
export function parseFilter(input: string): Matcher {
  if (input.startsWith('{') || input.endsWith('}')) {
    throw new MatcherSyntaxError(`unexpected open or close brace: ${input}`)
  }
  return parseMatcher(input)
}
