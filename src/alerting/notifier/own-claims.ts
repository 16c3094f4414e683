/**
 * The claims of this member: asked for, held, renewed, lost, released.
 *
 * A claim is asked of every member that can be asked, and held when all of them have granted it. Who has not answered
 * after 200 ms is asked once more. After 1 s a suspected one is no longer waited for, after 3 s nobody is: a process that
 * is merely busy answers within that, and one that has died is suspected before. A denial by the holder itself counts at once;
 * one that names a third member waits for the answer of that member: if it grants, it has told us later news than it told
 * the denier.
 */
import type { Alarmed, Alarms } from './alarms.ts'
import { type ClaimEvents, LEASE_MS, RENEW_EVERY_MS, TRUST_MS } from './claim-events.ts'
import {
  type ClaimFrame,
  type DeniedFor,
  type DenyFrame,
  encodeClaimFrame,
  type GrantFrame,
  type ReleaseOutcome,
} from './claim-frames.ts'
import type { Notes } from './notes.ts'
import type { NotifierHost } from './notifier-host.ts'
import type { PeerClaims } from './peer-claims.ts'
import type { Roster } from './roster.ts'

const ASK_AGAIN_MS = 200
/** After which a suspected member is no longer waited for, and any. */
const FAIL_OPEN_SUSPECT_MS = 1000
const FAIL_OPEN_MS = 3000

export interface OwnClaimsParts {
  readonly host: NotifierHost
  readonly roster: Roster
  readonly alarms: Alarms
  readonly notes: Notes
  readonly peerClaims: PeerClaims
  readonly events: ClaimEvents
}

interface OwnClaim extends Alarmed {
  readonly work: string
  readonly seq: number
  readonly version: bigint | undefined
  readonly askedAtMs: number
  isHeld: boolean
  hasAskedAgain: boolean
  /** When it is to be seen who has not answered. */
  waitUntilMs: number
  /** From when on nobody is waited for. */
  failsOpenAtMs: number
  /** When it was asked for, or last told to all. */
  renewedAtMs: number
  /** Asked, and not waited for in vain yet. */
  readonly awaited: Set<string>
  readonly granted: Set<string>
  /** Waited for in vain. */
  readonly unheard: Set<string>
  /** By awaited members, each naming another awaited member. */
  readonly denials: Map<string, DeniedFor>
}

const NOBODY: ReadonlySet<string> = new Set()

export class OwnClaims {
  readonly #parts: OwnClaimsParts
  readonly #claims = new Map<string, OwnClaim>()
  #seq = 0

  constructor(parts: OwnClaimsParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#claims.size
  }

