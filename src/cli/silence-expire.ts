/** `hearsay silence expire`: ends silences by their ids. All are tried, whatever happens to one of them. */
import { CliError } from './cli-error.ts'
import type { ClientFlags } from './client.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { printError, printNote, shown } from './output.ts'
import { inParallel } from './parallel.ts'
import { Progress } from './progress.ts'
import { endsAll, expireSilence } from './silence-api.ts'
import { standardInput } from './standard-input.ts'

export interface ExpireFlags extends ClientFlags {
  readonly progress: boolean
}

const AT_ONCE = 8
/** What Alertmanager takes for an id, and so do we: hyphens may be left out. */
const ID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i

/** @param given ids; `-` stands for those on standard input, one a line, as `silence query -q` prints them */
export async function expireSilences(given: readonly string[], flags: ExpireFlags): Promise<void> {
  const ids = given.includes('-') ? [...given.filter((id) => id !== '-'), ...(await idsOfInput())] : given
  const bad = ids.find((id) => !ID.test(id))
  if (bad !== undefined) {
    const words = `${shown(JSON.stringify(bad))} is no id of a silence: hearsay silence query shows them`
    throw new CliError(EXIT.usage, words, ...(ids.length === 1 ? [] : ['nothing was expired']))
  }
  if (ids.length === 0) printNote('no ids: nothing was expired')
  const failures: ExitCode[] = []
  let tried = 0
  const progress = new Progress({
    verb: 'expired',
    unit: 'silences',
    total: ids.length,
    isQuiet: !flags.progress,
  })
  await inParallel(ids, AT_ONCE, async (id) => {
    try {
      await expireSilence(flags, id)
    } catch (error) {
      if (!(error instanceof CliError) || endsAll(error)) throw error
      failures.push(error.exitCode)
      progress.end()
      printError(`${shown(id)}: ${error.message}`)
    }
    tried++
    progress.update(tried, failures.length === 0 ? '' : `${failures.length} failed`)
  }).finally(() => progress.end())
  if (failures.length === 0) return
  // Of one mind: that; otherwise there is no single reason.
  const code = new Set(failures).size === 1 ? (failures[0] ?? EXIT.failed) : EXIT.failed
  throw new CliError(
    code,
    ...(ids.length === 1 ? [] : [`${failures.length} of ${ids.length} were not expired`]),
  )
}

async function idsOfInput(): Promise<readonly string[]> {
  const text = Buffer.from(await standardInput()).toString('utf8')
  return text.split(/\s+/).filter((id) => id !== '')
}
