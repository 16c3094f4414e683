/** `examples/minimal-kv`: two processes of it, joined by `--members`, as its header says to try it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { childEnvironment } from '../support/child-environment.ts'
import { installedProject, type Project } from '../support/installed-package.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

const UP = /^(http:\S+), others join with --members (\S+)$/m

let project: Project
beforeAll(() => {
  project = installedProject()
  project.copyExample('minimal-kv')
})
afterAll(() => project.remove())

interface Node {
  readonly child: ChildProcess
  readonly gossipAddress: string
  /** Status and body of `GET path`. */
  readonly ask: (path: string) => Promise<readonly [number, unknown]>
}

async function node(...args: readonly string[]): Promise<Node> {
  const child = spawn(process.execPath, ['main.mjs', '--port=0', ...args], {
    cwd: project.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: childEnvironment(),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk)
    })
  }
  await until(() => UP.test(output) || child.exitCode !== null, 20_000)
  const [, url = output, gossipAddress = ''] = UP.exec(output) ?? []
  const ask = async (path: string): Promise<readonly [number, unknown]> => {
    const response = await fetch(`${url}${path}`)
    return [response.status, await response.json()]
  }
  return { child, gossipAddress, ask }
}

describe('examples/minimal-kv', () => {
  it('adds, gets and deletes a key on any node of a cluster, and ends by SIGTERM', async () => {
    const first = await node()
    const second = await node(`--members=${first.gossipAddress}`)
    await untilAsync(async () => {
      const [, body] = await first.ask('/')
      return (body as { readonly members: readonly unknown[] }).members.length === 2
    }, 'both are members')

    expect(await first.ask('/add?key=colour&val=blue')).toEqual([200, { ok: true }])
    await untilAsync(async () => (await second.ask('/get?key=colour'))[0] === 200, 'the second has the key')
    expect(await second.ask('/get?key=colour')).toEqual([200, { value: 'blue' }])
    expect(await second.ask('/del?key=colour')).toEqual([200, { ok: true }])
    await untilAsync(async () => (await first.ask('/get?key=colour'))[0] === 404, 'the first has it no more')

    expect(await first.ask('/add?val=x')).toEqual([400, { error: 'the key is missing' }])
    expect(await first.ask('/else')).toEqual([404, { error: 'no such path' }])
    expect(await first.ask('//')).toEqual([400, { error: 'Invalid URL' }])
    for (const { child } of [first, second]) child.kill('SIGTERM')
    await until(() => [first, second].every(({ child }) => child.exitCode === 0), 20_000)
  })

  it('answers --help and a wrong flag with its usage', () => {
    for (const flag of ['--help', '--prot=4001']) {
      const { status, stderr } = spawnSync(process.execPath, ['main.mjs', flag], {
        cwd: project.folder,
        encoding: 'utf8',
        env: childEnvironment(),
      })
      expect([status, stderr]).toEqual([2, expect.stringMatching(/^usage: main\.mjs .*\n$/)])
    }
  })

  it('has a key again after kill -9 when it keeps them on disk', async () => {
    const data = `--data=${join(project.folder, 'kept')}`
    const before = await node(data)
    await before.ask('/add?key=colour&val=green')
    before.child.kill('SIGKILL')
    await until(() => before.child.signalCode !== null)
    expect(await (await node(data)).ask('/get?key=colour')).toEqual([200, { value: 'green' }])
  })
})
