/**
 * What makes a silence valid, in Alertmanager 0.34's order and words.
 *
 * These are the rules of its store, not of its HTTP interface: a silence that has ended is valid, one whose times are
 * equal too. Label names may be any UTF-8, as in its default mode.
 */
import { goQuote } from './go-quote.ts'
import { acceptsEmpty, isRegexMatcher, type Matcher, operatorOf } from './matcher.ts'
import { INSTANT_END_NS, ZERO_TIME_NS } from './nanos.ts'
import { compileRegex } from './regex.ts'
import type { Silence } from './silence.ts'

/** Lone surrogates cannot be written as UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u

function matcherFault({ type, name, pattern }: Matcher): string | undefined {
  if (name === '' || LONE_SURROGATE.test(name)) return `invalid label name ${goQuote(name)}`
  if (operatorOf(type) === undefined) return `unknown matcher type ${goQuote(String(type))}`
  if (LONE_SURROGATE.test(pattern)) return `invalid label value ${goQuote(pattern)}`
  if (!isRegexMatcher({ type, name, pattern })) return undefined
  const regex = compileRegex(pattern)
  return 'error' in regex ? `invalid regular expression ${goQuote(pattern)}: ${regex.error}` : undefined
}

function matchersFault({ matcherSets }: Silence): string | undefined {
  if (matcherSets.length === 0) return 'at least one matcher set required'
  for (const [setIndex, set] of matcherSets.entries()) {
    if (set.length === 0) return `matcher set ${setIndex} is empty`
    for (const [index, matcher] of set.entries()) {
      const fault = matcherFault(matcher)
      if (fault !== undefined) return `invalid label matcher ${index} in set ${setIndex}: ${fault}`
    }
    if (set.every(acceptsEmpty)) {
      return `matcher set ${setIndex}: at least one matcher must not match the empty string`
    }
  }
  return undefined
}

/** @returns what is wrong first, or undefined when the silence is valid */
export function silenceFault(silence: Silence): string | undefined {
  const fault = matchersFault(silence)
  if (fault !== undefined) return fault
  if (silence.startsAtNs === ZERO_TIME_NS) return 'invalid zero start timestamp'
  if (silence.endsAtNs === ZERO_TIME_NS) return 'invalid zero end timestamp'
  if (silence.endsAtNs < silence.startsAtNs) return 'end time must not be before start time'
  if (silence.expiresAtNs >= INSTANT_END_NS) return 'end time and retention must not go beyond the year 9999'
  return undefined
}
