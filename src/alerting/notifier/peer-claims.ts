/**
 * The claims of others, as far as this member has granted or been told of them: one for each work.
 *
 * One that is over leaves a mark for 2 s, so that an ask that was overtaken by its own release is not granted for the
 * length of a lease. At most 10,000 are kept; what is granted beyond that is not kept in mind, so that a second asker is
 * denied by the holder alone.
 */
import type { Alarmed, Alarms } from './alarms.ts'
import type { ClaimIdentity } from './claim-frames.ts'

export const PEER_CLAIMS_MAX = 10_000
const MARK_MS = 2000

export interface PeerClaim extends ClaimIdentity {
  readonly work: string
  readonly holder: string
  /** Granted by all, as it said; otherwise it is still asking. */
  readonly held: boolean
  readonly expiresAtMs: number
}

interface Kept extends Alarmed {
  claim: PeerClaim
  isOver: boolean
}

export class PeerClaims {
  readonly #alarms: Alarms
  readonly #expired: (claim: PeerClaim, nowMs: number) => void
  readonly #kept = new Map<string, Kept>()

  /** @param expired hears of each that ran out, after it is gone from here */
  constructor(alarms: Alarms, expired: (claim: PeerClaim, nowMs: number) => void) {
    this.#alarms = alarms
    this.#expired = expired
  }

  /** Marks of claims that are over included. */
  get size(): number {
    return this.#kept.size
  }

  get(work: string): PeerClaim | undefined {
    const kept = this.#kept.get(work)
    return kept === undefined || kept.isOver ? undefined : kept.claim
  }

  /** Whether the holder is known to have gone on from this claim. */
  isStale(work: string, holder: string, { boot, seq }: ClaimIdentity): boolean {
    const kept = this.#kept.get(work)
    if (kept === undefined || kept.claim.holder !== holder || kept.claim.boot !== boot) return false
    return kept.isOver ? seq <= kept.claim.seq : seq < kept.claim.seq
  }

  /** Takes the place of any other of the work. @returns false when there is no room */
  put(claim: PeerClaim): boolean {
    const before = this.#kept.get(claim.work)
    if (before === undefined && this.#kept.size >= PEER_CLAIMS_MAX) return false
    if (before !== undefined) this.#alarms.set(before, undefined)
    this.#keep(claim, false, claim.expiresAtMs)
    return true
  }

  /** @returns whether there was one to end: of this holder and process, and not a later one */
  end(work: string, holder: string, { boot, seq }: ClaimIdentity, nowMs: number): boolean {
    const kept = this.#kept.get(work)
    if (kept !== undefined && (kept.claim.holder !== holder || kept.claim.boot !== boot)) {
      if (!kept.isOver) return false
    } else if (kept !== undefined && seq < kept.claim.seq) return false
    if (kept === undefined && this.#kept.size >= PEER_CLAIMS_MAX) return false
    const wasOne = kept !== undefined && !kept.isOver
    if (kept !== undefined) this.#alarms.set(kept, undefined)
    this.#keep({ work, holder, boot, seq, held: false, expiresAtMs: nowMs }, true, nowMs + MARK_MS)
    return wasOne
  }

  /** Ends those of a member that is gone. @param exceptBoot of the process that is still there */
  endAll(holder: string, exceptBoot: number | undefined): PeerClaim[] {
    const ended: PeerClaim[] = []
    for (const [work, kept] of this.#kept) {
      if (kept.claim.holder !== holder || kept.claim.boot === exceptBoot) continue
      this.#alarms.set(kept, undefined)
      this.#kept.delete(work)
      if (!kept.isOver) ended.push(kept.claim)
    }
    return ended
  }

  #keep(claim: PeerClaim, isOver: boolean, untilMs: number): void {
    const kept: Kept = { claim, isOver, alarmMs: undefined, ring: (nowMs) => this.#ring(kept, nowMs) }
    this.#kept.set(claim.work, kept)
    this.#alarms.set(kept, untilMs)
  }

  #ring({ claim, isOver }: Kept, nowMs: number): void {
    this.#kept.delete(claim.work)
    if (!isOver) this.#expired(claim, nowMs)
  }
}
