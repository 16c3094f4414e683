/** Why a body was not taken, in words that name what came and what may come. */
import { HttpError } from './problem.ts'

const SHOWN_CHARS_MAX = 100
const MEDIA_TYPE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*(?:;|$)/

/**
 * Of a route that takes JSON alone; where any type is taken, only what is no media type at all ends here.
 * @param contentType as the client wrote it
 */
export function contentTypeFault(contentType: string | undefined): HttpError {
  const shown = contentType?.trim() ?? ''
  if (shown === '') return refusal('this takes application/json, and the body came without a content type')
  const quoted = JSON.stringify(shown.slice(0, SHOWN_CHARS_MAX))
  if (MEDIA_TYPE.test(shown)) return refusal(`this takes application/json, got ${quoted}`)
  return refusal(`the content type ${quoted} is no media type; one is written as application/json is`)
}

function refusal(detail: string): HttpError {
  return new HttpError('HTTP_CONTENT_TYPE_UNSUPPORTED', detail)
}
