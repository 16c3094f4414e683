/** Compiles a preload shim of test/shims with gcc into `.vitest/`, once per process. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { commandExists, type Requirement } from './requirement.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** Ignored by git. */
const OUTPUT = join(ROOT, '.vitest', 'shims')

export const compiler: Requirement = {
  name: 'a C compiler',
  present: commandExists('gcc') && process.platform === 'linux',
  install: 'apt-get install gcc libc6-dev, on Linux',
}

const built = new Map<string, string>()

/** @returns the path to put into `LD_PRELOAD`. @throws when gcc fails, with its words */
export function buildShim(name: 'slow-fdatasync' | 'fail-fdatasync' | 'spoilt-tables'): string {
  const known = built.get(name)
  if (known !== undefined) return known
  mkdirSync(OUTPUT, { recursive: true })
  const output = join(OUTPUT, `${name}.so`)
  // Renamed into place: another process may have the one before loaded.
  const fresh = `${output}.${process.pid}`
  const source = join(ROOT, 'test', 'shims', `${name}.c`)
  execFileSync('gcc', ['-shared', '-fPIC', '-Wall', '-O1', '-o', fresh, source, '-ldl'], { stdio: 'pipe' })
  renameSync(fresh, output)
  built.set(name, output)
  return output
}
