import { describe, expect, it } from 'vitest'
import {
  acceptsEmpty,
  formatMatcher,
  type MatchOperator,
  matcher,
  matchesValue,
} from '../../../src/alerting/core/matcher.ts'
import { parseFilter, parseMatcher } from '../../../src/alerting/core/matcher-parser.ts'
import { compileRegex, REGEX_CACHE_MAX } from '../../../src/alerting/core/regex.ts'

function parsed(input: string): string {
  try {
    return formatMatcher(parseMatcher(input))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('reading a matcher', () => {
  it.each([
    ['foo=bar', 'foo="bar"'],
    ['foo="\\d+"', 'foo="\\\\d+"'],
    ['foo=[a-z]+', 'foo="[a-z]+"'],
    ['foo=a b', 'foo="a b"'],
    ['foo🙂=bar', 'foo🙂="bar"'],
    ['foo=!bar\\n', 'foo="!bar\\n"'],
    ['foo="\\xf0\\x9f\\x99\\x82"', 'foo="\\\\xf0\\\\x9f\\\\x99\\\\x82"'],
    ['fooΣ="\\U0001f642"', 'fooΣ="🙂"'],
    ['fooΣ="\\xf0\\x9f\\x99\\x82"', 'fooΣ="🙂"'],
    ['a=x,b=y', 'a="x,b=y"'],
    ['  a !~  b.* ', 'a!~"b.*"'],
    ['a=', 'a=""'],
    ['a="x\\"y\\\\z"', 'a="x\\"y\\\\z"'],
    ['a=x\\', 'a="x\\\\"'],
    ['"a b"="c"', '"a b"="c"'],
    ['"a b"=~c,', '"a b"=~"c"'],
    ['a="b', 'matcher value contains unescaped double quote: "b'],
    ['a=b"', 'matcher value contains unescaped double quote: b"'],
    ['a=~[', 'error parsing regexp: missing closing ]: `[)$`'],
    ['', 'bad matcher format: '],
    ['{a="b"}', 'bad matcher format: {a="b"}'],
    ['{🙂="b"}', 'bad matcher format: {🙂="b"}'],
    ['🙂="b\\w"', 'bad matcher format: 🙂="b\\w"'],
    ['🙂="\\xff"', 'bad matcher format: 🙂="\\xff"'],
    ['🙂="\\ud800"', 'bad matcher format: 🙂="\\ud800"'],
    ['🙂=~"["', 'bad matcher format: 🙂=~"["'],
    ['🙂=a,b=c', 'bad matcher format: 🙂=a,b=c'],
    ['a!b', 'bad matcher format: a!b'],
  ])('%j gives %s', (input, expected) => {
    expect(parsed(input)).toBe(expected)
  })

  it('refuses an outer brace in a filter, and nowhere else', () => {
    for (const text of ['{a=b}', '{a=b', 'a=b}', '{', 'a=~b{2}']) {
      expect(() => parseFilter(text)).toThrow(`unexpected open or close brace: ${text}`)
    }
    expect(parseFilter('a=~"b{2}"')).toEqual(parseMatcher('a=~b{2}'))
  })

  it('takes time linear in the length of the text', () => {
    const startedAt = performance.now()
    expect(parsed(`a=x${' '.repeat(200_000)}y`)).toContain('y"')
    expect(parsed(' '.repeat(200_000))).toContain('bad matcher format')
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })
})

describe('matching a value', () => {
  const holds = (operator: MatchOperator, pattern: string, value: string) =>
    matchesValue(matcher('a', operator, pattern), value)

  it('anchors regular expressions on both sides', () => {
    expect(holds('=~', 'a|b', 'ab')).toBe(false)
    expect(holds('=~', 'a|b', 'b')).toBe(true)
    expect(holds('!~', 'a.*', 'ba')).toBe(true)
  })

  it('takes an absent label for an empty one', () => {
    expect(holds('=', '', '')).toBe(true)
    expect(holds('=~', '.*', '')).toBe(true)
    expect(holds('!=', 'x', '')).toBe(true)
    expect(holds('!~', '.+', '')).toBe(true)
  })

  it('follows RE2 where JavaScript differs', () => {
    expect(holds('=~', '.', '\u2028')).toBe(true)
    expect(holds('=~', '(?i)k', '\u212a')).toBe(true)
    expect(holds('=~', '\\s', '\u00a0')).toBe(false)
    expect(holds('=~', '\\Qa.b\\E', 'a.b')).toBe(true)
  })

  it('says what accepts the empty value: negative matchers never do', () => {
    const accepting = [
      ['=', ''],
      ['=~', '.*'],
      ['=~', 'a|'],
      ['!=', 'x'],
      ['!~', '.+'],
      ['=~', 'x'],
    ] as const
    expect(accepting.map(([operator, pattern]) => acceptsEmpty(matcher('a', operator, pattern)))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it('matches nothing with a pattern that does not compile', () => {
    expect(holds('=~', '((', '((')).toBe(false)
    expect(holds('!~', '((', 'x')).toBe(false)
  })
})

describe('patterns', () => {
  const accepted = (pattern: string) => 'test' in compileRegex(pattern)

  it('are refused where older Go refuses them', () => {
    expect(accepted('(?<n>a)')).toBe(false)
    expect(accepted('(?P<n>a)')).toBe(true)
    expect(accepted('\\(?<n')).toBe(true)
    expect(accepted('[(?<]')).toBe(true)
    expect(accepted('[]\\](?<]')).toBe(true)
    expect(accepted('\\Q(?<\\E')).toBe(true)
    expect(accepted('[a](?<n>a)')).toBe(false)
    expect(accepted('a{1001}')).toBe(false)
    expect(accepted('(a)\\1')).toBe(false)
  })

  it('are bounded in length and in repeats', () => {
    expect(accepted('x'.repeat(16_384))).toBe(true)
    expect(accepted('x'.repeat(16_385))).toBe(false)
    expect(accepted('é'.repeat(8193))).toBe(false)
    expect(accepted('x{1000}'.repeat(5))).toBe(true)
    expect(accepted('x{1000}'.repeat(6))).toBe(false)
    expect(accepted('x{0,1000}y{2,1000}'.repeat(3))).toBe(false)
    expect(accepted(`(${'abcd'.repeat(1000)}){49}`)).toBe(true)
    expect(accepted(`(${'abcd'.repeat(1000)}){50}`)).toBe(false)
  })

  it('may be long alternations, as people write them', () => {
    const hosts = Array.from({ length: 800 }, (_, i) => `host-${i}.example`)
    const regex = compileRegex(hosts.join('|'))
    expect('test' in regex && regex.test('host-799.example')).toBe(true)
  })

  it('are compiled once while they are among the latest', () => {
    const first = compileRegex('cached-pattern')
    expect(compileRegex('cached-pattern')).toBe(first)
    for (let i = 0; i < REGEX_CACHE_MAX; i++) compileRegex(`other-${i}`)
    expect(compileRegex('cached-pattern')).not.toBe(first)
  })
})
