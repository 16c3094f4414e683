// Runs benchmarks by name. One with a program in bench/ (merge, open, store, ...) is compiled with the sources it imports
// and run in a process of its own, with the arguments that follow; all others are those of `hearsay bench`.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [name, ...args] = process.argv.slice(2)
const node = (...words) => execFileSync(process.execPath, words, { stdio: 'inherit' })

if (name !== undefined && existsSync(join('bench', `${name}.ts`))) compileAndRun(name)
else {
  node('scripts/build.mjs')
  node('dist/cli/main.js', 'bench', ...process.argv.slice(2))
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
