/**
 * One option's text to its value. The text is the same whether it came from a flag, the environment or the file, so the
 * grammar and the messages are the same too.
 */
import { formatDuration, parseDuration } from '../../base/duration.ts'
import { HearsayError } from '../../base/errors.ts'
import { parseHostPort } from '../../base/host-port.ts'
import { isNetwork } from '../../gossip/io/allowed-networks.ts'
import { holdsKey } from '../gossip-key.ts'
import type { OptionDescriptor } from './option-schema.ts'

export type OptionValue = string | number | boolean | readonly string[]

/** Items taken from one list at most. */
const LIST_MAX = 1000
const KEY_NOT_PATH =
  'it takes the path of a file, and this looks like a key itself, which is not repeated here: replace that key if others could see it'
const PEER_NAME_FORM = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\.?$/

/**
 * @param texts one text, or several of a repeated flag; only lists take several
 * @throws HearsayError `OPTION_INVALID` saying what was expected, without the option's name
 */
export function parseOptionValue(descriptor: OptionDescriptor, texts: readonly string[]): OptionValue {
  if (descriptor.type === 'peer-list') return checkList(texts, 'peers', checkPeer)
  if (descriptor.type === 'network-list') return checkList(texts, 'networks', checkNetwork)
  if (descriptor.type === 'origin-list') return checkList(texts, 'origins', checkOrigin)
  const text = texts.at(-1) ?? ''
  if (texts.length > 1) throw invalid('it is given more than once')
  switch (descriptor.type) {
    case 'key-path':
      if (holdsKey(text)) throw invalid(KEY_NOT_PATH)
      return checkString(descriptor, text)
    case 'string':
      return checkString(descriptor, text)
    case 'duration':
      return checkDuration(descriptor, text)
    case 'count':
      return checkCountOf(descriptor, text)
    case 'bool':
      if (text === 'true' || text === 'false') return text === 'true'
      throw invalid(`expected true or false, not ${JSON.stringify(text)}`)
    case 'enum':
      if (descriptor.values?.includes(text)) return text
      throw invalid(`expected one of ${descriptor.values?.join(', ')}, not ${JSON.stringify(text)}`)
    case 'address':
      return checkAddress(text)
    case 'address-or-empty':
      return text === '' ? '' : checkAddress(text)
  }
}

/** A default as the help text and the docs show it; empty when there is none. */
export function formatOptionValue(descriptor: OptionDescriptor): string {
  const value = descriptor.default
  if (value === undefined || value === '' || value === false) return ''
  if (typeof value === 'number') return descriptor.type === 'count' ? `${value}` : formatDuration(value)
  return Array.isArray(value) ? value.join(',') : String(value)
}

function checkString(descriptor: OptionDescriptor, text: string): string {
  if (/\p{Cc}/u.test(text)) throw invalid('control characters are not taken')
  if (descriptor.bytesMax !== undefined && Buffer.byteLength(text) > descriptor.bytesMax) {
    throw invalid(`at most ${descriptor.bytesMax} bytes`)
  }
  return text
}

function checkDuration(descriptor: OptionDescriptor, text: string): number {
  const durationMs = rethrown(() => parseDuration(text))
  const { minMs = 0, maxMs = Number.MAX_SAFE_INTEGER } = descriptor
  if (durationMs < minMs || durationMs > maxMs) {
    throw invalid(`expected ${formatDuration(minMs)} to ${formatDuration(maxMs)}, not ${text}`)
  }
  return durationMs
}

function checkCountOf(descriptor: OptionDescriptor, text: string): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = descriptor
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!(count >= min && count <= max)) throw invalid(`expected ${min} to ${max}, not ${JSON.stringify(text)}`)
  return count
}

function checkAddress(text: string): string {
  rethrown(() => parseHostPort(text))
  return text
}

function checkList(
  texts: readonly string[],
  what: string,
  check: (text: string) => string,
): readonly string[] {
  if (texts.length > LIST_MAX) throw invalid(`at most ${LIST_MAX} ${what}`)
  return texts.map(check)
}

function checkPeer(text: string): string {
  if (PEER_NAME_FORM.test(text) && !text.includes(':')) return text
  const { host, port } = rethrown(() => parseHostPort(text))
  if (host === '' || port === 0) throw invalid(`a peer needs a host and a port: ${JSON.stringify(text)}`)
  return text
}

function checkNetwork(text: string): string {
  if (isNetwork(text)) return text
  throw invalid(`expected a network such as 10.0.0.0/8 or fd00::/8, not ${JSON.stringify(text)}`)
}

function checkOrigin(text: string): string {
  if (/^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text) return text
  throw invalid(
    `expected an origin such as https://ui.example.org, without a path, not ${JSON.stringify(text)}`,
  )
}

function rethrown<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
}

function invalid(message: string): HearsayError {
  return new HearsayError('OPTION_INVALID', message)
}
