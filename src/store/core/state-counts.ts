/** What a replica's state counts, for status and metrics. Asking costs next to nothing. */
export interface StateCounts {
  /** Entries with a value, not expired. */
  readonly values: number
  readonly tombstones: number
  /** Expired values of which only dot, stamp and deadline are left. */
  readonly husks: number
  /** Since when the oldest tombstone or husk is one. */
  readonly oldestTombstoneMs: number | undefined
  /** Tombstones and husks that went, since the start. */
  readonly collected: number
  /** Of those, the ones that went before their time for want of room. */
  readonly earlyCollected: number
  readonly setMembers: number
  readonly records: number
  readonly contextActors: number
  readonly contextHoles: number
  /** Deltas refused for dots out of bounds. */
  readonly refusedDeltas: number
  /** Dots claimed for two set elements. */
  readonly dotCollisions: number
  /** Puts from the future that wait until they are due. */
  readonly parked: number
  /** Of such puts, the ones refused for want of room, since the start. */
  readonly parkedRefused: number
}
