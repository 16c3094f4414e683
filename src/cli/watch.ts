/**
 * `hearsay kv watch` and `hearsay set watch`: one line for each change, until it is stopped.
 *
 * A connection that is lost, or silent for three heartbeats, is made again with the last cursor, so that nothing is missed
 * or told twice; when the replica was restarted meanwhile, or changes went by that it does not remember, a `gap` says so.
 * What is wrong with the connection goes to stderr, once, and when it is over.
 */
import { Readable } from 'node:stream'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { changeLine } from './change-line.ts'
import { CliError } from './cli-error.ts'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { paintFor } from './colour.ts'
import { eventsOf } from './event-lines.ts'
import { EXIT } from './exit-codes.ts'
import { print, printNote } from './output.ts'

interface WatchFlags extends ClientFlags {
  readonly prefix?: string
  readonly after?: string
  readonly values: boolean
  readonly output: 'table' | 'ndjson' | 'json'
}

const SILENCE_MS_MAX = 45_000
const RETRY_MS = 500
const RETRY_MS_MAX = 4000

export function addWatchCommand(parent: Command, kind: 'map' | 'set'): void {
  const items = kind === 'map' ? 'keys' : 'members'
  const watching = parent.command('watch').description(`Print what changes, one line each, until Ctrl-C.`)
  addUrlFlag(watching)
    .argument(`[${kind}]`, `Without it: all maps and sets`)
    .addOption(
      new Option(
        '-o, --output <FORMAT>',
        'Output: table (for people), ndjson (one JSON value a line, as json)',
      )
        .choices(['table', 'ndjson', 'json'])
        .default('table'),
    )
    .option('--prefix <TEXT>', `Only ${items} that start with it`)
    .option('--after <CURSOR>', 'Go on after this cursor of an earlier change; default: from now on')
    .option('--no-values', 'Leave values out')
    .action((name: string | undefined, flags: WatchFlags) => watch(name, kind, flags))
}

async function watch(name: string | undefined, kind: 'map' | 'set', flags: WatchFlags): Promise<void> {
  const paint = paintFor(process.stdout)
  const tell = (data: string): void => {
    print(flags.output === 'table' ? changeLine(data, name !== undefined, paint) : data)
  }
  const query = { [kind]: name, prefix: flags.prefix, values: flags.values ? undefined : 'false' }
  let after = flags.after
  let trouble: string | undefined
  let failures = 0
  for (let wasReached = false; ; ) {
    try {
      for await (const { event, data, id } of followed(flags, { ...query, after })) {
        if (trouble !== undefined) printNote('connected again')
        wasReached = true
        trouble = undefined
        failures = 0
        if (event !== '' && event !== 'closed') tell(data)
        after = id ?? after
      }
      throw new CliError(EXIT.unreachable, 'the replica ended the stream')
    } catch (error) {
      if (!wasReached) throw error
      const reason = reasonOf(error)
      if (reason !== trouble) printNote(`${reason}; trying again`)
      trouble = reason
    }
    await sleep(Math.min(RETRY_MS * 2 ** failures++, RETRY_MS_MAX))
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof CliError) return error.message
  return `the connection was lost (${error instanceof Error ? error.message : String(error)})`
}

/** Events of one connection. @throws CliError; what breaks a connection */
async function* followed(
  flags: ClientFlags,
  query: Readonly<Record<string, string | undefined>>,
): ReturnType<typeof eventsOf> {
  const silence = new AbortController()
  const timer = setTimeout(() => {
    silence.abort(new Error(`nothing came for ${SILENCE_MS_MAX / 1000} s`))
  }, SILENCE_MS_MAX)
  try {
    const headers = { accept: 'text/event-stream' }
    const { body } = await ask(flags, { path: ['watch'], query, headers, signal: silence.signal })
    if (body === null) return
    for await (const event of eventsOf(Readable.fromWeb(body as WebStream))) {
      timer.refresh()
      yield event
    }
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}
