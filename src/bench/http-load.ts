/**
 * Durable PUT and GET of 100 bytes at 64 connections, by wrk, on one hearsay replica and on the stub, in turns.
 *
 * Turns, because the machine's speed drifts: stub, hearsay, stub, hearsay; each figure is the median of its turns.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HearsayError } from '../base/errors.ts'
import { freePorts, type Peer, startPeer } from './process.ts'
import { quantile } from './quantile.ts'

export interface LoadResult {
  readonly label: string
  readonly putsPerSecond: number
  readonly getsPerSecond: number
}

const TURNS = 3
const SECONDS = 4
const CONNECTIONS = 64
const KEYS = 10_000

interface Target {
  readonly label: string
  readonly peer: Peer
  readonly path: string
  readonly puts: number[]
  readonly gets: number[]
}

/** @returns undefined when wrk is not installed */
export async function httpLoad(): Promise<LoadResult[] | undefined> {
  try {
    execFileSync('which', ['wrk'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  const directory = mkdtempSync(join(tmpdir(), 'hearsay-bench-http-'))
  const [stubPort, port] = await freePorts(2)
  const targets: Target[] = []
  const start = async (label: string, args: string[], peerPort: number, path: string): Promise<void> => {
    const peer = await startPeer(process.execPath, args, `http://127.0.0.1:${peerPort}`, '/-/ready')
    targets.push({ label, peer, path, puts: [], gets: [] })
  }
  try {
    const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
    const stub = [here('./stub-server.js'), String(stubPort), join(directory, 'stub')]
    await start('fastify + group-commit stub', stub, Number(stubPort), '/kv/')
    const replica = [here('../cli/main.js'), 'serve', `--storage.path=${join(directory, 'hearsay')}`]
    replica.push(`--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address=')
    await start('hearsay', replica, Number(port), '/api/v1/kv/bench/')
    for (let turn = 0; turn < TURNS; turn++) {
      for (const target of targets) {
        target.puts.push(wrk(directory, target, 'PUT'))
        target.gets.push(wrk(directory, target, 'GET'))
      }
    }
  } finally {
    await Promise.all(targets.map(({ peer }) => peer.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
  return targets.map(({ label, puts, gets }) => ({
    label,
    putsPerSecond: median(puts),
    getsPerSecond: median(gets),
  }))
}

function median(samples: number[]): number {
  return quantile(
    samples.sort((a, b) => a - b),
    0.5,
  )
}

function wrk(directory: string, target: Target, method: 'PUT' | 'GET'): number {
  const script = join(directory, `${method}.lua`)
  const body =
    method === 'PUT' ? `wrk.body = string.rep("v", 100)\nwrk.headers["content-type"] = "text/plain"\n` : ''
  writeFileSync(
    script,
    `wrk.method = "${method}"\n${body}local n = 0\nfunction request()\n  n = n + 1\n  return wrk.format(nil, "${target.path}key-" .. (n % ${KEYS}))\nend\n`,
  )
  const output = execFileSync(
    'wrk',
    ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '-s', script, target.peer.url],
    { encoding: 'utf8' },
  )
  const rate = /Requests\/sec:\s+(\S+)/.exec(output)?.[1]
  const errors = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1]
  if (rate === undefined || errors !== undefined) {
    throw new HearsayError('BENCH_WRITE_FAILED', `${target.label} ${method}:\n${output}`)
  }
  return Number(rate)
}
