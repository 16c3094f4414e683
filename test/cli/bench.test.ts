/** `npm run bench` with a name that is none. */
import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

it('an unknown benchmark is one sentence that lists all there are, and exit code 2', () => {
  for (const names of [['bogus'], ['burst', 'bogus']]) {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/bench.mjs', ...names], {
      encoding: 'utf8',
    })
    expect(stderr).toMatch(/^no benchmark named "bogus"; there are [^\n]+\n$/)
    for (const name of ['propagate', 'burst', 'http', 'gossip', 'spread', 'encryption', 'merge', 'open']) {
      expect(stderr).toContain(name)
    }
    expect(stderr).not.toMatch(/gossip-cluster|merge-peers/)
    expect(status).toBe(2)
  }
})

it('a flag of one benchmark is no name of another', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['scripts/bench.mjs', 'http', '--fsync-delay', '2ms', 'bogus'],
    { encoding: 'utf8' },
  )
  expect(stderr).toMatch(/^no benchmark named "bogus"; /)
  expect(status).toBe(2)
})
