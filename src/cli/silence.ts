/**
 * `hearsay silence`: silences of a running replica, or of a real Alertmanager, over `/api/v2`. Flags and meanings are
 * those of amtool; what differs is that failures fail (docs/reference/cli.md).
 */
import type { Command } from 'commander'
import { addUrlFlag } from './client.ts'
import { addOutputFlag } from './output-flag.ts'
import { addProgressFlag } from './progress.ts'
import type { AddFlags } from './silence-add.ts'
import type { ExpireFlags } from './silence-expire.ts'
import type { ImportFlags } from './silence-import.ts'
import type { ExportFlags, QueryFlags } from './silence-query.ts'

const MATCHERS_HELP =
  'As in job=api, instance!=db1, job=~"a.*", job!~b; the first may be just the name of an alert'

const EXAMPLES = `
Examples:
  hearsay silence add DiskFull 'instance=~"db-.*"' --comment "disk swap" --duration 2h
  hearsay silence query --within 1h --created-by ana
  hearsay silence query -q 'job=api' | hearsay silence expire -
  hearsay silence export --url http://am:9093 | hearsay silence import`

export function registerSilence(program: Command): void {
  const silence = program
    .command('silence')
    .description('Add, find, end and move silences; of Alertmanagers too.')
    .addHelpText('after', EXAMPLES)
  registerAdd(silence)
  registerQuery(silence)
  const expiring = addUrlFlag(silence.command('expire').description('End silences.'))
    .argument('<id...>', 'Ids; - for those on standard input')
    .action(async (ids: readonly string[], flags: ExpireFlags) =>
      (await import('./silence-expire.ts')).expireSilences(ids, flags),
    )
  const importing = addUrlFlag(
    silence.command('import').description('Add silences from a JSON array, or update those known by id.'),
  )
    .argument('[file]', 'Written by export or amtool; - for standard input', '-')
    .option('-f, --force', 'Make new ones, also of those that are there')
    .option('-w, --worker <N>', 'Requests at once', '8')
    .action(async (file: string, flags: ImportFlags) =>
      (await import('./silence-import.ts')).importSilences(file, flags),
    )
  const exporting = addUrlFlag(
    silence.command('export').description('Write active and pending silences as JSON, for import.'),
  )
    .argument('[file]', 'Where to; - for standard output', '-')
    .option('--force', 'Replace the file when it is there')
    .action(async (file: string, flags: ExportFlags) =>
      (await import('./silence-query.ts')).exportSilences(file, flags),
    )
  for (const command of [expiring, importing, exporting]) addProgressFlag(command)
}

function registerAdd(silence: Command): void {
  const command = silence.command('add').description('Add a silence; prints its id.')
  addOutputFlag(addUrlFlag(command), ['simple', 'json'])
    .argument('<matchers...>', MATCHERS_HELP)
    .option('-a, --author <NAME>', 'Who adds it; default: the name of this user')
    .option('-c, --comment <TEXT>', 'Why')
    .option('-d, --duration <DURATION>', 'How long: 30m, 2h, 1d', '1h')
    .option('--start <TIME>', 'From when, as in 2026-11-21T15:00:00Z; default: now')
    .option('--end <TIME>', 'Until when, instead of --duration')
    .action(async (matchers: readonly string[], flags: AddFlags) =>
      (await import('./silence-add.ts')).addSilence(matchers, flags),
    )
}

function registerQuery(silence: Command): void {
  const command = silence.command('query').description('Print silences that are active or pending.')
  addOutputFlag(addUrlFlag(command), ['simple', 'extended', 'json'])
    .argument('[matchers...]', MATCHERS_HELP)
    .option('-q, --quiet', 'Only ids, one a line')
    .option('--expired', 'Those that have ended')
    .option('--within <DURATION>', 'Those that end within this time; with --expired, that ended within it')
    .option('--created-by <NAME>', 'Those of one author')
    .action(async (matchers: readonly string[], flags: QueryFlags) =>
      (await import('./silence-query.ts')).querySilences(matchers, flags),
    )
}
