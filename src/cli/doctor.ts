/**
 * `hearsay doctor`: what is wrong, and what to do about it. Without `--url` it looks at the place where a replica runs, or is
 * to run, with the flags of `serve`; with it, it asks a running replica. It changes nothing, and no member hears of it.
 */

import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { type Finding, fail, ok, type Verdict, warn } from '../app/doctor/finding.ts'
import { placeChecks } from '../app/doctor/place-checks.ts'
import { type ReplicaAnswer, replicaChecks } from '../app/doctor/replica-checks.ts'
import { CHECK_TIMEOUT_MS, runChecks } from '../app/doctor/run-checks.ts'
import { resolveOptions } from '../app/options/options.ts'
import { OptionsError } from '../app/options/options-error.ts'
import { systemClock } from '../app/system-clock.ts'
import { counted } from '../base/counted.ts'
import { CliError } from './cli-error.ts'
import { addUrlFlag, type ClientFlags } from './client.ts'
import { paintFor, type Tone } from './colour.ts'
import { connectionOf } from './connection.ts'
import { connectionTrouble } from './connection-trouble.ts'
import { EXIT } from './exit-codes.ts'
import { httpRequest } from './http-request.ts'
import { formatTable, print, printJson, shown } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'
import { addServeFlags, type GivenFlags } from './serve-flags.ts'

interface DoctorFlags extends Omit<ClientFlags, 'url'>, OutputFlags {
  readonly url?: string
}

interface Examined {
  readonly findings: readonly Finding[]
  /** Of a replica that was asked and never answered. */
  readonly isUnreachable?: boolean
}

const NOTES = `
Takes the flags, environment and file of hearsay serve, and looks at what they name: data directory, ports, peers.
With --url it asks a running replica instead, and takes none of those flags. Exit code 1 when something is wrong, 5 when the
replica cannot be reached; warnings are 0.

Examples:
  hearsay doctor --config.file=/etc/hearsay.yml
  hearsay doctor --cluster.peer=10.0.0.2:9094 --cluster.key-file=gossip.keys
  hearsay doctor --url http://127.0.0.1:9093`

export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('Look for what is wrong, and say what to do about it.')
  const givenFlags = addServeFlags(command)
  for (const option of command.options) option.hideHelp()
  addOutputFlag(addUrlFlag(command, new Option('--url <URL>', 'Ask this running replica instead')))
    .addHelpText('after', NOTES)
    .action(async (flags: DoctorFlags) => {
      const { url } = flags
      const given = givenFlags()
      if (url !== undefined) refuseServeFlags(given)
      const { findings, isUnreachable = false } =
        url === undefined
          ? { findings: await examinedPlace(given) }
          : await examinedReplica({ ...flags, url })
      if (flags.output === 'json') printJson({ ok: !findings.some(isFailed), findings })
      else print(reportText(findings))
      const failed = isUnreachable ? EXIT.unreachable : EXIT.failed
      process.exitCode = findings.some(isFailed) ? failed : EXIT.done
    })
}

/** @throws CliError 2: what looks at this machine says nothing of the replica that is asked */
function refuseServeFlags({ texts }: GivenFlags): void {
  const [name] = texts.keys()
  if (name === undefined) return
  throw new CliError(
    EXIT.usage,
    `--url asks a running replica, which has its own --${name}: leave one of both out`,
  )
}

function isFailed({ verdict }: Finding): boolean {
  return verdict === 'fail'
}

async function examinedPlace(given: GivenFlags): Promise<readonly Finding[]> {
  try {
    if (given.problems.length > 0) throw new OptionsError(given.problems)
    const { options, warnings } = resolveOptions({
      flags: given.texts,
      environment: process.env,
      readFile: (path) => readFileSync(path, 'utf8'),
    })
    const useless = [...given.warnings, ...warnings].map((text) =>
      warn('options', 'serve', text, 'leave it out'),
    )
    const valid = useless.length > 0 ? useless : [ok('options', 'serve', 'valid')]
    return [...valid, ...(await runChecks(await placeChecks(options, systemClock)))]
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error
    return error.problems.map((problem) => fail('options', 'serve', problem, 'hearsay serve --help'))
  }
}

async function examinedReplica(flags: ClientFlags): Promise<Examined> {
  const connection = connectionOf(flags)
  let hasAnswered = false
  const get = async (path: string): Promise<ReplicaAnswer> => {
    const { agent, headers, url } = connection
    const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS - 500)
    try {
      const response = await httpRequest(new URL(url + path), { method: 'GET', headers, agent, signal })
      hasAnswered = true
      const date = Date.parse(response.headers.get('date') ?? '')
      const dateMs = Number.isNaN(date) ? undefined : date
      return { status: response.status, text: await response.text(), dateMs }
    } catch (error) {
      throw new Error(connectionTrouble(error, url, CHECK_TIMEOUT_MS), { cause: error })
    }
  }
  const questions = { url: connection.url, get, wallMs: () => systemClock.wallMs() }
  const findings = await runChecks(replicaChecks(questions))
  return { findings, isUnreachable: !hasAnswered }
}

const WORDS: Readonly<Record<Verdict, string>> = { ok: 'OK', warn: 'WARN', fail: 'FAIL' }
const TONES: ReadonlyMap<string, Tone> = new Map([
  ['OK', 'good'],
  ['WARN', 'doubtful'],
  ['FAIL', 'bad'],
])

/** A table, and how many there are of each verdict. */
export function reportText(findings: readonly Finding[]): string {
  const rows = findings.map(({ verdict, check, subject, detail, advice }) => [
    WORDS[verdict],
    check,
    shown(subject),
    shown(advice === undefined ? detail : `${detail}: ${advice}`),
  ])
  const table = formatTable(['RESULT', 'CHECK', 'OF', 'FOUND'], rows, {
    paint: paintFor(process.stdout),
    tone: (cell, column) => (column === 'RESULT' ? TONES.get(cell) : undefined),
  })
  const count = (verdict: Verdict): number => findings.filter((finding) => finding.verdict === verdict).length
  return `${table}\n\n${count('ok')} ok, ${counted(count('warn'), 'warning')}, ${count('fail')} failed`
}
