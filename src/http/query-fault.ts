/** Faults of query parameters, told by the name of the parameter. */
import { parseDuration } from '../base/duration.ts'
import { HearsayError } from '../base/errors.ts'
import { HttpError } from './problem.ts'

/** @param detail what the parameter must be, in a sentence that names it */
export function queryFault(parameter: string, detail: string, limit?: number): HttpError {
  return new HttpError('HTTP_QUERY_INVALID', detail, {
    ...(limit === undefined ? {} : { limit }),
    errors: [{ parameter, detail }],
  })
}

/** @throws HttpError `DURATION_MALFORMED`, naming the parameter */
export function durationParameter(parameter: string, text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof HearsayError)) throw error
    throw new HttpError(error.code, `${parameter}: ${error.message}`, {
      errors: [{ parameter, detail: error.message }],
    })
  }
}
