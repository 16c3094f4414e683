/**
 * The body of `POST /api/v2/silences`, read as Alertmanager's generated models read it.
 *
 * First the JSON and its types (400), then what is required (422), in alphabetical order and only the first finding.
 * Go's habits are kept where a client can notice: field names in any case, null is absent, what follows the first JSON
 * value is ignored, a lone surrogate becomes U+FFFD.
 */
import { parseDateTime } from '../../alerting/core/date-time.ts'
import { goQuote } from '../../alerting/core/go-quote.ts'
import type { Matcher } from '../../alerting/core/matcher.ts'
import type { SilenceRequest } from '../../alerting/core/silence-rules.ts'
import { type FrameworkFault, REQUIRED, TOO_FEW_ITEMS } from './alertmanager-answers.ts'
import { firstJsonValue } from './first-json-value.ts'

export type SilenceBody = { readonly request: SilenceRequest } | { readonly fault: FrameworkFault }

/** Ends the reading; caught by `readSilenceBody` only. */
class BodyFault extends Error {
  readonly fault: FrameworkFault

  constructor(code: number, message: string) {
    super(message)
    this.fault = { code, message }
  }
}

function unreadable(because: string): BodyFault {
  return new BodyFault(400, `parsing silence body from "" failed, because ${because}`)
}

function required(field: string): BodyFault {
  return new BodyFault(REQUIRED, `${field} in body is required`)
}

type Fields = ReadonlyMap<string, unknown>

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function wrongType(value: unknown, field: string, type: string): BodyFault {
  return unreadable(`json: cannot unmarshal ${kindOf(value)} into field ${field} of type ${type}`)
}

/** By lower-case name, nulls left out. */
function fieldsOf(value: unknown, name: string): Fields {
  if (value === null) return new Map()
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongType(value, name, 'object')
  const entries = Object.entries(value).map(([key, field]): [string, unknown] => [key.toLowerCase(), field])
  return new Map(entries.filter(([, field]) => field !== null))
}

function stringField(fields: Fields, field: string, path = field): string | undefined {
  const value = fields.get(field.toLowerCase())
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw wrongType(value, path, 'string')
  return value.replace(/\p{Surrogate}/gu, '\ufffd')
}

function booleanField(fields: Fields, field: string, path: string): boolean | undefined {
  const value = fields.get(field.toLowerCase())
  if (value === undefined || typeof value === 'boolean') return value
  throw wrongType(value, path, 'bool')
}

function instantField(fields: Fields, field: string): bigint | undefined {
  const text = stringField(fields, field)
  if (text === undefined) return undefined
  const instant = parseDateTime(text)
  if (instant === undefined) throw unreadable(`parsing time ${goQuote(text)}: not a date-time as in RFC 3339`)
  return instant
}

function annotationsField(fields: Fields): ReadonlyMap<string, string> {
  const value = fields.get('annotations')
  if (value === undefined) return new Map()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(value, 'annotations', 'map[string]string')
  }
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (text !== null && typeof text !== 'string') throw wrongType(text, 'annotations', 'string')
    return [key.replace(/\p{Surrogate}/gu, '\ufffd'), (text ?? '').replace(/\p{Surrogate}/gu, '\ufffd')]
  })
  return new Map(entries)
}

interface MatcherFields {
  readonly isEqual: boolean
  readonly isRegex: boolean | undefined
  readonly name: string | undefined
  readonly value: string | undefined
}

function matcherFields(fields: Fields): readonly (MatcherFields | undefined)[] | undefined {
  const value = fields.get('matchers')
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw wrongType(value, 'matchers', 'array')
  return value.map((item: unknown, index) => {
    if (item === null) return undefined
    const of = fieldsOf(item, `matchers.${index}`)
    return {
      isEqual: booleanField(of, 'isEqual', `matchers.${index}.isEqual`) ?? true,
      isRegex: booleanField(of, 'isRegex', `matchers.${index}.isRegex`),
      name: stringField(of, 'name', `matchers.${index}.name`),
      value: stringField(of, 'value', `matchers.${index}.value`),
    }
  })
}

function checkedMatcher(fields: MatcherFields | undefined, index: number): Matcher {
  if (fields === undefined) throw required(`matchers.${index}`)
  const { isEqual, isRegex, name, value } = fields
  if (isRegex === undefined) throw required(`matchers.${index}.isRegex`)
  if (name === undefined) throw required(`matchers.${index}.name`)
  if (value === undefined) throw required(`matchers.${index}.value`)
  return { type: (isEqual ? 0 : 2) + (isRegex ? 1 : 0), name, pattern: value }
}

function readRequest(text: string): SilenceRequest {
  const json = firstJsonValue(text)
  if (json === undefined) throw required('silence')
  let body: unknown
  try {
    body = JSON.parse(json)
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error))
  }
  const fields = fieldsOf(body, 'silence')
  const id = stringField(fields, 'id') ?? ''
  const annotations = annotationsField(fields)
  const comment = stringField(fields, 'comment')
  const createdBy = stringField(fields, 'createdBy')
  const endsAtNs = instantField(fields, 'endsAt')
  const matchers = matcherFields(fields)
  const startsAtNs = instantField(fields, 'startsAt')
  if (comment === undefined) throw required('comment')
  if (createdBy === undefined) throw required('createdBy')
  if (endsAtNs === undefined) throw required('endsAt')
  if (matchers === undefined) throw required('matchers')
  if (matchers.length === 0)
    throw new BodyFault(TOO_FEW_ITEMS, 'matchers in body should have at least 1 items')
  const checked = matchers.map(checkedMatcher)
  if (startsAtNs === undefined) throw required('startsAt')
  return { id, annotations, comment, createdBy, endsAtNs, matchers: checked, startsAtNs }
}

/** @param text the body; bytes that are not UTF-8 already replaced */
export function readSilenceBody(text: string): SilenceBody {
  try {
    return { request: readRequest(text) }
  } catch (error) {
    if (error instanceof BodyFault) return { fault: error.fault }
    throw error
  }
}
