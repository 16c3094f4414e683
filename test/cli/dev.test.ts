/** `hearsay dev` from outside: three replicas as processes of their own, one killed, all stopped, none left behind. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isTcpPortFree, isUdpPortFree } from '../../src/cli/port-check.ts'
import { childEnvironment } from '../support/child-environment.ts'
import { Command } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

interface Row {
  readonly name: string
  readonly pid: number
  readonly url: string
  readonly dataDir: string
}

interface Dev {
  readonly command: Command
  readonly rows: readonly Row[]
  readonly basePort: number
}

async function dev(nodes: number): Promise<Dev> {
  const basePort = await freeBasePort(nodes)
  const command = new Command([
    'dev',
    `--nodes=${nodes}`,
    `--base-port=${basePort}`,
    `--data-dir=${tempDir()}`,
  ])
  const rows: Row[] = []
  onTestFinished(async () => {
    for (const { pid } of rows) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    await until(() => !rows.some(({ pid }) => isAlive(pid)))
  })
  await command.shows(/Stop all:/)
  const table = /^(dev-\d+) +(\d+) +(http:\S+) +\S+ +(\S+)$/gm
  for (const [, name = '', pid, url = '', dataDir = ''] of command.stdout.matchAll(table)) {
    rows.push({ name, pid: Number(pid), url, dataDir })
  }
  expect(rows).toHaveLength(nodes)
  return { command, rows, basePort }
}

async function freeBasePort(nodes: number): Promise<number> {
  for (;;) {
    const base = await freePort()
    const bases = Array.from({ length: nodes }, (_, i) => base + 100 * i)
    if (base + 100 * nodes > 65_000) continue
    const checks = bases.flatMap((port) => [
      isTcpPortFree(port),
      isTcpPortFree(port + 1),
      isUdpPortFree(port + 1),
    ])
    if ((await Promise.all(checks)).every(Boolean)) return base
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function read(row: Row | undefined): Promise<string> {
  return (await fetch(`${row?.url}/api/v1/kv/thresholds/api`)).text()
}

/** Runs a command line that was printed for people, as they would. */
function runPrinted(line: string): ChildProcess {
  const [program = '', ...args] = line.trim().split(' ')
  const child = spawn(program, args, { stdio: 'ignore', env: childEnvironment() })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

/** @returns the folder that the second replica will refuse */
function blockedFolder(dataDir: string): string {
  const folder = join(dataDir, 'dev-2', 'hearsay')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'thesis.tex'), 'x')
  return folder
}

describe('hearsay dev', () => {
  it('runs three replicas, reports a killed one and restarts nothing, and leaves nothing behind', async () => {
    const { command, rows, basePort } = await dev(3)
    const [first, second, third] = rows
    expect(rows.map(({ name, url }) => `${name} ${url}`)).toEqual(
      [0, 1, 2].map((i) => `dev-${i + 1} http://127.0.0.1:${basePort + 100 * i}`),
    )
    expect(new Set([command.pid, ...rows.map(({ pid }) => pid)].filter(isAlive)).size).toBe(4)
    const put = /-d '(\{[^']+\})' (http:\S+)/.exec(command.stdout)
    const [, body = '', target = ''] = put ?? []
    const headers = { 'content-type': 'application/json' }
    expect((await fetch(target, { method: 'PUT', headers, body })).status).toBe(201)
    await untilAsync(async () => (await read(third)) === body, 'the write of the first, on the third')

    process.kill(second?.pid ?? 0, 'SIGKILL')
    const report = new RegExp(`dev-2 \\(pid ${second?.pid}\\) was ended by SIGKILL; .*:\\n(.+)\\n`)
    const [, again = ''] = await command.shows(report)
    await expect(read(second)).rejects.toThrow('fetch failed')
    for (const row of [first, third]) expect(await read(row)).toBe(body)
    const restarted = runPrinted(again)
    await untilAsync(async () => (await read(second)) === body, 'the second, started as printed')
    restarted.kill('SIGTERM')
    expect(await once(restarted, 'exit')).toEqual([0, null])

    command.signal('SIGTERM')
    const end = await command.ended
    expect(end).toMatchObject({ code: 0, signal: null })
    expect(end.tookMs).toBeLessThan(5000)
    expect(rows.filter(({ pid }) => isAlive(pid))).toEqual([])
    // On a machine so busy that they start seconds apart, the first ones say that the others are not there yet.
    expect(command.stderr.split('\n').filter((line) => !line.includes('event=peer_not_joined'))).toEqual([''])
  })

  it('stops on SIGINT', async () => {
    const { command, rows } = await dev(1)
    command.signal('SIGINT')
    expect(await command.ended).toMatchObject({ code: 0, signal: null })
    expect(rows.filter(({ pid }) => isAlive(pid))).toEqual([])
  })

  it('has its replicas stop by themselves when it is killed', async () => {
    const { command, rows } = await dev(1)
    command.signal('SIGKILL')
    await command.ended
    await until(() => !rows.some(({ pid }) => isAlive(pid)))
  })

  it('names a busy port in one line and starts nothing', async () => {
    const basePort = await freeBasePort(3)
    const holder = createServer().listen(basePort + 101, '127.0.0.1')
    await once(holder, 'listening')
    onTestFinished(() => {
      holder.close()
    })
    const command = new Command(['dev', `--base-port=${basePort}`, `--data-dir=${tempDir()}`])
    expect(await command.ended).toMatchObject({ code: 1 })
    const advice = 'stop what uses it, or choose other ports with --base-port'
    expect(command.stderr).toBe(`hearsay: port ${basePort + 101} on 127.0.0.1 is in use: ${advice}\n`)
    expect(command.stdout).toBe('')
  })

  it('ends with the words of a replica that cannot start, and stops the others', async () => {
    const dataDir = tempDir()
    const blocked = blockedFolder(dataDir)
    const command = new Command([
      'dev',
      '--nodes=2',
      `--base-port=${await freeBasePort(2)}`,
      `--data-dir=${dataDir}`,
    ])
    expect(await command.ended).toMatchObject({ code: 1 })
    expect(command.stderr).toContain(`dev-2  hearsay: ${blocked} holds "thesis.tex"`)
    expect(command.stderr).toMatch(
      /\nhearsay: dev-2 \(pid \d+\) ended with exit code 1 before it was ready\n$/,
    )
  })
})
