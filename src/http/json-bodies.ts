/**
 * JSON bodies for routes with schemas. A large one is read when it is its turn: 1 MiB of JSON takes some 10 ms, and many may
 * arrive together.
 */
import type { FastifyInstance } from 'fastify'
import { DEPTH_MAX, isTooDeep } from './json-slices.ts'
import { HttpError } from './problem.ts'
import { turns } from './turns.ts'

/** Below, reading takes less than a tenth of a millisecond. */
const SMALL_CHARS = 16 * 1024

export function takeJsonBodies(scope: FastifyInstance): void {
  // Labels have any name; no object of a body is ever merged into another.
  const read = scope.getDefaultJsonParser('ignore', 'ignore')
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body)
    if (text.length <= SMALL_CHARS) void read(request, text, done)
    else if (isTooDeep(text)) {
      done(new HttpError('HTTP_BODY_INVALID', `the JSON is nested deeper than ${DEPTH_MAX}`, DEPTH_MAX))
    } else turns.enterHeavy(() => void read(request, text, done))
  })
}
