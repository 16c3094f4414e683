/** What each facade of an open store needs of it: the state to read, the way to write, the bounds. */
import type { Committer } from './committer.ts'
import type { ReplicaState } from './core/replica-state.ts'
import type { RecentRemovals } from './recent-removals.ts'
import type { StoreLimits } from './store-limits.ts'

export interface StoreParts {
  readonly state: ReplicaState
  readonly committer: Committer
  readonly limits: StoreLimits
  readonly removals: RecentRemovals
  readonly wallMs: () => number
  /** Values, set members and records held just now, expired or not. */
  readonly entries: () => number
}
