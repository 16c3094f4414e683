/** The completion scripts: that of bash in a real bash, the others by their parsers where those are installed. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scriptFor } from '../../../src/cli/completion.ts'
import { type CommandSpec, completionSpec } from '../../../src/cli/completion-spec.ts'
import { buildProgram } from '../../../src/cli/program.ts'
import { commandExists } from '../../support/requirement.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearsay-completion-'))
const specs = completionSpec(buildProgram([]))
/** The words of a line as bash breaks them; the last is the one to complete. */
const CASES: readonly (readonly [words: readonly string[], expected: readonly string[]])[] = [
  [['k'], ['kv', 'keys']],
  [['kv', 'p'], ['put']],
  [
    ['silence', ''],
    ['add', 'query', 'expire', 'import', 'export'],
  ],
  [['kv', 'put', 'm', 'k', '--ac'], ['--ack']],
  [['kv', 'put', '--ack', ''], []],
  [
    ['kv', 'get', 'm', '-o', ''],
    ['raw', 'json'],
  ],
  [['kv', 'list', 'kv', '--pre'], ['--prefix']],
  [['silence', 'query', '--output', 'e'], ['extended']],
  [['serve', '--log.level', 'd'], ['debug']],
  [['serve', '--log.level', '=', 'd'], ['debug']],
  [
    ['serve', '--log.format', '='],
    ['logfmt', 'json', 'pretty'],
  ],
  [
    ['serve', '--cluster.pee'],
    ['--cluster.peer', '--cluster.peer-name', '--cluster.peer-timeout'],
  ],
  [
    ['snapshot', 'verify', 'my'],
    ['my state.snapshot', 'mydir'],
  ],
  [
    ['serve', '--config.file', '=', 'my'],
    ['my state.snapshot', 'mydir'],
  ],
  [['snapshot', 'restore', '--alertmanager', 'my'], ['mydir']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['help', 'sna'], ['snapshot']],
  [
    ['keys', 'generate', '--bytes', ''],
    ['16', '24', '32'],
  ],
  [
    ['xyzzy', 'k'],
    ['kv', 'keys'],
  ],
]
let answers: readonly (readonly string[])[] = []

beforeAll(async () => {
  writeFileSync(join(folder, 'my state.snapshot'), '')
  mkdirSync(join(folder, 'mydir'))
  for (const shell of ['bash', 'zsh', 'fish'] as const)
    writeFileSync(join(folder, `_${shell}`), await scriptFor(shell, buildProgram([])))
  const asked = CASES.map(([words]) => {
    const quoted = ['hearsay', ...words].map((word) => `'${word}'`).join(' ')
    return `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _hearsay; printf '%s\\n' "\${COMPREPLY[@]}" --`
  })
  const script = ['set -u', 'source ./_bash', ...asked].join('\n')
  const out = execFileSync('bash', ['--norc', '-c', script], { cwd: folder, encoding: 'utf8' })
  answers = out.split('--\n').map((text) => text.split('\n').filter((line) => line !== ''))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('completion in bash', () => {
  it.each(CASES.map(([words, expected], index) => ({ line: words.join(' '), expected, index })))(
    '"$line" becomes $expected',
    ({ expected, index }) => expect(answers[index]?.toSorted()).toEqual(expected.toSorted()),
  )
})

describe('completion scripts', () => {
  it('are made from every command and every flag that help shows', () => {
    expect(specs.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        '',
        'serve',
        'kv put',
        'set members',
        'silence import',
        'snapshot save',
        'help',
      ]),
    )
    const serve = specs.find(({ path }) => path === 'serve')
    expect(serve?.flags.length).toBeGreaterThan(40)
    expect(serve?.flags.flatMap(({ names }) => names)).not.toContain('--no-web.allow-anonymous')
  })

  it.each(['bash', 'zsh', 'fish'] as const)('that of %s names them all', async (shell) => {
    const script = await scriptFor(shell, buildProgram([]))
    const missing = specs.flatMap(({ path, flags }: CommandSpec) => [
      ...(script.includes(path) ? [] : [path]),
      ...flags.flatMap(({ names }) => names).filter((name) => !script.includes(name.replace(/^-+/, ''))),
    ])
    expect(missing).toEqual([])
    // No apostrophe of a text ends a quotation: escaped ones apart, they come in pairs.
    const bare = script.replaceAll("'\\''", '').replaceAll("\\'", '')
    expect((bare.match(/'/g) ?? []).length % 2).toBe(0)
  })

  it.each([
    ['bash', ['-n', '_bash']],
    ['zsh', ['-n', '_zsh']],
    ['fish', ['--no-execute', '_fish']],
  ] as const)('that of %s is well-formed, if there is one here to ask', (shell, args) => {
    const complaint = commandExists(shell) ? execFileSync(shell, args, { cwd: folder, encoding: 'utf8' }) : ''
    expect(complaint).toBe('')
  })
})
