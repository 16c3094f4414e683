// Compiles bench/store.ts with the sources it imports and runs it: durable puts a second, time to open.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

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
  const settings = {
    extends: '../../tsconfig.json',
    compilerOptions,
    include: [],
    files: ['../../bench/store.ts'],
  }
  writeFileSync(project, JSON.stringify(settings))
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { stdio: 'inherit' })
  execFileSync(process.execPath, [join(folder, 'bench', 'store.js')], { stdio: 'inherit' })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
