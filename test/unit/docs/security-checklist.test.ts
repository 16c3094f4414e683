/** The checklist must not say more than is there: each test that it names exists, and each item is in it once. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const ITEMS = 34
const page = readFileSync('docs/reference/security-checklist.md', 'utf8')
const rows = [...page.matchAll(/^\| (\d+) \| (.+) \| (.+?) \| (.+) \|$/gm)].map(
  ([, item, , state = '', tests = '']) => ({
    item: Number(item),
    state,
    tests: [...tests.matchAll(/`(test\/[^`]+)`: "([^"]+)"/g)].map(([, file = '', title = '']) => ({
      file,
      title,
    })),
  }),
)

describe('the security checklist', () => {
  it('has each item once', () => {
    expect(rows.map(({ item }) => item)).toEqual(Array.from({ length: ITEMS }, (_, i) => i + 1))
  })

  it('says of each item how it stands', () => {
    for (const { state } of rows) expect(state).toMatch(/^(tested(: .+)?|in part: .+|does not apply: .+)$/)
  })

  it.each(rows.map(({ item, tests }) => [item, tests] as const))(
    'names tests of item %d that are there',
    (_item, tests) => {
      expect(tests.length).toBeGreaterThan(0)
      for (const { file, title } of tests) {
        expect(existsSync(file), file).toBe(true)
        expect(readFileSync(file, 'utf8').replaceAll('\\`', '`'), `${file} has "${title}"`).toContain(title)
      }
    },
  )
})
