/** What an index may conclude from a pattern: nothing that RE2 does not agree with. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRegex } from '../../../src/alerting/core/regex.ts'
import { LITERALS_MAX, regexShape } from '../../../src/alerting/core/regex-shape.ts'

describe('the shape of a pattern', () => {
  it.each([
    ['a|b|c', ['a', 'b', 'c']],
    ['(a|b)', ['a', 'b']],
    ['(?:a|b)', ['a', 'b']],
    ['^db-1$', ['db-1']],
    ['db-(1|2)\\.example\\.com', ['db-1.example.com', 'db-2.example.com']],
    ['', ['']],
    ['a||b', ['a', '', 'b']],
    ['ünï|🙂', ['ünï', '🙂']],
    [Array.from({ length: LITERALS_MAX }, (_, i) => i).join('|'), expect.arrayContaining(['0', '255'])],
  ])('of %j is a list', (pattern, literals) => {
    expect(regexShape(pattern).literals).toEqual(literals)
  })

  it.each([
    ['db-[0-9]+-.*', 'db-'],
    ['^db-17-.*', 'db-17-'],
    ['db-(1|2).*', 'db-'],
    ['db\\.x.*', 'db.x'],
    ['abc*', 'ab'],
    ['abc?d', 'ab'],
    ['abc{2}', 'ab'],
    ['ab\\.*', 'ab'],
    ['abc+', 'ab'],
    ['abc(?i)*.', 'ab'],
    ['abc\\Q\\E*.', 'ab'],
    ['abc\\d*', 'abc'],
    ['a.*|b.*', ''],
    ['(?i)abc', ''],
    ['.*abc', ''],
    ['[ab]c', ''],
    ['\\Qa.b\\E.*', ''],
    ['🙂*x', ''],
    ['a[|]b.*', 'a'],
    ['a\\|b.*', 'a|b'],
    [Array.from({ length: LITERALS_MAX + 1 }, (_, i) => i).join('|'), ''],
  ])('of %j is a beginning', (pattern, prefix) => {
    expect(regexShape(pattern)).toEqual({ literals: undefined, prefix })
  })

  it('says of any pattern what RE2 says', () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        'b',
        'ab',
        '-',
        '.',
        '\\.',
        '\\|',
        '|',
        '(',
        ')',
        '(?:',
        '[a|b]',
        '*',
        '+',
        '?',
        '{0}',
        '{1,2}',
      ],
      ...[
        '^',
        '$',
        '(?i)',
        '(?i)*',
        '\\Q\\E',
        '\\Q',
        '\\E',
        '\\b',
        '\\d',
        'é',
        '🙂',
        ' ',
        ']',
        '}',
        '{',
        '\\\\',
        '\\/',
      ],
    )
    const text = fc
      .array(fc.constantFrom('a', 'b', 'A', '-', '.', '|', '1', 'é', '🙂', ' ', '{', '\\', '/'), {
        maxLength: 5,
      })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 7 }), fc.array(text, { maxLength: 12 }), (pieces, texts) => {
        const pattern = pieces.join('')
        const regex = compileRegex(pattern)
        if ('error' in regex) return
        expect(regex.test('')).toBe(regex.matchesEmpty)
        const { literals, prefix } = regexShape(pattern)
        for (const value of [...texts, ...(literals ?? []), prefix]) {
          if (literals !== undefined)
            expect([pattern, value, literals.includes(value)]).toEqual([pattern, value, regex.test(value)])
          else if (regex.test(value))
            expect([pattern, value, value.startsWith(prefix)]).toEqual([pattern, value, true])
        }
      }),
      { numRuns: 3000 },
    )
  })
})
