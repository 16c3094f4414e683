/**
 * Why a peer cannot be joined, for a person, and whether somebody is there at all.
 *
 * The difference matters at the start: a peer that does not exist is not waited for, one that is there with another key,
 * label or version is, because it holds what this replica has missed. There is whoever answered, or took the stream and
 * closed it: memberlist closes without a word on a label that is not its own. Nobody is there when the connection was
 * refused, the name is not found, or nothing came back in time.
 */
import { unreachable } from '../../base/assert.ts'
import { errorCode } from '../../base/errors.ts'
import type { KnockAnswer } from './knock.ts'

export interface JoinTrouble {
  /** One sentence for a person. */
  readonly reason: string
  /** Whether somebody answered there, or closed in order. */
  readonly isThere: boolean
}

/** Of an exchange that ended because we stop. */
export const STOPPED = 'stopped'

/** Beginnings of what a failed exchange says when nobody answered, in the words of Node and of ours. */
const ABSENT: readonly (readonly [RegExp, string | undefined])[] = [
  [/\bECONNREFUSED\b/, 'the connection was refused: nobody listens there'],
  [/\b(EHOSTUNREACH|ENETUNREACH)\b/, 'there is no route to it'],
  [/^timed out$|\bETIMEDOUT\b/, 'timeout: it does not answer, or a firewall drops what is sent to it'],
  [/^stopped$|^connect |^write |\b(EADDRNOTAVAIL|EACCES|EPERM|EMFILE|EINVAL)\b/, undefined],
]
const CLOSED = /^closed without a reply$|\b(ECONNRESET|EPIPE)\b/

/** @param said why an exchange came to nothing: of StreamClient, PushPullExchange or Node */
export function exchangeTrouble(said: string): JoinTrouble {
  if (CLOSED.test(said)) {
    return {
      reason:
        'it closes the connection without a reply: it has another cluster label, is starting or stopping, or is no gossip member',
      isThere: true,
    }
  }
  for (const [pattern, words] of ABSENT) {
    if (pattern.test(said)) return { reason: words ?? said, isThere: false }
  }
  return { reason: said, isThere: true }
}

/** @param error of looking the name up, a HearsayError with the resolver's as its cause */
export function lookupTrouble(error: Error): JoinTrouble {
  const code = errorCode(error.cause)
  const isUnknown = code === 'ENOTFOUND' || code === 'ENODATA'
  const why = isUnknown ? ' (name not found)' : code === undefined ? '' : ` (${code})`
  return { reason: `${error.message}${why}`, isThere: false }
}

/** @param answer to a knock on a lost peer's door; undefined: it is worth a join */
export function knockTrouble(answer: KnockAnswer): JoinTrouble | undefined {
  switch (answer) {
    case 'acked':
    case 'closed':
      return undefined
    case 'refused':
      return exchangeTrouble('ECONNREFUSED')
    case 'unreached':
      return exchangeTrouble('timed out')
    case 'heard':
      return {
        reason:
          'it is there, and its answer cannot be read here: it has another gossip key, or one of the two has none',
        isThere: true,
      }
    default:
      return unreachable(answer)
  }
}
