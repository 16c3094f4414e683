/** `hearsay status`: what a replica says of itself, as indented lines or as JSON. */
import type { Command } from 'commander'
import { VERSION } from '../app/version.ts'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { jsonAnswer } from './json-answer.ts'
import { print, printJson, printWarning, shown } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'

type StatusFlags = ClientFlags & OutputFlags

export function registerStatus(program: Command): void {
  addOutputFlag(
    addUrlFlag(program.command('status').description('Print what a replica says of itself.')),
  ).action(async (flags: StatusFlags) => {
    const status = await jsonAnswer<unknown>(await ask(flags, { path: ['status'] }))
    const skew = versionSkew(VERSION, status)
    if (skew !== undefined) printWarning(skew)
    if (flags.output === 'json') printJson(status)
    else print(statusLines(status, '').join('\n'))
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
