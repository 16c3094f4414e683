/**
 * What can be known of a regular expression's matches without running it, so that an index can find it by text.
 *
 * People write `instance=~"db-1|db-2"` and `instance=~"db-(1|2)\\.example\\.com"`, which mean a few texts, and
 * `instance=~"db-17-.*"`, which wants a beginning. Patterns match the whole text here, so all of that is plain to see in
 * the pattern itself, where it uses nothing but ordinary characters and escaped punctuation. Everything else is left to
 * RE2: a shape that is not recognized costs time, a wrong one would mute or unmute alerts.
 */

/** Texts that a pattern may stand for; with more of them it is a regular expression like any other. */
export const LITERALS_MAX = 256
const PREFIX_LENGTH_MAX = 64

export interface RegexShape {
  /** Exactly what it matches; undefined when that is not a short list. */
  readonly literals: readonly string[] | undefined
  /** How every match begins; may be empty. */
  readonly prefix: string
}

const LITERAL = String.raw`(?:[^\\.+*?()|[\]{}^$]|\\[!-/:-@[-^${'`'}{-~])`
const ALTERNATIVES = `${LITERAL}*(?:\\|${LITERAL}*)*`
/** `a|b`, */
const PLAIN = new RegExp(`^${ALTERNATIVES}$`)
/** or one group of them with text around it. */
const GROUP = new RegExp(`^\\^?(${LITERAL}*)(?:\\((?:\\?:)?(${ALTERNATIVES})\\)(${LITERAL}*))?\\$?$`)
/** Of ASCII only: a quantifier takes the character before it, which may be half of what we see elsewhere. */
const BEGINNING = /^\^?((?:[ !"#%&',\-/0-9:;<=>@A-Z_`a-z~]|\\[!-/:-@[-^`{-~])*)/
/**
 * What takes a quantifier for itself. Anything else may hand one on to the character before: `ab*`, and for RE2 also
 * `ab(?i)*`, `ab\Q\E*` and `ab+(?i)*`, in which the `b` may be missing.
 */
const NEXT_ATOM = /^(?:\.|\[|\((?!\?)|\(\?:|\\[dDsSwW])/
const LAST_CHARACTER = /\\?.$/
/** Quoted runs, escapes, classes, and what builds the structure. */
const TOKENS = /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]|[()|]/g

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1')
}

function literalsOf(pattern: string): readonly string[] | undefined {
  if (PLAIN.test(pattern)) {
    const texts = pattern.split('|').map(unescaped)
    // An escaped bar is text; splitting there is not worth getting right.
    return texts.length > LITERALS_MAX || pattern.includes('\\|') ? undefined : texts
  }
  const match = GROUP.exec(pattern)
  if (match === null || pattern.includes('\\|')) return undefined
  const [, before = '', inner, after = ''] = match
  if (inner === undefined) return [unescaped(before)]
  const texts = inner.split('|').map((text) => unescaped(before + text + after))
  return texts.length > LITERALS_MAX ? undefined : texts
}

function hasAlternatives(pattern: string): boolean {
  let depth = 0
  for (const [token] of pattern.matchAll(TOKENS)) {
    if (token === '(') depth++
    else if (token === ')') depth--
    else if (token === '|' && depth === 0) return true
  }
  return false
}

function prefixOf(pattern: string): string {
  const [whole = '', beginning = ''] = BEGINNING.exec(pattern) ?? []
  if (beginning === '' || hasAlternatives(pattern)) return ''
  const certain = NEXT_ATOM.test(pattern.slice(whole.length))
    ? beginning
    : beginning.replace(LAST_CHARACTER, '')
  return unescaped(certain).slice(0, PREFIX_LENGTH_MAX)
}

/** @param pattern one that RE2 takes */
export function regexShape(pattern: string): RegexShape {
  const literals = literalsOf(pattern)
  return { literals, prefix: literals === undefined ? prefixOf(pattern) : '' }
}
