/**
 * `hearsay dev --nodes N`: N durable replicas on loopback, each a process of its own, to try things on. It restarts
 * nothing: a replica that is killed stays dead until somebody starts it with the command that is printed.
 */
import { relative } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { OPTION_SCHEMA } from '../app/options/option-schema.ts'
import { CliError } from './cli-error.ts'
import { devEnvironment } from './dev-environment.ts'
import { DevLines } from './dev-lines.ts'
import { type DevReplica, NODES_MAX, planReplicas } from './dev-plan.ts'
import { type DevExit, DevProcess } from './dev-process.ts'
import { EXIT } from './exit-codes.ts'
import { formatTable, print, printError } from './output.ts'
import { isTcpPortFree, isUdpPortFree } from './port-check.ts'
import { wholeNumber } from './simulate.ts'
import { type StopReason, stopSignal } from './stop-signal.ts'

interface DevFlags {
  readonly nodes: string
  readonly dataDir: string
  readonly basePort: string
  readonly logLevel: string
}

const READY_TIMEOUT_MS = 90_000
const READY_POLL_MS = 50
const BUSY_ASK_MS = 1000

export function registerDev(program: Command): void {
  program
    .command('dev')
    .description('Run several durable replicas here, to try things on.')
    .option('--nodes <N>', 'How many', '3')
    .option('--data-dir <DIR>', 'Each replica keeps its state in a subfolder', './data')
    .option(
      '--base-port <PORT>',
      'HTTP of the first; gossip is one above, the next replica 100 above',
      '9093',
    )
    .addOption(
      new Option('--log-level <LEVEL>', 'Of the replicas; their lines are shown with their names')
        .choices(OPTION_SCHEMA['log.level'].values ?? [])
        .default('warn'),
    )
    .action(async (flags: DevFlags) => {
      const nodes = wholeNumber('--nodes', flags.nodes, 1, NODES_MAX)
      const basePort = wholeNumber('--base-port', flags.basePort, 1, 65_434 - 100 * (nodes - 1))
      const plan = { nodes, basePort, dataDir: flags.dataDir, logLevel: flags.logLevel }
      process.exitCode = await runDev(planReplicas(plan))
    })
}

async function runDev(replicas: readonly DevReplica[]): Promise<number> {
  const environment = devEnvironment(process.env)
  const stop = stopSignal()
  await refuseBusyPorts(replicas)
  const startedAtMs = performance.now()
  const lines = new DevLines((line) => process.stderr.write(`${line}\n`))
  const entry = fileURLToPath(new URL('./main.js', import.meta.url))
  const processes = replicas.map(
    (replica) => new DevProcess(replica, entry, environment, lines.of(replica.name)),
  )
  process.once('exit', () => {
    for (const one of processes) one.kill('SIGKILL')
  })
  const outcome = await Promise.race([allReady(processes), firstExit(processes), stop])
  if (outcome === 'ready') {
    lines.allAreUp()
    print(startText(processes, performance.now() - startedAtMs))
    return runUntilStopped(processes, stop)
  }
  await stopAll(processes)
  if (isStopReason(outcome)) return EXIT.done
  const text =
    outcome === 'timeout' ? `not all replicas were ready after ${READY_TIMEOUT_MS / 1000} s` : outcome
  throw new CliError(EXIT.failed, text)
}

async function runUntilStopped(processes: readonly DevProcess[], stop: Promise<StopReason>): Promise<number> {
  let stopping = false
  for (const one of processes) {
    void one.exited.then((exit) => {
      if (!stopping)
        print(`\n${exitText(one, exit)}; the others go on. Start it again with:\n  ${restartCommand(one)}`)
    })
  }
  const allGone = Promise.all(processes.map((one) => one.exited)).then(() => 'all-gone' as const)
  const reason = await Promise.race([stop, allGone])
  stopping = true
  if (reason === 'all-gone') {
    printError('no replica is left')
    return EXIT.failed
  }
  print('\nstopping ... (Ctrl-C again ends it at once)')
  await stopAll(processes)
  return EXIT.done
}

async function refuseBusyPorts(replicas: readonly DevReplica[]): Promise<void> {
  for (const { httpPort, gossipPort } of replicas) {
    for (const port of [httpPort, gossipPort]) {
      const isFree = (await isTcpPortFree(port)) && (port !== gossipPort || (await isUdpPortFree(port)))
      if (isFree) continue
      const advice = (await isReplica(port))
        ? 'another hearsay dev seems to run; stop it, or choose other ports with --base-port'
        : 'stop what uses it, or choose other ports with --base-port'
      throw new CliError(EXIT.failed, `port ${port} on 127.0.0.1 is in use: ${advice}`)
    }
  }
}

/** Whether a replica answers there: that of another `hearsay dev`, as a rule. */
async function isReplica(port: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(BUSY_ASK_MS)
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/status`, { signal })
    return response.ok && /"settled"|"store"/.test(await response.text())
  } catch {
    return false
  }
}

async function allReady(processes: readonly DevProcess[]): Promise<'ready' | 'timeout'> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  for (const one of processes) {
    while (!(await one.isReady())) {
      if (performance.now() > deadlineMs) return 'timeout'
      await delay(READY_POLL_MS)
    }
  }
  return 'ready'
}

function firstExit(processes: readonly DevProcess[]): Promise<string> {
  return Promise.race(
    processes.map((one) => one.exited.then((exit) => `${exitText(one, exit)} before it was ready`)),
  )
}

/** The last first, one after the other: who goes is heard by those that are left, and none counts as lost the next time. */
async function stopAll(processes: readonly DevProcess[]): Promise<void> {
  for (const one of processes.toReversed()) {
    one.kill('SIGTERM')
    await one.exited
  }
}

function isStopReason(outcome: string): outcome is StopReason {
  return outcome === 'SIGTERM' || outcome === 'SIGINT' || outcome === 'parent-gone'
}

function exitText(one: DevProcess, { code, signal }: DevExit): string {
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
  return `${one.replica.name} (pid ${one.pid}) ${how}`
}

function restartCommand(one: DevProcess): string {
  const entry = relative(process.cwd(), fileURLToPath(new URL('./main.js', import.meta.url)))
  return ['node', entry, ...one.replica.serveArguments].join(' ')
}

function startText(processes: readonly DevProcess[], tookMs: number): string {
  const rows = processes.map((one) => [
    one.replica.name,
    String(one.pid),
    one.replica.url,
    `127.0.0.1:${one.replica.gossipPort}`,
    one.replica.dataDir,
  ])
  const first = processes[0]?.replica.url
  const last = processes.at(-1)?.replica.url
  const count = processes.length === 1 ? '1 replica is' : `${processes.length} replicas are`
  return `${count} ready after ${(tookMs / 1000).toFixed(1)} s.

${formatTable(['NAME', 'PID', 'HTTP', 'GOSSIP', 'DATA'], rows)}

${processes.length === 1 ? 'Write, and read' : 'Write on the first, read on the last'}:

  curl -X PUT -H 'Content-Type: application/json' -d '{"cpu":0.9}' ${first}/api/v1/kv/thresholds/api
  curl ${last}/api/v1/kv/thresholds/api

Look:      curl ${first}/api/v1/cluster
Kill one:  kill -9 ${processes.at(-1)?.pid ?? ''}   (what was acknowledged is still there when it comes back)
Stop all:  Ctrl-C
`
}
