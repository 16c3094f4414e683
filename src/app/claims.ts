/**
 * Claims of senders outside this process: what `/api/v1/claims` hands out.
 *
 * A claim is known by a random id, so that one of an earlier life of this replica, or of another client, is not met by
 * counting. At most 10,000 are held or waited for at once; each ends with its lease at the latest.
 */
import { randomUUID } from 'node:crypto'
import { notificationKey } from '../alerting/core/receiver.ts'
import type { ClaimRequest } from '../alerting/notifier/notifier.ts'
import type { Clock } from '../base/clock.ts'
import { HearsayError } from '../base/errors.ts'
import type { ClaimOutcome, Claims, HeldClaim } from '../http/facades.ts'
import type { NotifierDriver } from './notifier-driver.ts'

export const CLAIMS_MAX = 10_000

export interface ReplicaClaimsDeps {
  readonly driver: Pick<NotifierDriver, 'claim' | 'renew' | 'release' | 'onLost'>
  readonly clock: Clock
  /** Default 10,000. */
  readonly claimsMax?: number
}

interface Held {
  readonly claimId: number
  readonly key: string
  /** Monotonic; a claim is gone by then, whoever has heard of it. */
  expiresAtMs: number
}

export class ReplicaClaims implements Claims {
  readonly #deps: ReplicaClaimsDeps
  readonly #held = new Map<string, Held>()
  readonly #idOf = new Map<number, string>()
  #waiting = 0

  constructor(deps: ReplicaClaimsDeps) {
    this.#deps = deps
    deps.driver.onLost((claimId) => this.#forget(claimId))
  }

  async claim(request: ClaimRequest): Promise<ClaimOutcome> {
    const { driver, claimsMax = CLAIMS_MAX } = this.#deps
    if (this.#held.size + this.#waiting >= claimsMax) this.#forgetExpired()
    if (this.#held.size + this.#waiting >= claimsMax) {
      throw new HearsayError('CLAIMS_MAX', `${claimsMax} claims are held or waited for through this replica`)
    }
    this.#waiting++
    try {
      const { claimId, result } = await driver.claim(request)
      if (!result.held) return result
      const id = randomUUID()
      const key = notificationKey(request.groupKey, request.receiver)
      const held = { claimId, key, expiresAtMs: 0 }
      this.#held.set(id, held)
      this.#idOf.set(claimId, id)
      return { held: true, claim: this.#prolonged(id, held, request.leaseMs) }
    } finally {
      this.#waiting--
    }
  }

  renew(id: string, leaseMs: number): HeldClaim | undefined {
    const held = this.#held.get(id)
    if (held === undefined) return undefined
    if (this.#deps.driver.renew(held.claimId, leaseMs)) return this.#prolonged(id, held, leaseMs)
    this.#forget(held.claimId)
    return undefined
  }

  release(id: string, failed: boolean): boolean {
    const held = this.#held.get(id)
    if (held === undefined) return false
    this.#forget(held.claimId)
    this.#deps.driver.release(held.claimId, failed)
    return true
  }

  #prolonged(id: string, held: Held, leaseMs: number): HeldClaim {
    const { clock } = this.#deps
    held.expiresAtMs = clock.monotonicMs() + leaseMs
    return { id, key: held.key, expiresAtMs: clock.wallMs() + leaseMs }
  }

  #forget(claimId: number): void {
    const id = this.#idOf.get(claimId)
    this.#idOf.delete(claimId)
    if (id !== undefined) this.#held.delete(id)
  }

  /** Claims that were lost before this class knew of them. */
  #forgetExpired(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    for (const { claimId, expiresAtMs } of [...this.#held.values()]) {
      if (expiresAtMs <= nowMs) this.#forget(claimId)
    }
  }
}
