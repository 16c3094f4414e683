/**
 * Branded primitives: strings that must not be mixed up with other strings.
 */
import { HearsayError } from './errors.ts'

/** Identity of one writer of dots and stamps: 128 random bits as 32 lower-case hex digits. Never reused (peers.md 3b). */
export type ActorId = string & { readonly __brand: 'ActorId' }

const ACTOR_PATTERN = /^[0-9a-f]{32}$/

/** @throws HearsayError `ACTOR_ID_MALFORMED` unless `text` is 32 lower-case hex digits */
export function actorId(text: string): ActorId {
  if (!ACTOR_PATTERN.test(text))
    throw new HearsayError('ACTOR_ID_MALFORMED', `not an actor id: ${JSON.stringify(text)}`)
  return text as ActorId
}
