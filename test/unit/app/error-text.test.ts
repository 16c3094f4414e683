import { describe, expect, it } from 'vitest'
import { CAUSES_MAX, ERROR_TEXT_CHARS_MAX, errorText } from '../../../src/app/error-text.ts'

describe('the text of an error', () => {
  it('has the code of its cause, once', () => {
    const coded = (message: string) => Object.assign(new Error(message), { code: 'ECONNREFUSED' })
    expect(errorText(new TypeError('fetch failed', { cause: coded('refused') }))).toBe(
      'TypeError: fetch failed: ECONNREFUSED refused',
    )
    expect(
      errorText(new TypeError('fetch failed', { cause: coded('connect ECONNREFUSED 127.0.0.1:1') })),
    ).toBe('TypeError: fetch failed: connect ECONNREFUSED 127.0.0.1:1')
  })

  it('has the first of several reasons', () => {
    const both = Object.assign(new AggregateError([new Error('connect ::1'), new Error('connect 127')]), {
      code: 'ECONNREFUSED',
    })
    expect(errorText(new TypeError('fetch failed', { cause: both }))).toBe(
      'TypeError: fetch failed: ECONNREFUSED: connect ::1',
    )
  })

  it('is bounded, in causes and in characters, and ends where causes go in a circle', () => {
    let deep = new Error('0')
    for (let i = 1; i <= 10; i++) deep = new Error(`${i}`, { cause: deep })
    expect(errorText(deep).split(': ')).toHaveLength(2 + CAUSES_MAX)
    const circle = new Error('round')
    circle.cause = new Error('and', { cause: circle })
    expect(errorText(circle)).toBe('Error: round: and: round: and: round')
    expect(errorText(new Error('x'.repeat(5000)))).toHaveLength(ERROR_TEXT_CHARS_MAX)
  })

  it('is there for whatever is thrown', () => {
    expect(errorText(Object.create(null))).toBe('a value that has no text')
    expect(errorText('late')).toBe('late')
    expect(errorText(new Error('a', { cause: 7 }))).toBe('Error: a: 7')
  })
})
