/**
 * What the actor file remembers (actor-file.ts): who this replica is, how far it has counted, and how far its stamps may
 * have gone.
 */
import type { ActorId } from '../../base/names.ts'

/** By which the bound on stamps runs ahead of the wall (stamp-bound.ts). */
export const STAMP_STEP_MS = 5000

export interface ActorRecord {
  readonly actor: ActorId
  /** Dots up to this number, inclusive, may have been issued; the next process starts above it. */
  readonly leasedTo: number
  /** Generated peer name, kept across restarts. */
  readonly name?: string
  /** No own gossip incarnation above it was used. */
  readonly incarnation?: number
  /** No stamp with a later physical part was told to anybody; absent before the first (stamp-bound.ts). */
  readonly stampBoundMs?: number
  /** Batches written when the store was last closed in order; absent while it is open or after a crash. */
  readonly closedAtBatch?: number
}

export type ActorFileReading =
  | { readonly kind: 'intact'; readonly record: ActorRecord }
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged'; readonly reason: string }
