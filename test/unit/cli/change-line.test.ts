import { describe, expect, it } from 'vitest'
import { changeLine } from '../../../src/cli/change-line.ts'
import { plain } from '../../../src/cli/colour.ts'

const put = (rest: string): string =>
  `{"type":"put","cursor":"c-1","map":"m","key":"k",${rest}"contentType":"text/x","version":"v"}`

describe('a change on one line', () => {
  it.each([
    [put('"value":{"n": 9007199254740993},'), 'put     k  {"n": 9007199254740993}'],
    [put('"value":",\\"contentType\\":\\u001b[31m",'), 'put     k  ",\\"contentType\\":\\u001b[31m"'],
    [put('"valueBase64":"AAEC",'), 'put     k  (3 bytes of text/x)'],
    [put(''), 'put     k'],
    ['{"type":"delete","cursor":"c-1","map":"m","key":"k","reason":"expired"}', 'delete  k  expired'],
    ['{"type":"remove","cursor":"c-1","set":"s","member":"a\\nb"}', 'remove  a\\nb'],
    ['{"type":"gap","cursor":"c-1"}', 'gap     changes were missed: read what you follow anew'],
  ])('%s', (json, line) => {
    expect(changeLine(json, true, plain)).toBe(line)
  })

  it('names map or set where several are watched, and cuts a long value', () => {
    const line = changeLine(put(`"value":"${'x'.repeat(500)}",`), false, plain)
    expect(line).toMatch(/^put {5}m {2}k {2}"x+…$/)
    expect(line.length).toBeLessThan(220)
  })

  it('leaves no control character of a value to the terminal', () => {
    expect(changeLine(put('"value":"\u009b31m",'), true, plain)).toBe('put     k  "\\u009b31m"')
  })
})
