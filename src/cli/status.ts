/** `hearsay status`: what a replica says of itself: in short, all of it as indented lines, or as JSON. */
import type { Command } from 'commander'
import { VERSION } from '../app/version.ts'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { paintFor } from './colour.ts'
import { print, printJson, printWarning, shown } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'
import { replicaAnswer } from './replica-answer.ts'
import { type StatusAnswer, statusSummary } from './status-summary.ts'

interface StatusFlags extends ClientFlags, OutputFlags {
  readonly all?: boolean
}

export function registerStatus(program: Command): void {
  const command = program.command('status').description('Print how a replica is.')
  addOutputFlag(addUrlFlag(command))
    .option('-a, --all', 'All that it says of itself, counters too; as -o json always has')
    .action(async (flags: StatusFlags) => {
      const response = await ask(flags, { path: ['status'] })
      const status = await replicaAnswer<StatusAnswer>(flags.url, response, ['name', 'version'])
      const skew = versionSkew(VERSION, status)
      if (skew !== undefined) printWarning(skew)
      if (flags.output === 'json') printJson(status)
      else if (flags.all === true) print(statusLines(status, '').join('\n'))
      else print(statusSummary(status, Date.now(), paintFor(process.stdout)))
    })
}

/** @returns what to say when replica and program differ by more than a patch */
export function versionSkew(own: string, status: unknown): string | undefined {
  const theirs =
    typeof status === 'object' && status !== null && 'version' in status ? status.version : undefined
  if (typeof theirs !== 'string' || releaseOf(theirs) === releaseOf(own)) return undefined
  return `the replica is version ${shown(theirs)}, this program ${own}: use its own, or update it`
}

/** Major and minor. */
function releaseOf(version: string): string {
  return version.split('.', 2).join('.')
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
