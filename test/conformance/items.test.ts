/** The table of items against the tests that exist: nothing is claimed without a test, and no item is forgotten. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DIFFERENCE_LIST } from './differences.ts'
import { ITEMS, type Item } from './items.ts'
import { referencePage } from './reference-page.ts'
import { type TallyResult, tallyLine } from './tally-reporter.ts'

const SUITE = import.meta.dirname
const PAGE = 'docs/reference/conformance.md'

function titlesIn(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/\bit(?:\.each\([\s\S]*?\))?\(\s*(['"`])((?:\\.|(?!\1)[\s\S])*)\1/g)].map(
    (match) => (match[2] ?? '').replace(/\\(.)/g, '$1'),
  )
}

function suiteFiles(folder: string = SUITE): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? suiteFiles(path) : path.endsWith('.ts') ? [path] : []
  })
}

function othersOf({ proof }: Item) {
  return proof.flatMap((where) => (where === 'here' ? [] : [where]))
}

describe('the table of items', () => {
  const proven = new Set(
    suiteFiles()
      .flatMap(titlesIn)
      .flatMap((title) => /^item (\d+): ./.exec(title)?.[1] ?? [])
      .map(Number),
  )

  it('has each of the 80 items once, in order', () => {
    expect(ITEMS.map(({ number }) => number)).toEqual(Array.from({ length: 80 }, (_, index) => index + 1))
  })

  it('gives for each item a proof or a reason', () => {
    expect(
      ITEMS.filter(({ proof, notApplicable }) => proof.length === 0 && notApplicable === undefined),
    ).toEqual([])
  })

  it('claims a proof in this suite for those items, and only those, that have a test here', () => {
    const claimed = ITEMS.filter(({ proof }) => proof.includes('here')).map(({ number }) => number)
    expect(claimed).toEqual([...proven].sort((a, b) => a - b))
  })

  it('names other tests that exist', () => {
    const missing = ITEMS.flatMap(othersOf).filter(
      ({ file, test }) => !existsSync(file) || !titlesIn(file).includes(test),
    )
    expect(missing).toEqual([])
  })

  it('ties each difference by version to items that are proven here', () => {
    const wrong = DIFFERENCE_LIST.filter(
      ({ items }) => items.length === 0 || items.some((number) => !proven.has(number)),
    )
    expect(wrong).toEqual([])
  })
})

describe(PAGE, () => {
  it('is what scripts/conformance.mjs makes of the table', () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(referencePage())
  })
})

describe('the line at the end of a run', () => {
  const ran = (test: string, passed = true, suite = 'hearsay'): TallyResult => {
    return { file: 'test/conformance/a.test.ts', suite, test, passed }
  }
  const everything = ITEMS.flatMap((item) =>
    item.proof.map((where) =>
      where === 'here'
        ? ran(`item ${item.number}: x`)
        : { file: where.file, suite: 'x', test: where.test, passed: true },
    ),
  )
  const applicable = ITEMS.filter(({ proof }) => proof.length > 0).length

  it('is missing when nothing of this suite ran', () => {
    expect(tallyLine([{ ...ran('item 1: x'), file: 'test/unit/a.test.ts' }])).toBeUndefined()
  })

  it('counts an item once all its proofs have passed', () => {
    expect(tallyLine(everything)).toBe(`conformance: hearsay ${applicable} of ${applicable} applicable items`)
    const line = (results: readonly TallyResult[]): string => tallyLine(results)?.split('hearsay ')[1] ?? ''
    const [one = ran('')] = everything
    expect(line([...everything, { ...one, passed: false }])).toMatch(`${applicable - 1} of ${applicable}`)
    const elsewhere = everything.findIndex(({ file }) => file.startsWith('test/unit'))
    const failed = everything.map((result, index) =>
      index === elsewhere ? { ...result, passed: false } : result,
    )
    expect(line(failed)).toMatch(`${applicable - 1} of ${applicable}`)
    const without = everything.filter((_result, index) => index !== elsewhere)
    expect(line(without)).toBe(`${applicable - 1} of ${applicable} applicable items (1 not run)`)
    expect(line([ran('item 1: x'), ran('item 1: y', false)])).toMatch(/^0 of/)
  })

  it('counts for another subject the items that it was asked', () => {
    const asked = [ran('item 64: x', true, 'Other 1.0'), ran('item 64: y', false, 'Other 1.0')]
    const line = tallyLine([...everything, ...asked, ran('item 65: x', true, 'Other 1.0')])
    const differences = DIFFERENCE_LIST.length
    expect(line).toContain(`, Other 1.0 1 of 2 of the HTTP items (differences by version: ${differences})`)
  })
})
