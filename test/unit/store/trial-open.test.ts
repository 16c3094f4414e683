/** Only a fault while the database is being read counts against it. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SILENT_LOG } from '../../../src/store/core/store-log.ts'
import { trialOpen } from '../../../src/store/trial-open.ts'
import { tempDir } from '../../support/temp-dir.ts'

function program(name: string, script: string): string {
  const path = join(tempDir(), name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

describe('a trial', () => {
  it('says nothing when the child dies before it has begun to read', async () => {
    const node = program('node', 'kill -ABRT $$')
    expect(await trialOpen('/nowhere', SILENT_LOG, { execPath: node })).toBeUndefined()
  })

  it('names the fault of a child that died while reading', async () => {
    const node = program('node', 'printf reading; kill -ABRT $$')
    expect(await trialOpen('/nowhere', SILENT_LOG, { execPath: node })).toBe('SIGABRT')
  })

  it('starts no program that is not Node: a packaged application would be started once more', async () => {
    const application = program('my-application', 'printf reading; kill -ABRT $$')
    expect(await trialOpen('/nowhere', SILENT_LOG, { execPath: application })).toBeUndefined()
  })
})
