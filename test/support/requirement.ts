/**
 * Tests that need something this machine may not have: a compiler, a real Alertmanager, Serf, root. Where it is missing
 * they are skipped in one visible line that says how to get it; under `HEARSAY_TEST=ci` a missing one is a failing test,
 * because a suite that silently shrinks proves nothing.
 *
 * Use: `requirement({ name: 'gcc', present: commandExists('gcc'), install: 'apt-get install gcc' })('title', () => {…})`
 * (vitest's `--reporter` hides the names of skipped tests, hence the line on stderr).
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, it } from 'vitest'

export interface Requirement {
  /** As a person would name it: `gcc`, `prometheus-alertmanager`. */
  readonly name: string
  readonly present: boolean
  /** The command or step that provides it. */
  readonly install: string
  /** Skipped visibly under `HEARSAY_TEST=ci` as well: for what not every host of a CI can be given. */
  readonly isOptional?: boolean
}

/** Endless-looking loops run: an hour and more, for the night. */
export const inLong: boolean = process.env.HEARSAY_TEST === 'long'
/** Longer suites run, and nothing may be skipped. */
export const inCi: boolean = process.env.HEARSAY_TEST === 'ci' || inLong

/** @returns `describe`, or a stand-in that skips visibly (locally) or fails (in CI) */
export function requirement(needed: Requirement): (title: string, suite: () => void) => void {
  if (needed.present) return (title, suite) => void describe(title, suite)
  const line = `${needed.name} is missing (${needed.install})`
  if (inCi && needed.isOptional !== true) {
    return (title) =>
      void describe(title, () => {
        it(`cannot run: ${line}`, () => {
          throw new Error(line)
        })
      })
  }
  return (title, suite) => {
    process.stderr.write(`skipped: ${title}: ${line}\n`)
    describe.skip(`${title} [skipped: ${line}]`, suite)
  }
}

/** Whether `command` is on the PATH; nothing is run. */
export function commandExists(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, command)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
