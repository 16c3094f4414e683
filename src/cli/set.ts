/** `hearsay set`: sets of strings of a running replica. */
import type { Command } from 'commander'
import { type AckAnswer, type AckFlags, ackQuery, ackSignal, addAckFlags, checkAcked } from './ack-flags.ts'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { jsonAnswer } from './json-answer.ts'
import { printCounts } from './kv-list.ts'
import { print, printJson, shown } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'
import { PAGE_ENTRIES, pagesOf } from './pages.ts'
import { addWatchCommand } from './watch.ts'

type MembersFlags = ClientFlags & OutputFlags

interface MembersPage {
  readonly members: readonly string[]
  readonly next?: string
}

export function registerSet(program: Command): void {
  const set = program.command('set').description('Read, change and watch sets of strings.')
  addAckFlags(addUrlFlag(set.command('add').description('Add a member; fine when it is there.')))
    .argument('<set>')
    .argument('<member>')
    .action((name: string, member: string, flags: ClientFlags & AckFlags) =>
      change('PUT', name, member, flags),
    )
  addAckFlags(addUrlFlag(set.command('remove').description('Remove a member; fine when there is none.')))
    .argument('<set>')
    .argument('<member>')
    .action((name: string, member: string, flags: ClientFlags & AckFlags) =>
      change('DELETE', name, member, flags),
    )
  const listing = set
    .command('members')
    .description('Print the members of a set, one a line, or list the sets.')
  addOutputFlag(addUrlFlag(listing), ['table', 'json', 'ndjson'])
    .argument('[set]', 'Without it: the sets')
    .action(members)
  addWatchCommand(set, 'set')
}

async function change(
  method: 'PUT' | 'DELETE',
  set: string,
  member: string,
  flags: ClientFlags & AckFlags,
): Promise<void> {
  const response = await ask(flags, {
    method,
    path: ['sets', set, member],
    query: ackQuery(flags),
    signal: ackSignal(flags),
  })
  // Read in any case: an answer that is left lying keeps the process.
  if (response.status !== 204) checkAcked(await jsonAnswer<AckAnswer>(response))
}

async function members(set: string | undefined, flags: MembersFlags): Promise<void> {
  if (set === undefined) return printCounts('sets', flags)
  const all: string[] = []
  for await (const page of pagesOf<MembersPage>(flags, ['sets', set], { limit: PAGE_ENTRIES })) {
    if (flags.output === 'json') all.push(...page.members)
    else
      for (const member of page.members)
        print(flags.output === 'table' ? shown(member) : JSON.stringify(member))
  }
  if (flags.output === 'json') printJson({ members: all })
}
