/** A real Serf agent on loopback, ended with the test that started it. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'
import { commandExists, type Requirement } from './requirement.ts'
import { untilAsync } from './until-async.ts'

export const SERF: Requirement = {
  name: 'serf',
  present: commandExists('serf'),
  install: 'apt-get install serf',
}

/** What a replica needs to be a member of a Serf cluster. */
export const AMONG_SERFS = { foreignState: 'none', delegateVersion: [2, 5, 5] } as const

export interface SerfAgent {
  readonly address: string
  /** `name status` each. */
  members(): readonly string[]
  log(): string
  /** @returns what the agent said, failure or not */
  join(address: string): Promise<string>
}

/** @param options more of the agent's arguments */
export async function startSerfAgent(options: readonly string[] = []): Promise<SerfAgent> {
  const [bind, rpc] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  const args = ['agent', '-node=serf-1', `-bind=${bind}`, `-rpc-addr=${rpc}`, '-log-level=debug', ...options]
  const child = spawn('serf', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (log += text.toString()))
  onTestFinished(async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  })
  const members = (): readonly string[] =>
    execFileSync('serf', ['members', `-rpc-addr=${rpc}`], { encoding: 'utf8', stdio: 'pipe' })
      .split('\n')
      .flatMap((line) => /^(\S+)\s+\S+\s+(\S+)/.exec(line)?.slice(1, 3).join(' ') ?? [])
  // Not synchronous: who is joined may be in this process, and has to answer.
  const join = (address: string): Promise<string> =>
    promisify(execFile)('serf', ['join', `-rpc-addr=${rpc}`, address]).then(
      ({ stdout }) => stdout,
      ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }) => stdout + stderr,
    )
  await untilAsync(async () => members().length === 1, 'the agent answers')
  return { address: bind, members, log: () => log, join }
}
