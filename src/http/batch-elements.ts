/**
 * The operations of a batch as texts, one after the other, out of `{"ops":[…]}`: a body of 6 MiB is never parsed as a whole,
 * which would take half a second of some bodies, but an operation at a time.
 *
 * Only the frame is checked here; each text is JSON if `JSON.parse` takes it.
 */
import { afterSpace, endOfValue } from './json-slices.ts'
import { HttpError } from './problem.ts'

/** @throws HttpError `HTTP_BODY_INVALID` where the frame is wrong, when it gets there */
export function* batchElements(text: string): Generator<string> {
  const start = afterSpace(text, 0)
  if (text[start] === '[') throw invalid('not an object')
  let at = expect(text, start, '{')
  if (text[at] === '}') throw invalid(NO_LIST, '#/ops')
  at = expect(text, afterName(text, at), ':')
  if (text[at] !== '[') throw invalid(NO_LIST, '#/ops')
  at = expect(text, at, '[')
  while (text[at] !== ']') {
    const end = endOfValue(text, at)
    yield text.slice(at, end)
    at = afterSpace(text, end)
    if (text[at] === ']') break
    at = expect(text, at, ',')
    // JSON has no comma before the end.
    if (text[at] === ']') throw invalid(`${NO_JSON}: a value is missing at character ${at}`)
  }
  at = expect(text, at, ']')
  if (text[at] === ',') {
    afterName(text, afterSpace(text, at + 1))
    throw invalid('ops is given twice', '#/ops')
  }
  at = expect(text, at, '}')
  if (at < text.length) throw invalid(`${NO_JSON}: something follows at character ${at}`)
}

/** @throws HttpError for any other name than `ops` */
function afterName(text: string, at: number): number {
  const end = text[at] === '"' ? endOfValue(text, at) : at
  const name = text.slice(at, end)
  if (name === '"ops"') return afterSpace(text, end)
  if (name === '') throw invalid(`${NO_JSON}: a name is missing at character ${at}`)
  throw invalid(`${name.slice(0, 100)} is not expected; the body is {"ops":[…]}`)
}

const NO_LIST = 'ops must be a list'
const NO_JSON = 'the body is not JSON'

/** @returns behind the character and the spaces after it */
function expect(text: string, at: number, character: string): number {
  if (text[at] !== character) throw invalid(`${NO_JSON}: ${character} is missing at character ${at}`)
  return afterSpace(text, at + 1)
}

function invalid(detail: string, pointer = '#'): HttpError {
  return new HttpError('HTTP_BODY_INVALID', detail, { errors: [{ pointer, detail }] })
}
