/**
 * A vitest reporter that ends a run with what it says of the checklist, one line, counted from results:
 *
 *     conformance: hearsay 72 of 73 applicable items, Alertmanager 0.25.0 35 of 35 of the HTTP items (differences by version: 9)
 *
 * An item has passed when all its proofs ran and every test of them passed; a run of some files says how many items it
 * could not speak of. A subject is the outermost suite of a test here; tests elsewhere are of hearsay.
 */
import { relative } from 'node:path'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { DIFFERENCE_LIST } from './differences.ts'
import { ITEMS, type Item, type OtherTest } from './items.ts'

const SUITE = 'test/conformance/'
const HEARSAY = 'hearsay'

/** Whether all of the tests that count for something passed; undefined when none ran. */
type Verdict = boolean | undefined

export interface TallyResult {
  readonly file: string
  /** The outermost suite. */
  readonly suite: string
  readonly test: string
  readonly passed: boolean
}

function count(verdicts: readonly Verdict[], wanted: Verdict): number {
  return verdicts.filter((one) => one === wanted).length
}

function verdict(results: readonly TallyResult[]): Verdict {
  return results.length === 0 ? undefined : results.every(({ passed }) => passed)
}

function of(subject: string, number: number, results: readonly TallyResult[]): Verdict {
  return verdict(
    results.filter(({ suite, test }) => suite === subject && test.startsWith(`item ${number}: `)),
  )
}

function elsewhere({ file, test }: OtherTest, results: readonly TallyResult[]): Verdict {
  return verdict(results.filter((result) => result.file === file && result.test === test))
}

/** Of all proofs of an item. A proof that did not run proves nothing, and one that failed fails the item. */
function ofHearsay(item: Item, results: readonly TallyResult[]): Verdict {
  const verdicts = item.proof.map((where) =>
    where === 'here' ? of(HEARSAY, item.number, results) : elsewhere(where, results),
  )
  if (verdicts.includes(false)) return false
  return verdicts.includes(undefined) ? undefined : true
}

/** @returns undefined when no test of this suite ran */
export function tallyLine(results: readonly TallyResult[]): string | undefined {
  const ours = results.filter(({ file, test }) => file.startsWith(SUITE) && /^item \d+: /.test(test))
  if (ours.length === 0) return undefined
  const others = [...new Set(ours.map(({ suite }) => suite))].filter((suite) => suite !== HEARSAY)
  const applicable = ITEMS.filter(({ proof }) => proof.length > 0)
  const held = applicable.map((item) => ofHearsay(item, results))
  const lines = others.map((subject) => {
    const verdicts = ITEMS.map(({ number }) => of(subject, number, ours)).filter((one) => one !== undefined)
    return `${subject} ${count(verdicts, true)} of ${verdicts.length} of the HTTP items`
  })
  const differences = lines.length === 0 ? '' : ` (differences by version: ${DIFFERENCE_LIST.length})`
  const missing = count(held, undefined)
  const notRun = missing === 0 ? '' : ` (${missing} not run)`
  const hearsay = `${HEARSAY} ${count(held, true)} of ${applicable.length} applicable items${notRun}`
  return `conformance: ${[hearsay, ...lines].join(', ')}${differences}`
}

function outermostSuite(test: TestCase): string {
  let name = ''
  for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) name = parent.name
  return name
}

function resultOf(test: TestCase): readonly TallyResult[] {
  const { state } = test.result()
  if (state !== 'passed' && state !== 'failed') return []
  const file = relative(process.cwd(), test.module.moduleId)
  return [{ file, suite: outermostSuite(test), test: test.name, passed: state === 'passed' }]
}

class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const results = modules.flatMap((module) => [...module.children.allTests()].flatMap(resultOf))
    const line = tallyLine(results)
    if (line !== undefined) process.stdout.write(`${line}\n`)
  }
}

/** What vitest takes from a reporter's file. */
export default TallyReporter
