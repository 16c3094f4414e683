/** `hearsay kv`: values of a running replica. Bytes go through as they are, in both directions. */
import type { Command } from 'commander'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { print, shown } from './output.ts'
import { standardInput } from './standard-input.ts'

interface PutFlags extends ClientFlags {
  readonly contentType?: string
  readonly ttl?: string
  readonly ifMatch?: string
  readonly ifAbsent?: boolean
}

interface ListFlags extends ClientFlags {
  readonly prefix?: string
  readonly output: string
}

interface Page {
  readonly items: readonly { readonly key: string; readonly version: string; readonly contentType: string }[]
  readonly next?: string
}

export function registerKv(program: Command): void {
  const kv = program.command('kv').description('Read and write values.')
  addUrlFlag(kv.command('get').description('Print a value.').argument('<map>').argument('<key>')).action(
    async (map: string, key: string, flags: ClientFlags) => {
      const response = await ask(flags, { path: ['kv', map, key] })
      process.stdout.write(new Uint8Array(await response.arrayBuffer()))
    },
  )
  addUrlFlag(kv.command('put').description('Write a value; prints its version.'))
    .argument('<map>')
    .argument('<key>')
    .argument('[value]', 'default: read from standard input')
    .option('--content-type <TYPE>', 'default: JSON when the value is JSON, else plain text or octets')
    .option('--ttl <DURATION>', 'expires after this')
    .option('--if-match <VERSION>', 'only when this version is current')
    .option('--if-absent', 'only when there is no value')
    .action(put)
  addUrlFlag(kv.command('delete').description('Delete a value; fine when there is none.'))
    .argument('<map>')
    .argument('<key>')
    .option('--if-match <VERSION>', 'only when this version is current')
    .action(async (map: string, key: string, flags: PutFlags) => {
      await ask(flags, { method: 'DELETE', path: ['kv', map, key], headers: conditions(flags) })
    })
  addUrlFlag(kv.command('list').description('List maps, or the keys of one.'))
    .argument('[map]')
    .option('--prefix <TEXT>', 'only keys that start with it')
    .option('-o, --output <FORMAT>', 'text, or json for one document with values', 'text')
    .action(list)
}

async function put(map: string, key: string, value: string | undefined, flags: PutFlags): Promise<void> {
  const body = value === undefined ? await standardInput() : Buffer.from(value)
  const headers = { 'content-type': flags.contentType ?? guessType(body), ...conditions(flags) }
  const query = { ttl: flags.ttl }
  const response = await ask(flags, { method: 'PUT', path: ['kv', map, key], query, headers, body })
  const { version } = (await response.json()) as { readonly version: string }
  print(version)
}

async function list(map: string | undefined, flags: ListFlags): Promise<void> {
  if (map === undefined) {
    const { maps } = (await (await ask(flags, { path: ['kv'] })).json()) as {
      readonly maps: readonly { readonly name: string; readonly count: number }[]
    }
    print(
      flags.output === 'json'
        ? JSON.stringify({ maps })
        : maps.map((m) => `${shown(m.name)}  ${m.count}`).join('\n'),
    )
    return
  }
  const values = String(flags.output === 'json')
  const items: Page['items'][number][] = []
  let after: string | undefined
  do {
    const query = { prefix: flags.prefix, after, limit: '1000', values }
    const page = (await (await ask(flags, { path: ['kv', map], query })).json()) as Page
    after = page.next
    if (flags.output === 'json') items.push(...page.items)
    else for (const item of page.items) print(shown(item.key))
  } while (after !== undefined)
  if (flags.output === 'json') print(JSON.stringify({ items }))
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
