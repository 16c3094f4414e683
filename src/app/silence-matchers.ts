/**
 * Matchers between how people type them (`alertname=~"Disk.*"`, or a bare `DiskFull`) and how `/api/v2` has them, for
 * clients. Both grammars are read, as the server does (alerting/core/matcher-parser.ts).
 */
import {
  formatMatcher,
  isEqualMatcher,
  isRegexMatcher,
  type Matcher,
  matcher,
} from '../alerting/core/matcher.ts'
import { parseMatcher } from '../alerting/core/matcher-parser.ts'

export interface ApiMatcher {
  readonly name: string
  readonly value: string
  readonly isRegex: boolean
  /** Absent in what old Alertmanagers wrote: true. */
  readonly isEqual?: boolean
}

/**
 * @param texts one matcher each; the first may be a bare word, which is the alert's name, as amtool has it
 * @throws HearsayError `MATCHER_MALFORMED`
 */
export function parseMatchers(texts: readonly string[]): readonly Matcher[] {
  return texts.map((text, index) => {
    try {
      return parseMatcher(text)
    } catch (error) {
      if (index === 0 && !/[=~]/.test(text)) return matcher('alertname', '=', text)
      throw error
    }
  })
}

export function toApi(of: Matcher): ApiMatcher {
  return { name: of.name, value: of.pattern, isRegex: isRegexMatcher(of), isEqual: isEqualMatcher(of) }
}

/** `job=~"api.*"` */
export function textOf({ name, value, isRegex, isEqual = true }: ApiMatcher): string {
  const operator = isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!='
  return formatMatcher(matcher(name, operator, value))
}

export { formatMatcher }
