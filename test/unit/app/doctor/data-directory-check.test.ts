import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dataDirectoryCheck } from '../../../../src/app/doctor/data-directory-check.ts'
import type { Finding } from '../../../../src/app/doctor/finding.ts'
import { openReplica } from '../../../../src/index.ts'
import { tempDir } from '../../../support/temp-dir.ts'

async function examined(path: string): Promise<readonly Finding[]> {
  return await dataDirectoryCheck(path, () => performance.now()).run()
}

function told(findings: readonly Finding[], check: string): readonly string[] {
  return findings
    .filter((finding) => finding.check === check)
    .map(({ verdict, detail }) => `${verdict}: ${detail}`)
}

describe('the data directory', () => {
  it('that is not there yet is made at the start, and not by the doctor', async () => {
    const above = tempDir()
    const findings = await examined(join(above, 'a', 'b'))
    expect(told(findings, 'data dir')).toEqual(['ok: is made at the first start'])
    expect(told(findings, 'disk space')).toHaveLength(1)
    expect(readdirSync(above)).toEqual([])
  })

  it('of a replica that runs names its process; room and syncs are measured, and nothing stays', async () => {
    const path = tempDir()
    const replica = await openReplica({ dataDir: path })
    onTestFinished(() => replica.close())
    const findings = await examined(path)
    expect(told(findings, 'data dir')).toEqual([`ok: for its owner alone, in use by process ${process.pid}`])
    expect(told(findings, 'disk sync')[0]).toMatch(/^ok: median of 20 syncs [\d.]+ ms, worst [\d.]+ ms$/)
    expect(readdirSync(path)).toEqual(['hearsay'])
    await replica.close()
    expect(told(await examined(path), 'data dir')).toEqual(['ok: for its owner alone, not in use'])
  })

  it('open to others, or with a troubled past, is a warning that says what to do', async () => {
    const path = join(tempDir(), 'data')
    const real = tempDir()
    symlinkSync(real, path)
    const folder = join(real, 'hearsay')
    mkdirSync(folder, { mode: 0o700 })
    expect(told(await examined(path), 'data dir')).toEqual([
      'ok: behind a symbolic link, for its owner alone, not in use',
    ])
    chmodSync(folder, 0o755)
    mkdirSync(join(folder, 'db.damaged-20261121T044016123Z'))
    writeFileSync(join(folder, 'awaiting-peers'), '')
    const findings = await examined(path)
    expect(told(findings, 'data dir')).toEqual([
      'warn: other users may look into it',
      'warn: 1 damaged copies are kept: db.damaged-20261121T044016123Z',
      'warn: it has lost something, and waits for a peer',
    ])
    expect(findings[0]?.advice).toBe(`chmod 700 ${join(path, 'hearsay')}`)
  })

  it('that is a file is a failure', async () => {
    const path = join(tempDir(), 'data')
    writeFileSync(path, '')
    expect(told(await examined(path), 'data dir')).toEqual(['fail: it is no directory'])
  })
})
