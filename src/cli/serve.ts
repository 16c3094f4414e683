/** `hearsay serve`: one replica, until told to stop. */
import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { type ResolvedOptions, resolveOptions } from '../app/options/options.ts'
import { OptionsError } from '../app/options/options-error.ts'
import type { ServeOptions } from '../app/options/serve-options.ts'
import type { ShutdownEnd } from '../app/shutdown.ts'
import type { RunningReplica } from '../app/start-replica.ts'
import { formatDuration } from '../base/duration.ts'
import { errorCode, HearsayError } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { boundHeapGrowth } from './heap-growth.ts'
import { print, printError } from './output.ts'
import { ReloadSignal } from './reload-signal.ts'
import { addServeFlags, type GivenFlags } from './serve-flags.ts'
import { stopSignal } from './stop-signal.ts'

const EXAMPLES = `
Examples:
  hearsay serve
  hearsay serve --cluster.listen-address=10.0.0.1:9094 --cluster.key-file=gossip.keys --cluster.peer=10.0.0.2:9094
  HEARSAY_STORAGE_PATH=/var/lib/hearsay hearsay serve --config.file=/etc/hearsay.yml

Order: flag, environment, file, default. Durations: 500ms, 30s, 1h30m.`

export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .description('Run one replica.')
    .addHelpOption(new Option('-h, --help', 'Print this text').helpGroup('Configuration:'))
    .addHelpText('after', EXAMPLES)
  const givenFlags = addServeFlags(command)
  command.action(async () => {
    const reloads = new ReloadSignal()
    const given = givenFlags()
    await serve(checkedOptions(given), () => resolved(given), reloads)
  })
}

function checkedOptions(given: GivenFlags): ServeOptions {
  try {
    if (given.problems.length > 0) throw new OptionsError(given.problems)
    const { options, warnings } = resolved(given)
    for (const warning of [...given.warnings, ...warnings]) printError(`warning: ${warning}`)
    return options
  } catch (error) {
    if (error instanceof OptionsError) throw new CliError(EXIT.usage, ...error.problems)
    throw error
  }
}

function resolved(given: GivenFlags): ResolvedOptions {
  return resolveOptions({
    flags: given.texts,
    environment: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
  })
}

async function serve(
  options: ServeOptions,
  reread: () => ResolvedOptions,
  reloads: ReloadSignal,
): Promise<void> {
  const stop = stopSignal()
  const replica = await started(options, reread)
  // What came of it is in the log.
  reloads.follow(() => void replica.reload().catch(() => undefined))
  boundHeapGrowth()
  const { name, url, gossipPlace } = replica
  const gossip = gossipPlace === undefined ? 'alone, without gossip' : `and gossips on ${gossipPlace}`
  print(`${name} serves ${url} ${gossip}`)
  await stop
  tellDelay(replica.drainDelayMs())
  process.exit(exitCodeOf(await replica.close()))
}

/** Who pressed Ctrl-C and sees nothing happen shall know why, and what to do. */
function tellDelay(delayMs: number): void {
  if (delayMs === 0) return
  printError(
    `stops in ${formatDuration(delayMs)} (--shutdown.drain-delay), and says until then that it is not ready; a second signal ends it at once`,
  )
}

/** Says why a stop was not in order. */
function exitCodeOf({ hung, failures, tookMs }: ShutdownEnd): ExitCode {
  for (const failure of failures) printError(`while stopping: ${failure}`)
  if (hung === undefined) return failures.length === 0 ? EXIT.done : EXIT.failed
  printError(`not stopped after ${(tookMs / 1000).toFixed(1)} s, giving up at: ${hung}`)
  return EXIT.failed
}

async function started(options: ServeOptions, reread: () => ResolvedOptions): Promise<RunningReplica> {
  // Loaded here so that help, usage errors and client commands do not wait for the whole server.
  const { startReplica } = await import('../app/start-replica.ts')
  try {
    return await startReplica(options, reread)
  } catch (error) {
    const isDebugging = options['log.level'] === 'debug' || options['log.level'] === 'trace'
    if (isDebugging || !isExpected(error)) throw error
    const code = errorCode(error) ?? ''
    const exit = WRONG_CONFIGURATION.has(code) ? EXIT.usage : EXIT.failed
    throw new CliError(exit, `${error.message}${ADVICE.get(code) ?? ''}`)
  }
}

/** Of a file that an option names, seen before anything was started; the web config is read with the options. */
const WRONG_CONFIGURATION: ReadonlySet<string> = new Set([
  'OPTIONS_INVALID',
  'KEY_FILE_MALFORMED',
  'KEY_FILE_UNREADABLE',
])

const ADVICE: ReadonlyMap<string, string> = new Map([
  ['HTTP_PORT_BUSY', ': stop that one, or choose another port with --web.listen-address'],
  ['GOSSIP_PORT_BUSY', ': stop that process, or choose another port with --cluster.listen-address'],
  ['STORE_LOCKED', ': stop that replica, or choose another directory with --storage.path'],
])

/** Ours, or one of the operating system (`EACCES` and so on): the text says it all. Anything else is a fault of ours. */
function isExpected(error: unknown): error is Error {
  if (error instanceof HearsayError) return true
  return error instanceof Error && /^E[A-Z0-9]+$/.test(errorCode(error) ?? '')
}
