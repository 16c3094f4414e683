/** Whether small file systems of one's own can be mounted here: needs root on Linux with the right to mount. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Requirement } from './requirement.ts'

function tryMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const path = mkdtempSync(join(tmpdir(), 'hearsay-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', path], { stdio: 'pipe' })
    execFileSync('umount', [path], { stdio: 'pipe' })
    return true
  } catch {
    return false
  } finally {
    rmdirSync(path)
  }
}

export const canMount: Requirement = {
  name: 'the right to mount a tmpfs',
  present: tryMount(),
  install: 'run the tests as root, in a container with CAP_SYS_ADMIN',
}
