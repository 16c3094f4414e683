/** Compiles a preload shim of test/shims with gcc into a temporary directory, once per process. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandExists, type Requirement } from './requirement.ts'

export const compiler: Requirement = {
  name: 'a C compiler',
  present: commandExists('gcc') && process.platform === 'linux',
  install: 'apt-get install gcc libc6-dev, on Linux',
}

const built = new Map<string, string>()

/** @returns the path to put into `LD_PRELOAD`. @throws when gcc fails, with its words */
export function buildShim(name: 'slow-fdatasync' | 'fail-fdatasync-once'): string {
  const known = built.get(name)
  if (known !== undefined) return known
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-shim-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const output = join(folder, `${name}.so`)
  const source = join(import.meta.dirname, '..', 'shims', `${name}.c`)
  execFileSync('gcc', ['-shared', '-fPIC', '-Wall', '-O1', '-o', output, source, '-ldl'], { stdio: 'pipe' })
  built.set(name, output)
  return output
}
