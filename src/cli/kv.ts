/** `hearsay kv`: values of a running replica. Bytes go through as they are, in both directions. */
import type { Command } from 'commander'
import { type AckAnswer, type AckFlags, ackQuery, ackSignal, addAckFlags, checkAcked } from './ack-flags.ts'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { jsonAnswer } from './json-answer.ts'
import { get } from './kv-get.ts'
import { list } from './kv-list.ts'
import { print, printJson } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'
import { standardInput } from './standard-input.ts'
import { addWatchCommand } from './watch.ts'

interface PutFlags extends ClientFlags, OutputFlags, AckFlags {
  readonly contentType?: string
  readonly ttl?: string
  readonly ifMatch?: string
  readonly ifAbsent?: boolean
}

const IF_MATCH = ['--if-match <VERSION>', 'Only when this version is current; * for any'] as const

export function registerKv(program: Command): void {
  const kv = program.command('kv').description('Read, write and watch values.')
  addOutputFlag(addUrlFlag(kv.command('get').description('Print a value.')), ['raw', 'json'])
    .argument('<map>')
    .argument('<key>')
    .action(get)
  const putting = kv.command('put').description('Write a value; prints its version.')
  addOutputFlag(addAckFlags(addUrlFlag(putting)))
    .argument('<map>')
    .argument('<key>')
    .argument('[value]', 'Without it: what standard input holds')
    .option('--content-type <TYPE>', 'Default: JSON when the value is JSON, else plain text or octets')
    .option('--ttl <DURATION>', 'It expires after this')
    .option(...IF_MATCH)
    .option('--if-absent', 'Only when there is no value')
    .action(put)
  const deleting = kv.command('delete').description('Delete a value; fine when there is none.')
  addAckFlags(addUrlFlag(deleting))
    .argument('<map>')
    .argument('<key>')
    .option(...IF_MATCH)
    .action(remove)
  const listing = kv.command('list').description('List maps, or the keys of one.')
  addOutputFlag(addUrlFlag(listing), ['table', 'json', 'ndjson'])
    .argument('[map]', 'Without it: the maps')
    .option('--prefix <TEXT>', 'Only keys that start with it')
    .option('-q, --quiet', 'Only keys, one a line')
    .action(list)
  addWatchCommand(kv, 'map')
}

async function put(map: string, key: string, value: string | undefined, flags: PutFlags): Promise<void> {
  const signal = ackSignal(flags)
  const body = value === undefined ? await standardInput() : Buffer.from(value)
  const headers = { 'content-type': flags.contentType ?? guessType(body), ...conditions(flags) }
  const query = { ttl: flags.ttl, ...ackQuery(flags) }
  const path = ['kv', map, key]
  const response = await ask(flags, { method: 'PUT', path, query, headers, body, signal })
  const answer = await jsonAnswer<AckAnswer & { readonly version: string }>(response)
  if (flags.output === 'json') printJson(answer)
  else print(answer.version)
  checkAcked(answer)
}

async function remove(map: string, key: string, flags: PutFlags): Promise<void> {
  const response = await ask(flags, {
    method: 'DELETE',
    path: ['kv', map, key],
    query: ackQuery(flags),
    headers: conditions(flags),
    signal: ackSignal(flags),
  })
  if (response.status === 202) checkAcked(await jsonAnswer<AckAnswer>(response))
}

function conditions(flags: PutFlags): Readonly<Record<string, string>> {
  return {
    ...(flags.ifMatch === undefined
      ? {}
      : { 'if-match': flags.ifMatch === '*' ? '*' : `"${flags.ifMatch}"` }),
    ...(flags.ifAbsent === true ? { 'if-none-match': '*' } : {}),
  }
}

function guessType(body: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
    try {
      JSON.parse(text)
      return 'application/json'
    } catch {
      return 'text/plain; charset=utf-8'
    }
  } catch {
    return 'application/octet-stream'
  }
}
