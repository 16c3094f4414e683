/**
 * The text of a key file: one base64 key a line, the first of which is primary; blank lines, and comments from `#` on.
 *
 *     # rotated in July
 *     h6YQ…=   # new
 *     m2pX…=
 *
 * Changes keep what people wrote: a key's own line, with the comment on it, is moved or removed; all other lines stay.
 */

import { compareBytes } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'
import { Keyring } from '../gossip/wire/keyring.ts'
import { keyText, parseKey } from './gossip-key.ts'

/** A file larger than this is no key file. */
export const KEY_FILE_BYTES_MAX: number = 64 * 1024

interface Line {
  readonly text: string
  /** Undefined for blank lines and comments. */
  readonly key: Uint8Array | undefined
}

/**
 * @param path for messages, which name file and line and never a key
 * @returns the keys in their order, without doubles
 * @throws HearsayError `KEY_FILE_MALFORMED` also when there is no key in it, or more than a ring takes
 */
export function keysOfText(path: string, text: string): readonly Uint8Array[] {
  const keys = linesOf(path, text).flatMap(({ key }) => key ?? [])
  if (keys.length === 0) throw malformed(`${path} holds no key`)
  try {
    return new Keyring(keys).keys
  } catch (cause) {
    throw malformed(`${path}: ${messageOf(cause)}`, cause)
  }
}

/** The key at the end, on a line of its own. */
export function textWithKey(text: string, key: Uint8Array): string {
  const gap = text === '' || text.endsWith('\n') ? '' : '\n'
  return `${text}${gap}${keyText(key)}\n`
}

/** The line of the key before those of the others; its doubles go. */
export function textWithPrimary(path: string, text: string, key: Uint8Array): string {
  const lines = linesOf(path, text)
  const own = lines.find((line) => isOf(line, key))
  if (own === undefined) return text
  const rest = lines.filter((line) => !isOf(line, key))
  const place = rest.findIndex((line) => line.key !== undefined)
  return joined(rest.toSpliced(place === -1 ? rest.length : place, 0, own))
}

/** All lines but those of the key. */
export function textWithoutKey(path: string, text: string, key: Uint8Array): string {
  return joined(linesOf(path, text).filter((line) => !isOf(line, key)))
}

function linesOf(path: string, text: string): readonly Line[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line, i) => {
    const content = line.replace(/#.*$/, '').trim()
    if (content === '') return { text: line, key: undefined }
    try {
      return { text: line, key: parseKey(content) }
    } catch (cause) {
      throw malformed(`${path} line ${i + 1}: ${messageOf(cause)}`, cause)
    }
  })
}

function isOf({ key }: Line, other: Uint8Array): boolean {
  return key !== undefined && compareBytes(key, other) === 0
}

function joined(lines: readonly Line[]): string {
  return lines.map(({ text }) => `${text}\n`).join('')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function malformed(message: string, cause?: unknown): HearsayError {
  return new HearsayError('KEY_FILE_MALFORMED', message, { cause })
}
