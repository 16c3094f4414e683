/** `hearsay owner KEY`: which live replica is responsible for a piece of work. */
import type { Command } from 'commander'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { jsonAnswer } from './json-answer.ts'
import { print, printJson, shown } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'

export function registerOwner(program: Command): void {
  const owner = program.command('owner').description('Print which live replica owns a piece of work.')
  addOutputFlag(addUrlFlag(owner.argument('<key>', 'Any text that all replicas name the work by'))).action(
    async (key: string, flags: ClientFlags & OutputFlags) => {
      const answer = await jsonAnswer<unknown>(await ask(flags, { path: ['owner', key] }))
      if (flags.output === 'json') printJson(answer)
      else print(shown((answer as { readonly owner: string }).owner))
    },
  )
}
