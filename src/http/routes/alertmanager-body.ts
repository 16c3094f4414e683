/**
 * How the bodies of `/api/v2` are read: as Alertmanager's generated models read them. Go's habits are kept where a client
 * can notice: field names in any case, null is absent, what follows the first JSON value is ignored, a lone surrogate becomes
 * U+FFFD.
 */
import { parseDateTime } from '../../alerting/core/date-time.ts'
import { goQuote } from '../../alerting/core/go-quote.ts'
import { type FrameworkFault, REQUIRED } from './alertmanager-answers.ts'
import { firstJsonValue } from './first-json-value.ts'

export type ReadBody<T> = { readonly value: T } | { readonly fault: FrameworkFault }

/** By lower-case name, nulls left out. */
export type Fields = ReadonlyMap<string, unknown>

/** Ends the reading; caught by `caughtFaults` only. */
export class BodyFault extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** What is no JSON, or not of the types that the model has. */
class Unreadable extends Error {}

export function required(field: string): BodyFault {
  return new BodyFault(REQUIRED, `${field} in body is required`)
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

export function wrongType(value: unknown, field: string, type: string): Error {
  return new Unreadable(`json: cannot unmarshal ${kindOf(value)} into field ${field} of type ${type}`)
}

const SURROGATE = /[\ud800-\udfff]/

function wellFormed(text: string): string {
  return !SURROGATE.test(text) ? text : text.replace(/\p{Surrogate}/gu, '\ufffd')
}

export function fieldsOf(value: unknown, name: string): Fields {
  if (value === null) return new Map()
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongType(value, name, 'object')
  const fields = new Map<string, unknown>()
  for (const [key, field] of Object.entries(value)) if (field !== null) fields.set(key.toLowerCase(), field)
  return fields
}

/** @param path as errors name it */
export function stringField(fields: Fields, field: string, path: string = field): string | undefined {
  const value = fields.get(field.toLowerCase())
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw wrongType(value, path, 'string')
  return wellFormed(value)
}

export function booleanField(fields: Fields, field: string, path: string = field): boolean | undefined {
  const value = fields.get(field.toLowerCase())
  if (value === undefined || typeof value === 'boolean') return value
  throw wrongType(value, path, 'bool')
}

export function instantField(fields: Fields, field: string, path: string = field): bigint | undefined {
  const text = stringField(fields, field, path)
  if (text === undefined) return undefined
  const instant = parseDateTime(text)
  if (instant === undefined)
    throw new Unreadable(`parsing time ${goQuote(text)}: not a date-time as in RFC 3339`)
  return instant
}

/** An object of texts; a null among them is empty. */
export function textsField(
  fields: Fields,
  field: string,
  path: string = field,
): ReadonlyMap<string, string> | undefined {
  const value = fields.get(field.toLowerCase())
  if (value === undefined) return undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(value, path, 'map[string]string')
  }
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (text !== null && typeof text !== 'string') throw wrongType(text, path, 'string')
    return [wellFormed(key), wellFormed(text ?? '')]
  })
  return new Map(entries)
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new Unreadable(error instanceof Error ? error.message : String(error))
  }
}

/**
 * @param name of the body, as errors call it
 * @param text the body; bytes that are not UTF-8 already replaced
 * @param read may throw what this file makes
 */
export function readBody<T>(name: string, text: string, read: (body: unknown) => T): ReadBody<T> {
  return caughtFaults(name, () => {
    const json = firstJsonValue(text)
    if (json === undefined) throw required(name)
    return read(parsed(json))
  })
}

/** For a part of the reading. */
export function caughtFaults<T>(name: string, read: () => T): ReadBody<T> {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof BodyFault) return { fault: { code: error.code, message: error.message } }
    if (!(error instanceof Unreadable)) throw error
    return { fault: { code: 400, message: `parsing ${name} body from "" failed, because ${error.message}` } }
  }
}
