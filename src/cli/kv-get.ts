/**
 * `hearsay kv get`: the bytes as they were written. On a terminal they are made harmless: control characters of a text are
 * shown as escapes, and what is no text is not shown at all.
 */
import { CliError } from './cli-error.ts'
import { ask, type ClientFlags } from './client.ts'
import { EXIT } from './exit-codes.ts'
import { jsonAnswer } from './json-answer.ts'
import { printJson, shown } from './output.ts'
import type { OutputFlags } from './output-flag.ts'

export type GetFlags = ClientFlags & OutputFlags

export async function get(map: string, key: string, flags: GetFlags): Promise<void> {
  if (flags.output === 'json') {
    printJson({ map, ...(await itemOf(map, key, flags)) })
    return
  }
  const response = await ask(flags, { path: ['kv', map, key] })
  const bytes = new Uint8Array(await response.arrayBuffer().catch(brokenOff))
  if (process.stdout.isTTY) process.stdout.write(forTerminal(bytes, contentType(response)))
  else process.stdout.write(bytes)
}

/** @throws CliError for what is no text */
export function forTerminal(bytes: Uint8Array, type: string): string {
  const text = textOf(bytes)
  if (text === undefined)
    throw new CliError(
      EXIT.failed,
      `${bytes.length} bytes of ${shown(type)}, not shown on a terminal: redirect them`,
    )
  const lines = text.split('\n').map((line) => line.split('\t').map(shown).join('\t'))
  return lines.at(-1) === '' ? lines.join('\n') : `${lines.join('\n')}\n`
}

interface Item {
  readonly key: string
}

/**
 * As a list has it, because it comes from one: the first of the keys that begin with this one.
 *
 * @throws CliError 3 when there is none
 */
async function itemOf(map: string, key: string, flags: GetFlags): Promise<Item> {
  const query = { prefix: key, limit: '1', values: 'true' }
  const { items } = await jsonAnswer<{ readonly items: readonly Item[] }>(
    await ask(flags, { path: ['kv', map], query }),
  )
  const [item] = items ?? []
  if (item?.key === key) return item
  throw new CliError(EXIT.notFound, `${JSON.stringify(map)} holds no ${JSON.stringify(key)} (KEY_NOT_FOUND)`)
}

function contentType(response: Response): string {
  return response.headers.get('content-type') ?? 'application/octet-stream'
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function brokenOff(): never {
  throw new CliError(EXIT.failed, 'the value did not arrive in full')
}
