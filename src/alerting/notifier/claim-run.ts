/**
 * A claim by itself, for a sender outside this process: it takes its turn like a flush, and then lasts as long as its
 * lease is renewed, but not for more than an hour: who renews it from a thread of its own while its send is stuck would
 * keep all replicas silent for ever. Whoever asked for it has decided by the log entry of that moment; a newer one ends the
 * wait.
 */
import { Contender, type ContenderNeeds, type ContenderParts } from './contender.ts'
import type { ClaimResult } from './notifier-host.ts'

const HELD_MS_MAX = 3_600_000

export class ClaimRun extends Contender {
  readonly #leaseMs: number
  /** Of the log entry at its start. */
  readonly #decidedOn: bigint | undefined
  #leaseUntilMs: number | undefined
  #heldUntilMs = 0

  constructor(parts: ContenderParts, needs: ContenderNeeds, leaseMs: number) {
    super(parts, needs)
    this.#leaseMs = leaseMs
    this.#decidedOn = parts.host.entry(needs.work)?.timestampNs
  }

  renew(leaseMs: number, nowMs: number): boolean {
    if (this.isOver || this.#leaseUntilMs === undefined || nowMs >= this.#leaseUntilMs) return false
    if (nowMs + leaseMs > this.#heldUntilMs) {
      this.#lose(nowMs)
      return false
    }
    this.#lease(leaseMs, nowMs)
    return true
  }

  release(failed: boolean, nowMs: number): void {
    if (this.isOver) return
    if (this.#leaseUntilMs === undefined) this.close(nowMs)
    else this.#give(failed ? 'failed' : 'sent', nowMs)
  }

  close(nowMs: number): void {
    if (this.isOver) return
    if (this.#leaseUntilMs !== undefined) this.#give('failed', nowMs)
    else this.#refuse({ held: false, holder: undefined, reason: 'closed' }, nowMs)
  }

  protected override review(nowMs: number): boolean {
    const version = this.parts.host.entry(this.work)?.timestampNs
    if (version === undefined || (this.#decidedOn !== undefined && version <= this.#decidedOn)) return true
    this.#refuse({ held: false, holder: undefined, reason: 'newer-entry' }, nowMs)
    return false
  }

  protected override proceed(nowMs: number): void {
    this.isBusy = true
    this.#heldUntilMs = nowMs + HELD_MS_MAX
    this.#lease(this.#leaseMs, nowMs)
    this.parts.notes.count('claims_held')
    this.parts.host.claimed(this.id, { held: true })
  }

  protected override lostWhileBusy(nowMs: number): void {
    this.end(nowMs)
    this.parts.host.claimLost(this.id)
  }

  protected override ringWhileBusy(nowMs: number): void {
    this.#lose(nowMs)
  }

  protected override expire(nowMs: number): void {
    const holder = this.parts.peerClaims.get(this.work)?.holder
    this.#refuse({ held: false, holder, reason: holder === undefined ? 'timeout' : 'denied' }, nowMs)
  }

  protected override sentElsewhere(): boolean {
    return false
  }

  #lease(leaseMs: number, nowMs: number): void {
    this.#leaseUntilMs = nowMs + leaseMs
    this.parts.alarms.set(this, this.#leaseUntilMs)
  }

  #give(outcome: 'sent' | 'failed', nowMs: number): void {
    const version = outcome === 'sent' ? this.parts.host.entry(this.work)?.timestampNs : undefined
    this.giveUp(outcome, { version })
    this.end(nowMs)
  }

  #lose(nowMs: number): void {
    this.#give('failed', nowMs)
    this.parts.host.claimLost(this.id)
  }

  #refuse(result: ClaimResult & { readonly held: false }, nowMs: number): void {
    this.giveUp('withdrawn')
    this.end(nowMs)
    this.parts.notes.count(`claims_${result.reason}`)
    this.parts.host.claimed(this.id, result)
  }
}
