/** Who may read a replaced file: nobody who could not before. */
import { chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { writeAtomically } from '../../../src/store/atomic-file.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** Nobody who runs the tests is in it. */
const OTHER_GROUP = 4_242_424

it('a group that we cannot give the file to takes its rights with it', async () => {
  const dir = tempDir()
  const path = join(dir, 'secret')
  writeFileSync(path, 'old', { mode: 0o640 })
  if (process.geteuid?.() === 0) {
    chownSync(dir, 65_534, 65_534)
    process.seteuid?.(65_534)
    onTestFinished(() => void process.seteuid?.(0))
  }
  await writeAtomically(path, 'new', { mode: 0o640, uid: 0, gid: OTHER_GROUP })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const ours = statSync(path)
  await writeAtomically(path, 'newer', { mode: 0o640, uid: ours.uid, gid: ours.gid })
  expect([statSync(path).mode & 0o777, statSync(path).gid]).toEqual([0o640, ours.gid])
})
