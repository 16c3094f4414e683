/** The tree of commands: what every text in it has in common, and that the reference shows it. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { buildProgram } from '../../../src/cli/program.ts'
import { referencePage } from '../../../src/cli/reference-page.ts'
import { pathOf } from '../../../src/cli/usage-line.ts'
import { cli } from '../../support/cli-run.ts'

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('HEARSAY_')) vi.stubEnv(name, undefined)
})
afterEach(() => vi.unstubAllEnvs())

function all(command: Command): Command[] {
  return [command, ...command.commands.flatMap(all)]
}

const paths = all(buildProgram([])).map(pathOf)
const commandAt = (path: string): Command => {
  const found = all(buildProgram([])).find((command) => pathOf(command) === path)
  if (found === undefined) throw new Error(path)
  return found
}

describe('help', () => {
  it.each(paths)(
    'of %s has sentences for commands, and phrases with a capital for flags and arguments',
    (path) => {
      const command = commandAt(path)
      expect(command.description()).toMatch(/^[A-Z].*\.$/)
      const phrases = [
        ...command.options.filter(({ hidden }) => !hidden),
        ...command.registeredArguments,
      ].map(({ description }) => description)
      for (const phrase of phrases.filter((text) => text !== '')) expect(phrase).toMatch(/^[A-Z-].*[^.]$/)
    },
  )

  it('fits a screen, and has three examples and the exit codes at its end', async () => {
    const { code, out, err } = await cli('--help')
    const lines = out.trimEnd().split('\n')
    expect([code, err]).toEqual([0, ''])
    expect(lines.length).toBeLessThanOrEqual(50)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(90)
    expect(lines.filter((line) => line.startsWith('  hearsay '))).toHaveLength(3)
    expect(out).toContain(
      'Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 cannot reach a replica.',
    )
    for (const { name } of buildProgram([]).commands.map((command) => ({ name: command.name() })))
      expect(out).toMatch(new RegExp(`^  ${name}\\b`, 'm'))
  })

  it('of a command is the same by each way', async () => {
    const { code, out } = await cli('help', 'kv', 'put')
    expect([code, out]).toEqual([0, (await cli('kv', 'put', '--help')).out])
    expect(out).toMatch(/^Usage: hearsay kv put \[options\] <map> <key> \[value\]\n/)
    expect((await cli('help')).out).toBe((await cli('--help')).out)
  })

  it('of an unknown command suggests the nearest', async () => {
    expect(await cli('help', 'kv', 'putt')).toEqual({
      code: 2,
      out: '',
      err: "hearsay: unknown command 'putt' (Did you mean put?)\n",
    })
  })
})

it('docs/reference/cli.md is what the commands say (npm run build && node scripts/docs.mjs)', () => {
  expect(readFileSync('docs/reference/cli.md', 'utf8')).toBe(`${referencePage(buildProgram([]))}\n`)
})

describe('wrong usage of any command', () => {
  const leaves = paths.filter((path) => commandAt(path).commands.length === 0)

  it.each(leaves)('%s suggests the flag that was meant, and ends with 2', async (path) => {
    const command = commandAt(path)
    const flag = command.options.find(
      ({ long, hidden }) => !hidden && long !== undefined && long.length > 6,
    )?.long
    const meant = flag ?? '--help'
    const wrong = `${meant.slice(0, -2)}${meant.slice(-1)}${meant.slice(-2, -1)}`
    expect(await cli(...path.split(' ').slice(1), ...required(command), `${wrong}=x`)).toEqual({
      code: 2,
      out: '',
      err: `hearsay: unknown option '${wrong}' (Did you mean ${meant}?)\n`,
    })
  })

  it.each(leaves)('%s says its usage when there are too many arguments', async (path) => {
    const command = commandAt(path)
    if (command.registeredArguments.some(({ variadic }) => variadic)) return
    const words = [...command.registeredArguments.map((one) => one.argChoices?.[0] ?? 'x'), 'x']
    const { code, err } = await cli(...path.split(' ').slice(1), ...words, ...required(command))
    expect(code).toBe(2)
    expect(err).toContain(`(usage: ${path}`)
  })
})

function required(command: Command): string[] {
  return command.options.filter(({ mandatory }) => mandatory).flatMap(({ long = '' }) => [long, '1'])
}
