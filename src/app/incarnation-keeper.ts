/**
 * Keeps the own gossip incarnation on disk ahead of its use, so that the next start is above everything ever said of us.
 *
 * Without it a restarted replica begins at 1 again, and peers that know a higher one take it for an old message until
 * somebody tells it. Incarnations are reserved in blocks of 100, as dots are: one small fsync for a hundred refutations,
 * however fast somebody accuses us. A start skips what is left of a block, of 4 billion.
 *
 * A failed write is reported and tried again with the next incarnation; gossip does not wait for the disk.
 */
import type { PeerIdentity } from '../store/state-store.ts'

export const INCARNATION_BLOCK = 100

export class IncarnationKeeper {
  readonly #identity: PeerIdentity
  readonly #failed: (error: unknown) => void
  #reserved: number
  #saving: Promise<void> = Promise.resolve()

  /** @param failed hears why a write failed; never called after `idle` resolved on a stopped gossip */
  constructor(identity: PeerIdentity, failed: (error: unknown) => void) {
    this.#identity = identity
    this.#failed = failed
    this.#reserved = identity.incarnation ?? 0
  }

  /** An own incarnation is about to be told to others. */
  used(incarnation: number): void {
    if (incarnation <= this.#reserved) return
    const reserved = incarnation + INCARNATION_BLOCK - 1
    this.#reserved = reserved
    this.#saving = this.#identity.remember({ incarnation: reserved }).catch((error: unknown) => {
      // The next one asks anew, unless a later block was reserved meanwhile.
      if (this.#reserved === reserved) this.#reserved = incarnation
      this.#failed(error)
    })
  }

  /** Resolves when the last write has ended; the store must stay open until then. */
  idle(): Promise<void> {
    return this.#saving
  }
}
