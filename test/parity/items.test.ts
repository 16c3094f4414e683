/** The table of items against the tests that exist: no item that shows on the wire goes without a test that names it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PARITY_ITEMS, type ParityItem } from './items.ts'
import { memberlistPage } from './reference-page.ts'

const SUITE = import.meta.dirname
const PAGE = 'docs/reference/memberlist.md'

/** Numbers that the titles in a file begin with: `item 3: ...`, `items 3 and 4: ...`. */
function numbersIn(text: string): readonly number[] {
  const titles = text.matchAll(/['"`]items? (\d+(?:(?:, | and )\d+)*): \S/g)
  return [...titles].flatMap(([, numbers = '']) => numbers.split(/, | and /).map(Number))
}

interface TestFile {
  readonly name: string
  readonly numbers: ReadonlySet<number>
  /** Its scripts run on memberlist as well. */
  readonly isParity: boolean
}

function testFile(name: string): TestFile {
  const text = readFileSync(`${SUITE}/${name}.test.ts`, 'utf8')
  return { name, numbers: new Set(numbersIn(text)), isParity: /^\s*(onBoth|parity)\(/m.test(text) }
}

const FILES: readonly TestFile[] = readdirSync(SUITE)
  .filter((file) => file.endsWith('.test.ts') && file !== 'items.test.ts')
  .map((file) => testFile(file.replace('.test.ts', '')))

function naming({ number }: ParityItem): readonly TestFile[] {
  return FILES.filter(({ numbers }) => numbers.has(number))
}

const shown = (items: readonly ParityItem[]): readonly string[] =>
  items.map(({ number, title }) => `item ${number}: ${title}`)

describe('the table of items', () => {
  it('has each of the 155 items once, in order', () => {
    expect(PARITY_ITEMS.map(({ number }) => number)).toEqual(Array.from({ length: 155 }, (_, i) => i + 1))
  })

  it('gives for each item a proof or a reason', () => {
    const without = PARITY_ITEMS.filter(
      ({ here, elsewhere, notApplicable }) =>
        here.length + elsewhere.length === 0 && notApplicable === undefined,
    )
    expect(shown(without)).toEqual([])
  })

  it('has a test in this suite for each item that shows on the wire, but for the timing of the detector', () => {
    const without = PARITY_ITEMS.filter((item) => item.isWire && naming(item).length === 0)
    expect(without.map(({ number }) => number)).toEqual([97])
  })

  it('has that test run on memberlist too, unless memberlist came to it later', () => {
    const onOursAlone = PARITY_ITEMS.filter(
      (item) =>
        item.isWire &&
        item.since === undefined &&
        item.number !== 97 &&
        naming(item).every(({ isParity }) => !isParity),
    )
    expect(shown(onOursAlone)).toEqual([])
  })

  it('names files of this suite whose tests name the item', () => {
    const wrong = PARITY_ITEMS.filter(({ isWire }) => isWire).flatMap((item) => {
      const found = naming(item).map(({ name }) => name)
      return item.here.filter((name) => !found.includes(name)).map((name) => `item ${item.number}: ${name}`)
    })
    expect(wrong).toEqual([])
  })

  it('names files that exist', () => {
    const files = PARITY_ITEMS.flatMap(({ here, elsewhere }) => [
      ...here.map((name) => `${SUITE}/${name}.test.ts`),
      ...elsewhere,
    ])
    expect([...new Set(files)].filter((file) => !existsSync(file))).toEqual([])
  })

  it('has no title of an item that does not exist', () => {
    const unknown = FILES.flatMap(({ numbers }) => [...numbers]).filter(
      (number) => number < 1 || number > 155,
    )
    expect(unknown).toEqual([])
  })
})

describe(PAGE, () => {
  it('is what scripts/conformance.mjs makes of the table', () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(memberlistPage())
  })
})
