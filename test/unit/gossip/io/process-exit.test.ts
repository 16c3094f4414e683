import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { compileScript } from '../../../support/compiled-script.ts'

it('a process that stopped its gossip exits by itself', { timeout: 60_000 }, () => {
  const script = compileScript('test/support/gossip-exit.ts')
  try {
    const run = spawnSync(process.execPath, [script.path], { timeout: 20_000, encoding: 'utf8' })
    expect(run).toMatchObject({ status: 0, signal: null, stdout: 'contacted 1\n', stderr: '' })
  } finally {
    script.remove()
  }
})
