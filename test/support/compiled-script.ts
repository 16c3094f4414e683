/**
 * Compiles a TypeScript program of the tests, with the sources it imports, so that a child process can run it: Node 20
 * strips no types, and `dist/` may be missing or somebody else's. Types are not checked here (`npm run check` does).
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
/** Inside the repository, so that packages resolve; ignored by git. */
const OUTPUT = join(ROOT, '.vitest')

export interface CompiledScript {
  /** For `node`. */
  readonly path: string
  remove(): void
}

/** @param source path of the program, relative to the repository */
export function compileScript(source: string): CompiledScript {
  mkdirSync(OUTPUT, { recursive: true })
  const folder = mkdtempSync(join(OUTPUT, 'script-'))
  // The sources read their version from it.
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  const project = join(folder, 'tsconfig.json')
  const compilerOptions = {
    rootDir: ROOT,
    outDir: folder,
    noEmit: false,
    noCheck: true,
    declaration: false,
    isolatedDeclarations: false,
    rewriteRelativeImportExtensions: true,
    typeRoots: [join(ROOT, 'node_modules', '@types')],
  }
  const extended = relative(folder, join(ROOT, 'tsconfig.json'))
  writeFileSync(
    project,
    JSON.stringify({ extends: extended, compilerOptions, include: [], files: [join(ROOT, source)] }),
  )
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project], {
    stdio: 'pipe',
  })
  return {
    path: join(folder, source.replace(/\.ts$/, '.js')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
