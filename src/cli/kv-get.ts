/**
 * `hearsay kv get`: the bytes as they were written. On a terminal they are made harmless: control characters of a text are
 * shown as escapes, and what is no text is not shown at all.
 */
import { CliError } from './cli-error.ts'
import { ask, type ClientFlags } from './client.ts'
import { EXIT } from './exit-codes.ts'
import { printJson, shown } from './output.ts'
import type { OutputFlags } from './output-flag.ts'

export type GetFlags = ClientFlags & OutputFlags

export async function get(map: string, key: string, flags: GetFlags): Promise<void> {
  const response = await ask(flags, { path: ['kv', map, key] })
  const bytes = new Uint8Array(await response.arrayBuffer().catch(brokenOff))
  if (flags.output === 'json') printJson(documentOf(map, key, response, bytes))
  else if (process.stdout.isTTY) process.stdout.write(forTerminal(bytes, contentType(response)))
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

/** As a page of a list has it. */
function documentOf(map: string, key: string, response: Response, bytes: Uint8Array): unknown {
  return {
    map,
    key,
    ...contentOf(bytes, contentType(response)),
    contentType: contentType(response),
    version: (response.headers.get('etag') ?? '').replaceAll('"', ''),
  }
}

function contentOf(
  bytes: Uint8Array,
  type: string,
): { readonly value: unknown } | { readonly valueBase64: string } {
  const text = /^application\/json\b/.test(type) ? textOf(bytes) : undefined
  if (text !== undefined) return { value: JSON.parse(text) as unknown }
  return { valueBase64: Buffer.from(bytes).toString('base64') }
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
