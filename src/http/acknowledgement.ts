/**
 * `?ack=` of writes: how many replicas must have the write on disk before the answer. This version waits for itself only
 * (`local`, or the number 1, which counts this replica); asking for more is refused before anything is written.
 */
import { parseDuration } from '../base/duration.ts'
import { HttpError } from './problem.ts'

const FORM = /^(?:local|majority|all|[1-9]\d{0,3})$/

export interface AcknowledgementQuery {
  readonly ack?: string
  /** How long to wait for other replicas: checked, and without effect while there are none to wait for. */
  readonly timeout?: string
}

/**
 * @throws HttpError `HTTP_QUERY_INVALID` for another word, `ACK_NOT_SUPPORTED` for more than this replica,
 *   `DURATION_MALFORMED` for the timeout
 */
export function checkAcknowledgement(query: AcknowledgementQuery): void {
  const { ack, timeout } = query
  if (timeout !== undefined) parseDuration(timeout)
  if (ack === undefined) return
  if (!FORM.test(ack)) {
    throw new HttpError(
      'HTTP_QUERY_INVALID',
      `ack must be local, a number, majority or all: ${JSON.stringify(ack)}`,
    )
  }
  if (ack !== 'local' && ack !== '1') {
    throw new HttpError('ACK_NOT_SUPPORTED', `ack=${ack} is not available yet; ack=local is the default`)
  }
}
