/**
 * How lossy the network is, as far as a member can tell: from its own direct probes.
 *
 * A probe that is answered in time took two trips, and both arrived. One that is not, although its target then turns out
 * to be there (another member or a connection reached it), lost one of its two. So the share of answered probes is about
 * the square of the share of datagrams that arrive. A target that is dead or merely slow says nothing about the network,
 * nor does one that no datagram ever reaches (path-watch.ts).
 *
 * The estimate moves slowly, by a sixteenth of the difference each probe, which with a probe a second settles in half a
 * minute. It buys repetitions: with nothing lost none; in proportion up to a quarter lost, where the budget is doubled;
 * then no more, so that a congested network is not buried under what shall help it.
 *
 * Worked numbers: 10 % loss buys 40 % more sends, 30 % doubles them. With 50 members and 30 % loss, 8 sends a holder leave
 * 15 % of all updates to anti-entropy; 16 leave less than one in a thousand.
 */

const WEIGHT = 1 / 16
/** Below this nothing is bought: one lost probe in half a minute is no reason. */
export const LOSS_IGNORED = 0.02
/** From here on the budget is doubled. */
export const LOSS_DOUBLING = 0.25

export class LossEstimate {
  #lostProbes = 0

  /** @param lost whether a direct probe stayed unanswered although its target is there */
  observe(lost: boolean): void {
    this.#lostProbes += ((lost ? 1 : 0) - this.#lostProbes) * WEIGHT
  }

  /** Share of datagrams lost, one way. */
  get rate(): number {
    return 1 - Math.sqrt(1 - this.#lostProbes)
  }

  /** Sends that a message gets of which it would get `limit` in a network that loses nothing; at most twice as many. */
  budget(limit: number): number {
    const { rate } = this
    if (rate < LOSS_IGNORED) return limit
    return Math.ceil(limit * (1 + Math.min(1, rate / LOSS_DOUBLING)))
  }
}
