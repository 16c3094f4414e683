/**
 * Sees by probe acks that a peer holds something else than we do, and asks for one exchange with it.
 *
 * Roots of replicas that are being written to differ all the time, by what is on its way. A difference that stands still is
 * another matter: the same two roots on two acks in a row, about a second apart, mean that something was missed. Where
 * writes never stop, ten differing acks in a row are reason enough. So what gossip missed is found in 2 s instead of the
 * 11 s that an exchange every 30 s takes on average (peers.md section 4), and a peer is asked at most once in 10 s.
 */
import { compareBytes } from '../../base/bytes.ts'

const STILL_ACKS = 2
const DIFFERING_ACKS = 10
export const REPAIR_INTERVAL_MS = 10_000

interface PeerDifference {
  ours: Uint8Array
  theirs: Uint8Array
  /** Acks in a row that showed exactly these two roots. */
  still: number
  /** Acks in a row that showed any two different ones. */
  differing: number
  askedAtMs: number | undefined
}

export class DivergenceWatch {
  readonly #peers = new Map<string, PeerDifference>()

  /** @returns whether an exchange with the peer is due */
  ack(peer: string, ours: Uint8Array, theirs: Uint8Array, nowMs: number): boolean {
    const known = this.#peers.get(peer)
    if (compareBytes(ours, theirs) === 0) {
      if (known !== undefined) known.still = known.differing = 0
      return false
    }
    const difference = known ?? { ours, theirs, still: 0, differing: 0, askedAtMs: undefined }
    this.#peers.set(peer, difference)
    const stands = compareBytes(difference.ours, ours) === 0 && compareBytes(difference.theirs, theirs) === 0
    difference.still = stands ? difference.still + 1 : 1
    difference.differing++
    difference.ours = ours
    difference.theirs = theirs
    if (difference.still < STILL_ACKS && difference.differing < DIFFERING_ACKS) return false
    if (difference.askedAtMs !== undefined && nowMs - difference.askedAtMs < REPAIR_INTERVAL_MS) return false
    difference.askedAtMs = nowMs
    difference.still = difference.differing = 0
    return true
  }

  forget(peer: string): void {
    this.#peers.delete(peer)
  }
}
