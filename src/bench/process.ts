/**
 * Child processes of a benchmark: started, watched until they answer, and ended by their own pid.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { HearsayError } from '../base/errors.ts'
import { HttpClient } from './http-client.ts'

const READY_TIMEOUT_MS = 30_000
const POLL_MS = 25

export interface Peer {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/**
 * @param readyPath polled until it answers 200
 * @param env beside what this process has in its own
 * @throws HearsayError `BENCH_PEER_FAILED` with the end of its output when it exits or stays silent
 */
export async function startPeer(
  command: string,
  args: readonly string[],
  url: string,
  readyPath: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Peer> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const client = new HttpClient(url, 1)
  try {
    const deadline = Date.now() + READY_TIMEOUT_MS
    for (;;) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new HearsayError('BENCH_PEER_FAILED', `${command} did not become ready:\n${output}`)
      }
      const answer = await client.send('GET', readyPath).catch(() => undefined)
      if (answer?.status === 200) break
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  } catch (error) {
    await end(child)
    throw error
  } finally {
    client.close()
  }
  return { url, pid: child.pid ?? 0, stop: () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await gone
  clearTimeout(late)
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(0, '127.0.0.1', resolve)
      })
      return server
    }),
  )
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address()
      await new Promise((resolve) => server.close(resolve))
      if (address === null || typeof address === 'string')
        throw new HearsayError('BENCH_PEER_FAILED', 'no free port')
      return address.port
    }),
  )
}
