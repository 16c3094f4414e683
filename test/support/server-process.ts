/** A server of somebody else's as a child process: started, read until it says that it listens, ended by its pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { until } from './until.ts'

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  /** It serves once it has logged this. */
  readonly listeningText: string
  /** Removed when it has ended. */
  readonly folder: string
}

export interface ServerProcess {
  readonly pid: number
  /** All it has logged so far, both streams. */
  log(): string
  /** SIGTERM; resolves when it is gone. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

const START_TIMEOUT_MS = 30_000

function exited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL', folder: string): Promise<void> {
  if (!exited(child)) {
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await gone
  }
  rmSync(folder, { recursive: true, force: true })
}

/** @throws with its log when it ends, or does not listen in 30 s */
export async function startServer(options: ServerCommand): Promise<ServerProcess> {
  const { command, args, listeningText, folder } = options
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      log += String(chunk)
    })
  }
  const listens = (): boolean => log.includes(listeningText)
  await until(() => exited(child) || listens(), START_TIMEOUT_MS).catch(() => undefined)
  if (exited(child) || child.pid === undefined || !listens()) {
    await end(child, 'SIGKILL', folder)
    throw new Error(`${command} did not start:\n${log}`)
  }
  return {
    pid: child.pid,
    log: () => log,
    stop: () => end(child, 'SIGTERM', folder),
    kill: () => end(child, 'SIGKILL', folder),
  }
}
