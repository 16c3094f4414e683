/**
 * Names of maps, keys, sets and members as path segments. They are opaque text: `__proto__`, emoji and an encoded slash
 * are ordinary. Only what URL clients rewrite on their own cannot be trusted to arrive: empty, `.` and `..` segments.
 */
import { HttpError } from './problem.ts'

/**
 * @param segment already percent-decoded
 * @param what `map`, `key` and so on, for the message
 * @throws HttpError `HTTP_PATH_MALFORMED`
 */
export function checkPathName(segment: string, what: string): void {
  if (segment === '' || segment === '.' || segment === '..') {
    throw new HttpError(
      'HTTP_PATH_MALFORMED',
      `a ${what} in a path cannot be ${segment === '' ? 'empty' : segment}: clients rewrite such segments`,
    )
  }
}
