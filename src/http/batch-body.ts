/**
 * The body of a batch: `{"ops":[{"op":"put","map","key","value"|"valueBase64","contentType"?,"ttl"?}, …]}`.
 *
 * `value` is kept as it was written, as JSON; `valueBase64` is bytes of any type. What is not expected is an error and
 * names the operation and the field, so that a misspelt `ttl` writes nothing. Read an operation at a time, in turns with
 * everything else.
 */
import { isUtf8 } from 'node:buffer'
import { HearsayError } from '../base/errors.ts'
import type { BatchOp } from '../store/batch.ts'
import { MUTATIONS_PER_OPERATION_MAX as OPS_MAX } from '../store/core/commit-queue.ts'
import type { StoredValue } from '../store/core/delta.ts'
import { batchElements } from './batch-elements.ts'
import { DEPTH_MAX, isTooDeep, memberSlices } from './json-slices.ts'
import { HttpError } from './problem.ts'
import { FAULTS_MAX, pointerPart } from './schema-faults.ts'
import { asBuffer, isJsonType, storedValue } from './stored-value.ts'
import { expiryOf } from './ttl.ts'
import { turns } from './turns.ts'

const JSON_TYPE = 'application/json'
const FIELDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['put', ['op', 'map', 'key', 'value', 'valueBase64', 'contentType', 'ttl']],
  ['delete', ['op', 'map', 'key']],
  ['add', ['op', 'set', 'member']],
  ['remove', ['op', 'set', 'member']],
])
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

type Fields = Readonly<Record<string, unknown>>

/**
 * @param nowMs wall time that a `ttl` counts from
 * @param opBytesMax of one operation: a value as large as may be in base64, and what stands around it
 * @throws HttpError `HTTP_BODY_INVALID`, and what the fields of one write throw, naming the operation
 */
export async function batchOps(body: Uint8Array, nowMs: number, opBytesMax: number): Promise<BatchOp[]> {
  if (!isUtf8(body)) throw new HttpError('HTTP_BODY_INVALID', 'the body is not UTF-8')
  const ops: BatchOp[] = []
  const refused: HttpError[] = []
  let read = 0
  for (const text of batchElements(asBuffer(body).toString('utf8'))) {
    if (read >= OPS_MAX) {
      throw new HttpError('STORE_BATCH_TOO_LARGE', `the batch has more than ${OPS_MAX} operations`, OPS_MAX)
    }
    try {
      if (text.length > opBytesMax) throw tooLarge(opBytesMax)
      const fields = fieldsOf(parsed(text))
      ops.push(batchOp(fields, 'value' in fields ? valueText(text) : undefined, nowMs))
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      refused.push(ofOperation(read, error))
      if (refused.length >= FAULTS_MAX) break
    }
    read++
    await turns.pause()
  }
  const [first] = refused
  if (first !== undefined) throw together(first, refused)
  return ops
}

/** The first one, with the places of the others that are of its kind. */
function together(first: HttpError, all: readonly HttpError[]): HttpError {
  const alike = all.filter(({ code }) => code === first.code)
  const errors = alike.flatMap(({ extensions }) => extensions.errors ?? []).slice(0, FAULTS_MAX)
  return new HttpError(first.code, first.message, { ...first.extensions, errors })
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError(
    'STORE_VALUE_TOO_LARGE',
    `an operation may have at most ${bytesMax} characters`,
    bytesMax,
  )
}

function parsed(text: string): unknown {
  if (isTooDeep(text)) throw invalid(`nested deeper than ${DEPTH_MAX}`)
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw invalid(`the body is not JSON: ${reason.slice(0, 200)}`)
  }
}

/** Of an operation; the last of two counts, as for JSON.parse. */
function valueText(text: string): string | undefined {
  let found: string | undefined
  for (const { name, start, end } of memberSlices(text, 0))
    if (name === 'value') found = text.slice(start, end)
  return found
}

function batchOp(fields: Fields, valueText: string | undefined, nowMs: number): BatchOp {
  const { op } = fields
  const expected = typeof op === 'string' ? FIELDS.get(op) : undefined
  if (expected === undefined) throw invalid('op must be put, delete, add or remove', 'op')
  const stranger = Object.keys(fields).find((name) => !expected.includes(name))
  if (stranger !== undefined) throw invalid(`a ${op} takes no ${JSON.stringify(stranger)}`, stranger)
  if (op === 'add' || op === 'remove')
    return { op, set: textOf(fields, 'set'), member: textOf(fields, 'member') }
  const [map, key] = [textOf(fields, 'map'), textOf(fields, 'key')]
  if (op === 'delete') return { op, map, key }
  return { op: 'put', map, key, value: putValue(fields, valueText), ...expiry(fields, nowMs) }
}

/** What is wrong with a `ttl` here is wrong with the body, whatever it would be called in a query. */
function expiry(fields: Fields, nowMs: number): { readonly expiresAtMs?: number } {
  const ttl = fields.ttl === undefined ? undefined : textOf(fields, 'ttl')
  try {
    return expiryOf(ttl, nowMs)
  } catch (error) {
    throw error instanceof HearsayError ? invalid(error.message, 'ttl') : error
  }
}

function putValue(fields: Fields, valueText: string | undefined): StoredValue {
  const contentType = fields.contentType === undefined ? undefined : textOf(fields, 'contentType')
  const { valueBase64 } = fields
  if ((valueText === undefined) === (valueBase64 === undefined)) {
    throw invalid('a put takes either value or valueBase64')
  }
  if (valueText !== undefined) {
    const type = contentType ?? JSON_TYPE
    if (!isJsonType(type)) throw invalid(`value is JSON; for ${JSON.stringify(type)} use valueBase64`)
    return storedValue(type, Buffer.from(valueText))
  }
  if (typeof valueBase64 !== 'string' || !BASE64.test(valueBase64))
    throw invalid('valueBase64 is not base64', 'valueBase64')
  return storedValue(contentType, Buffer.from(valueBase64, 'base64'))
}

function textOf(fields: Fields, name: string): string {
  const text = fields[name]
  if (typeof text !== 'string') throw invalid(`${name} must be text`, name)
  return text
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('not an object')
  return value as Fields
}

/** @param field of the operation, where it is one */
function invalid(detail: string, field?: string): HttpError {
  return new HttpError('HTTP_BODY_INVALID', detail, {
    errors: [{ pointer: field === undefined ? '#' : `#/${pointerPart(field)}`, detail }],
  })
}

/** Says which operation it was, in words and as a pointer. */
function ofOperation(index: number, error: HearsayError): HttpError {
  const { errors = [{ pointer: '#', detail: error.message }], ...others } =
    error instanceof HttpError ? error.extensions : {}
  return new HttpError(error.code, `ops[${index}]: ${error.message}`, {
    ...others,
    errors: errors.map(({ pointer = '#', detail }) => ({
      pointer: `#/ops/${index}${pointer.slice(1)}`,
      detail,
    })),
  })
}
