/**
 * The body of `POST /api/v2/silences`: first the JSON and its types (400), then what is required (422), in alphabetical
 * order and only the first finding.
 */
import type { Matcher } from '../../alerting/core/matcher.ts'
import type { SilenceRequest } from '../../alerting/core/silence-rules.ts'
import { TOO_FEW_ITEMS } from './alertmanager-answers.ts'
import {
  BodyFault,
  booleanField,
  type Fields,
  fieldsOf,
  instantField,
  type ReadBody,
  readBody,
  required,
  stringField,
  textsField,
  wrongType,
} from './alertmanager-body.ts'

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

function readRequest(body: unknown): SilenceRequest {
  const fields = fieldsOf(body, 'silence')
  const id = stringField(fields, 'id') ?? ''
  const annotations = textsField(fields, 'annotations') ?? new Map()
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

export function readSilenceBody(text: string): ReadBody<SilenceRequest> {
  return readBody('silence', text, readRequest)
}
