/**
 * Hybrid logical clock: stamps that order writes as wall clocks would, but never run backwards on one replica and
 * always come after what that replica has seen.
 */
import type { ActorId } from '../base/names.ts'

export interface Stamp {
  /** Raised by operators to outrank a poisoned time; ordinary writes keep the entry's. */
  readonly epoch: number
  /** Physical part: wall ms since 1970. */
  readonly ms: number
  /** Breaks ties within one ms; below 65,536. */
  readonly logical: number
  readonly actor: ActorId
}
