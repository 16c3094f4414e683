/**
 * Front-loading: spending a message's sends in milliseconds instead of ticks.
 *
 * Every holder may send a message so many times (scaling.ts). memberlist spreads these sends over its ticks of 200 ms, so
 * that news needs as many ticks as it needs hops. Spent early, the same sends reach the same number of members at the
 * speed of the network: four peers at once, four others 5 ms later, four more after 10 ms, what is left on ticks. The
 * pauses are there because loss comes in clusters: what drowned one wave has passed before the next.
 *
 * Worked numbers, from the simulator (1 ms one way, nothing lost): 10 members have 8 sends each, and all have a message
 * after 2 ms; 1,000 members have 16, and the last one has it after 8 ms. On ticks that took 0.3 and 0.9 s.
 *
 * Membership keeps one round for the tick, because ticks also tell the dead what is said of them, so that they can object.
 *
 * Waves are for few messages. A backlog of more than some packets waits for its ticks: what a busy receiver dropped it
 * would drop again 5 ms later.
 */

/** Peers that a flush or a wave reaches. */
export const WAVE_PEERS = 4
/** Counting what leaves at once. */
export const WAVES_MAX = 3
export const WAVE_SPACING_MS = 5
/** Packets' worth of messages above which no wave repeats them. */
export const WAVE_PACKETS_MAX = 8

/** Sends of one membership message before its first tick, of `limit` in all. */
export function membershipSendsBeforeTick(limit: number, tickPeers: number): number {
  return Math.max(Math.min(limit, tickPeers), limit - tickPeers)
}

/** A message sent fewer times than this is due for another wave. `limit` are the sends before the first tick. */
export function sendsInWaves(limit: number): number {
  return Math.min(limit, WAVES_MAX * WAVE_PEERS)
}
