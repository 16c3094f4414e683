/** `hearsay status`: what a replica says of itself, as indented lines or as JSON. */
import type { Command } from 'commander'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { print, shown } from './output.ts'

interface StatusFlags extends ClientFlags {
  readonly output: string
}

export function registerStatus(program: Command): void {
  addUrlFlag(program.command('status').description('Print what a replica says of itself.'))
    .option('-o, --output <FORMAT>', 'text or json', 'text')
    .action(async (flags: StatusFlags) => {
      const status: unknown = await (await ask(flags, { path: ['status'] })).json()
      print(flags.output === 'json' ? JSON.stringify(status) : statusLines(status, '').join('\n'))
    })
}

/** @param indent before every line */
export function statusLines(value: unknown, indent: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [`${indent}${shown(String(value))}`]
  return Object.entries(value).flatMap(([name, inner]) => {
    if (typeof inner !== 'object' || inner === null)
      return [`${indent}${shown(name)}: ${shown(String(inner))}`]
    if (Array.isArray(inner))
      return [`${indent}${shown(name)}: ${shown(inner.map(inLine).join(', ')) || 'none'}`]
    return [`${indent}${shown(name)}:`, ...statusLines(inner, `${indent}  `)]
  })
}

/** An item of a list: what it is made of, side by side. */
function inLine(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item)
  return Object.entries(item)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
