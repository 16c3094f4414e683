/**
 * A project in a temporary folder with hearsay installed, as its users have it: for examples and the code in documents.
 * The package is a copy of the build under test (`HEARSAY_DIST`) behind our manifest; dependencies are links to ours.
 */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { childEnvironment } from './child-environment.ts'
import { DIST } from './dist.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>
}
/** A program that does not end by itself is a failure, not a wait. */
const RUN_TIMEOUT_MS = 25_000

export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Project {
  readonly folder: string
  write(file: string, text: string): void
  /** Writes the `main.mjs` of an example. */
  copyExample(name: string): void
  /** Runs a program of the project with Node. */
  run(file: string, ...args: readonly string[]): Ran
  /** Compiles the project's TypeScript, strictly. @returns what the compiler complains of */
  compile(...files: readonly string[]): string
  remove(): void
}

export function installedProject(): Project {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-project-'))
  const installed = join(folder, 'node_modules', 'hearsay')
  mkdirSync(installed, { recursive: true })
  copyFileSync(join(ROOT, 'package.json'), join(installed, 'package.json'))
  cpSync(DIST, join(installed, 'dist'), { recursive: true })
  for (const name of ['@types/node', ...Object.keys(MANIFEST.dependencies)]) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), link)
  }
  const node = (args: readonly string[]): Ran => {
    const options = {
      cwd: folder,
      encoding: 'utf8',
      timeout: RUN_TIMEOUT_MS,
      env: childEnvironment(),
    } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, args, options)
    return { status, stdout, stderr }
  }
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    target: 'es2023',
    lib: ['es2023'],
    module: 'nodenext',
    types: ['node'],
    skipLibCheck: true,
  }
  return {
    folder,
    write: (file, text) => writeFileSync(join(folder, file), text),
    copyExample: (name) => copyFileSync(join(ROOT, 'examples', name, 'main.mjs'), join(folder, 'main.mjs')),
    run: (file, ...args) => node([file, ...args]),
    compile: (...files) => {
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
      return node([join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder]).stdout
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
