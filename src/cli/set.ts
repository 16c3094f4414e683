/** `hearsay set`: sets of strings of a running replica. */
import type { Command } from 'commander'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { print, shown } from './output.ts'

export function registerSet(program: Command): void {
  const set = program.command('set').description('Read and change sets of strings.')
  addUrlFlag(set.command('add').description('Add a member.').argument('<set>').argument('<member>')).action(
    async (name: string, member: string, flags: ClientFlags) => {
      await ask(flags, { method: 'PUT', path: ['sets', name, member] })
    },
  )
  addUrlFlag(
    set
      .command('remove')
      .description('Remove a member; fine when there is none.')
      .argument('<set>')
      .argument('<member>'),
  ).action(async (name: string, member: string, flags: ClientFlags) => {
    await ask(flags, { method: 'DELETE', path: ['sets', name, member] })
  })
  addUrlFlag(set.command('members').description('Print the members, one a line.').argument('<set>')).action(
    async (name: string, flags: ClientFlags) => {
      const { members } = (await (await ask(flags, { path: ['sets', name] })).json()) as {
        readonly members: readonly string[]
      }
      for (const member of members) print(shown(member))
    },
  )
}
