// Runs benchmarks by name. One with a program in bench/ (merge, open, store, ...) is compiled with the sources it imports
// and run in a process of its own, with the arguments that follow; all others are those of `hearsay bench`.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [name, ...args] = process.argv.slice(2)
const node = (...words) => execFileSync(process.execPath, words, { stdio: 'inherit' })

/** As src/bench/run-bench.ts has them. */
const OF_THE_COMMAND = ['propagate', 'burst', 'http']
/** What bench/ has beside them is imported by one that has a line on how to run it. */
const PROGRAMS = readdirSync('bench')
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((program) =>
    readFileSync(join('bench', `${program}.ts`), 'utf8').includes(`npm run bench -- ${program}`),
  )

const unknown = PROGRAMS.includes(name)
  ? undefined
  : process.argv.slice(2).find((one, at, words) => {
      // The one flag there is, with its value.
      const isFlag = one.startsWith('--fsync-delay') || words[at - 1] === '--fsync-delay'
      return !isFlag && !OF_THE_COMMAND.includes(one)
    })
if (unknown !== undefined) {
  const all = [...OF_THE_COMMAND, ...PROGRAMS].join(', ')
  console.error(`no benchmark named ${JSON.stringify(unknown)}; there are ${all}`)
  process.exitCode = 2
} else {
  try {
    if (PROGRAMS.includes(name)) compileAndRun(name)
    else {
      node('scripts/build.mjs')
      node('dist/cli/main.js', 'bench', ...process.argv.slice(2))
    }
  } catch (error) {
    // It has said why itself.
    process.exitCode = error.status ?? 1
  }
}

function compileAndRun(program) {
  mkdirSync('.vitest', { recursive: true })
  const folder = mkdtempSync(join('.vitest', 'bench-'))
  try {
    const compilerOptions = {
      rootDir: '../..',
      outDir: '.',
      noEmit: false,
      noCheck: true,
      declaration: false,
      isolatedDeclarations: false,
      rewriteRelativeImportExtensions: true,
    }
    const project = join(folder, 'tsconfig.json')
    const files = [`../../bench/${program}.ts`]
    writeFileSync(
      project,
      JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: [], files }),
    )
    node('node_modules/typescript/bin/tsc', '-p', project)
    node(join(folder, 'bench', `${program}.js`), ...args)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
