/**
 * How effort grows with the size of the cluster: logarithmically, so that a tenfold cluster pays one step more.
 *
 * Worked numbers: a message is retransmitted 4 times by each of up to 9 members, 8 times from 10 to 99. Full-state
 * exchanges keep their interval up to 32 members, double it to 64, triple it to 128. (memberlist-wire.md 6 and 7.1.)
 */

/** Transmissions each holder spends on one message. `memberCount` includes self; 0 members give 0. */
export function retransmitLimit(mult: number, memberCount: number): number {
  return mult * Math.ceil(Math.log10(memberCount + 1))
}

const PUSH_PULL_SCALE_FROM = 32

/** Interval between full-state exchanges of one member. */
export function pushPullScaleMs(intervalMs: number, memberCount: number): number {
  if (memberCount <= PUSH_PULL_SCALE_FROM) return intervalMs
  return intervalMs * (Math.ceil(Math.log2(memberCount) - Math.log2(PUSH_PULL_SCALE_FROM)) + 1)
}
