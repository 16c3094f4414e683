/** Faults of a body that no schema can tell, by the place of the field. */
import { parseDuration } from '../base/duration.ts'
import { HearsayError } from '../base/errors.ts'
import { HttpError } from './problem.ts'

/**
 * @param place as in `alerts[3].endsAt`
 * @param detail what is expected there, without its name
 */
export function bodyFault(place: string, detail: string): HttpError {
  return new HttpError('HTTP_BODY_INVALID', `${place} ${detail}`, {
    errors: [{ pointer: pointerOf(place), detail }],
  })
}

/** @throws HttpError `DURATION_MALFORMED`, naming the field */
export function durationField(place: string, text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    if (!(error instanceof HearsayError)) throw error
    throw new HttpError(error.code, `${place}: ${error.message}`, {
      errors: [{ pointer: pointerOf(place), detail: error.message }],
    })
  }
}

function pointerOf(place: string): string {
  return `#/${place.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll(/[.[]/g, '/').replaceAll(']', '')}`
}
