/**
 * Sequence numbers of pings, relayed ones included: drawn at random from all 32 bits.
 *
 * An ack is matched by its number alone, since it may come through a helper. memberlist counts 1, 2, 3, so whoever can
 * send us a datagram can guess the number and keep a dead member alive; of a random one only those know who saw the ping.
 * Two numbers in use at once are equal about once in four billion pings; that costs one probe its answer.
 */
import type { Random } from '../../base/random.ts'

const NUMBERS = 0xffff_ffff

export class Sequence {
  readonly #random: Random

  /** @param random unpredictable for other members, who see some of our numbers */
  constructor(random: Random) {
    this.#random = random
  }

  /** From 1 on: 0 is what an empty message says. */
  next(): number {
    return 1 + this.#random.below(NUMBERS)
  }
}