  get heldCount(): number {
    let count = 0
    for (const claim of this.#claims.values()) if (claim.isHeld) count++
    return count
  }

  /** Asked for or held. */
  get(work: string): { readonly seq: number; readonly isHeld: boolean } | undefined {
    return this.#claims.get(work)
  }

  /** Held, and others will have heard so lately. */
  isTrusted(work: string, nowMs: number): boolean {
    const claim = this.#claims.get(work)
    return claim?.isHeld === true && nowMs - claim.renewedAtMs <= TRUST_MS
  }

  /** Members without whose grant it is held. */
  unheard(work: string): ReadonlySet<string> {
    return this.#claims.get(work)?.unheard ?? NOBODY
  }

  /** Also in the place of one that cannot be relied on any more. With nobody to ask it is held in the same turn. */
  ask(work: string, version: bigint | undefined, nowMs: number): void {
    const { roster, alarms, notes } = this.#parts
    const before = this.#claims.get(work)
    if (before !== undefined) {
      notes.note('claims_lapsed', { work })
      alarms.set(before, undefined)
    }
    const claim: OwnClaim = {
      work,
      seq: ++this.#seq,
      version,
      askedAtMs: nowMs,
      isHeld: false,
      hasAskedAgain: false,
      waitUntilMs: nowMs + ASK_AGAIN_MS,
      failsOpenAtMs: nowMs + FAIL_OPEN_MS,
      renewedAtMs: nowMs,
      awaited: new Set(roster.askable().map(({ name }) => name)),
      granted: new Set(),
      unheard: new Set(),
      denials: new Map(),
      alarmMs: undefined,
      ring: (atMs) => this.#ring(claim, atMs),
    }
    this.#claims.set(work, claim)
    notes.count('asks')
    for (const name of claim.awaited) this.#sendAsk(claim, name)
    alarms.set(claim, claim.waitUntilMs)
    this.#judge(claim, nowMs)
  }

  /** Nothing, if there is none. @param notificationId of what was sent */
  release(
    work: string,
    outcome: ReleaseOutcome,
    sent: { readonly version?: bigint | undefined; readonly notificationId?: string } = {},
  ): void {
    const claim = this.#claims.get(work)
    if (claim === undefined) return
    this.#drop(claim)
    this.#parts.notes.count('releases')
    this.#tellAll({
      kind: 'release',
      ...this.#from(work),
      seq: claim.seq,
      outcome,
      version: sent.version,
      notificationId: sent.notificationId ?? '',
    })
  }

  /** Gives way to the claim of another, which has been put into its place. */
  yield(work: string, nowMs: number): void {
    const claim = this.#claims.get(work)
    if (claim !== undefined) this.#lose(claim, undefined, nowMs)
  }

  heardGrant({ sender, work, to }: GrantFrame, nowMs: number): void {
    const claim = this.#addressed(work, to)
    if (claim === undefined || !(claim.awaited.has(sender) || claim.unheard.has(sender))) {
      this.#parts.notes.count('grants_unasked')
      return
    }
    this.#granted(claim, sender)
    claim.unheard.delete(sender)
    for (const [denier, { holder }] of claim.denials) {
      if (holder !== sender) continue
      this.#parts.notes.count('denials_stale')
      this.#granted(claim, denier)
    }
    this.#judge(claim, nowMs)
  }

  heardDenial(frame: DenyFrame, nowMs: number): void {
    const { sender, work, to, deniedFor, newer } = frame
    const claim = this.#addressed(work, to)
    const isAsked = claim?.isHeld === true || claim?.awaited.has(sender) === true
    if (claim === undefined || !isAsked) {
      this.#parts.notes.count('denials_stale')
      return
    }
    if (newer !== undefined && !claim.isHeld && (claim.version === undefined || newer > claim.version)) {
      this.#parts.notes.note('newer_entries', { work, peer: sender })
      this.#lose(claim, newer, nowMs)
      if (frame.record !== undefined) this.#parts.host.join(frame.record)
    } else if (deniedFor !== undefined) this.#deniedFor(claim, sender, deniedFor, nowMs)
  }

  /** @param gone can no longer be asked @param come can be asked from now on */
  membersChanged(gone: readonly string[], come: readonly string[], nowMs: number): void {
    for (const claim of [...this.#claims.values()]) {
      for (const name of gone) this.#forget(claim, name)
      if (claim.isHeld) continue
      for (const name of come) {
        claim.awaited.add(name)
        this.#sendAsk(claim, name)
      }
      this.#judge(claim, nowMs)
    }
  }

  #forget(claim: OwnClaim, name: string): void {
    claim.awaited.delete(name)
    claim.granted.delete(name)
    claim.unheard.delete(name)
    claim.denials.delete(name)
    // Who denied for its sake has to be asked again.
    for (const [denier, { holder }] of claim.denials) {
      if (holder !== name) continue
      claim.denials.delete(denier)
      this.#sendAsk(claim, denier)
    }
  }

  #deniedFor(claim: OwnClaim, sender: string, deniedFor: DeniedFor, nowMs: number): void {
    const { roster, notes } = this.#parts
    const { holder } = deniedFor
    if (holder === roster.name || (holder !== sender && claim.granted.has(holder))) {
      notes.count('denials_stale')
      if (claim.isHeld) return
      this.#granted(claim, sender)
      this.#judge(claim, nowMs)
    } else if (roster.isGone(holder) || (claim.isHeld && !deniedFor.held)) {
      // The denier has yet to hear that it is dead, and is asked again; or that we hold what we asked for.
      notes.count('denials_stale')
    } else if (!claim.isHeld && holder !== sender && claim.awaited.has(holder)) {
      claim.denials.set(sender, deniedFor)
      this.#judge(claim, nowMs)
    } else this.#loseTo(claim, deniedFor, nowMs)
  }

  #granted(claim: OwnClaim, name: string): void {
    claim.awaited.delete(name)
    claim.denials.delete(name)
    claim.granted.add(name)
  }

  /** Held, lost, or still to be waited for. */
  #judge(claim: OwnClaim, nowMs: number): void {
    if (claim.isHeld || this.#claims.get(claim.work) !== claim) return
    if (claim.awaited.size > claim.denials.size) return
    const [denial] = claim.denials.values()
    if (denial !== undefined) this.#loseTo(claim, denial, nowMs)
    else if (nowMs - claim.askedAtMs > TRUST_MS) this.ask(claim.work, claim.version, nowMs)
    else {
      claim.isHeld = true
      this.#renew(claim, nowMs)
      this.#parts.events.held(claim.work, nowMs)
    }
  }

  #ring(claim: OwnClaim, nowMs: number): void {
    const { alarms } = this.#parts
    if (nowMs - claim.renewedAtMs > TRUST_MS) this.ask(claim.work, claim.version, nowMs)
    else if (claim.isHeld) this.#renew(claim, nowMs)
    else if (!claim.hasAskedAgain || nowMs - claim.waitUntilMs > ASK_AGAIN_MS) {
      // Late: we were stopped ourselves, and their answers may lie unread.
      for (const name of claim.awaited) this.#sendAsk(claim, name)
      claim.hasAskedAgain = true
      claim.failsOpenAtMs = nowMs + FAIL_OPEN_MS - ASK_AGAIN_MS
      claim.waitUntilMs = nowMs + FAIL_OPEN_SUSPECT_MS - ASK_AGAIN_MS
      alarms.set(claim, claim.waitUntilMs)
    } else {
      this.#failOpen(claim, nowMs)
      claim.waitUntilMs = nowMs + ASK_AGAIN_MS
      alarms.set(claim, claim.waitUntilMs)
      this.#judge(claim, nowMs)
    }
  }

  #failOpen(claim: OwnClaim, nowMs: number): void {
    const { roster, notes } = this.#parts
    for (const name of claim.awaited) {
      if (claim.denials.has(name) || (nowMs < claim.failsOpenAtMs && !roster.isSuspect(name))) continue
      claim.awaited.delete(name)
      claim.unheard.add(name)
      notes.note('failed_open', { work: claim.work, peer: name })
    }
  }

  #renew(claim: OwnClaim, nowMs: number): void {
    claim.renewedAtMs = nowMs
    for (const { name } of this.#parts.roster.askable()) this.#sendAsk(claim, name)
    this.#parts.alarms.set(claim, nowMs + RENEW_EVERY_MS)
  }

  #loseTo(claim: OwnClaim, { remainingMs, ...other }: DeniedFor, nowMs: number): void {
    const { work } = claim
    // Not less than a moment, or who denies without end would make us ask without end.
    const expiresAtMs = nowMs + Math.min(Math.max(remainingMs, ASK_AGAIN_MS), LEASE_MS)
    this.#parts.peerClaims.put({ ...other, work, expiresAtMs })
    this.#lose(claim, undefined, nowMs)
  }

  #lose(claim: OwnClaim, newer: bigint | undefined, nowMs: number): void {
    const { work, isHeld } = claim
    if (isHeld) this.#parts.notes.note('claims_lost', { work })
    else if (newer === undefined) this.#parts.notes.count('yielded')
    this.release(work, 'withdrawn')
    this.#parts.events.lost(work, newer, nowMs)
  }

  #drop(claim: OwnClaim): void {
    this.#claims.delete(claim.work)
    this.#parts.alarms.set(claim, undefined)
  }

  #addressed(work: string, to: { readonly boot: number; readonly seq: number }): OwnClaim | undefined {
    const claim = this.#claims.get(work)
    return claim?.seq === to.seq && to.boot === this.#parts.roster.boot ? claim : undefined
  }

  #sendAsk(claim: OwnClaim, to: string): void {
    const { seq, version, isHeld: held } = claim
    const frame = encodeClaimFrame({ kind: 'ask', ...this.#from(claim.work), seq, held, version })
    this.#parts.host.send(to, frame)
  }

  #tellAll(frame: ClaimFrame): void {
    const bytes = encodeClaimFrame(frame)
    for (const { name } of this.#parts.roster.askable()) this.#parts.host.send(name, bytes)
  }

  #from(work: string): { readonly sender: string; readonly boot: number; readonly work: string } {
    const { name, boot } = this.#parts.roster
    return { sender: name, boot, work }
  }
}
