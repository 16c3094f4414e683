/**
 * What this member answers to the claims of others, and when it regards one as over.
 *
 * An ask is denied to who decided on an older log entry than ours; to who comes against a claim that is held; and, of two
 * that ask at once, to the worse lot. A claim of our own that has the worse of it yields.
 */
import { isBetterLot } from '../../base/rendezvous.ts'
import { type ClaimEvents, LEASE_MS } from './claim-events.ts'
import { type AskFrame, type DeniedFor, encodeClaimFrame, type ReleaseFrame } from './claim-frames.ts'
import type { Notes } from './notes.ts'
import type { NotifierHost } from './notifier-host.ts'
import type { OwnClaims } from './own-claims.ts'
import type { PeerClaims } from './peer-claims.ts'
import type { Roster } from './roster.ts'

export interface ClaimAnswersParts {
  readonly host: NotifierHost
  readonly roster: Roster
  readonly notes: Notes
  readonly ownClaims: OwnClaims
  readonly peerClaims: PeerClaims
  readonly events: ClaimEvents
}

export class ClaimAnswers {
  readonly #parts: ClaimAnswersParts

  constructor(parts: ClaimAnswersParts) {
    this.#parts = parts
  }

  heardAsk(ask: AskFrame, nowMs: number): void {
    const { roster, notes, ownClaims, peerClaims } = this.#parts
    const { work, sender, held } = ask
    if (peerClaims.isStale(work, sender, ask)) {
      notes.count('asks_stale')
      return
    }
    if (!held && this.#deniedByLog(ask)) return
    const own = ownClaims.get(work)
    if (own !== undefined && !beats(ask, { work, holder: roster.name, held: own.isHeld })) {
      this.#deny(ask, this.#ownDenial(own))
      return
    }
    const other = peerClaims.get(work)
    if (own === undefined && other !== undefined && other.holder !== sender && !beats(ask, other)) {
      this.#deny(ask, { ...other, remainingMs: Math.ceil(Math.max(0, other.expiresAtMs - nowMs)) })
      return
    }
    const isSame = other?.holder === sender && other.boot === ask.boot && other.seq === ask.seq
    const claim = {
      work,
      holder: sender,
      boot: ask.boot,
      seq: ask.seq,
      // The question may come once more after the news that it has been answered.
      held: held || (isSame && other.held),
      expiresAtMs: nowMs + LEASE_MS,
    }
    if (!peerClaims.put(claim)) notes.note('overflows', { work, peer: sender })
    if (own !== undefined) ownClaims.yield(work, nowMs)
    if (!held) this.#grant(ask)
  }

  heardRelease(frame: ReleaseFrame, nowMs: number): void {
    const { work, sender: holder, outcome, version, notificationId } = frame
    if (!this.#parts.peerClaims.end(work, holder, frame, nowMs)) return
    this.#parts.events.freed(work, { holder, outcome, version, notificationId }, nowMs)
  }

  /** Ends what a member held. @param exceptBoot of the process of its name that lives; undefined when none does */
  gone(holder: string, exceptBoot: number | undefined, nowMs: number): void {
    for (const { work } of this.#parts.peerClaims.endAll(holder, exceptBoot)) {
      this.#parts.events.freed(work, { holder, outcome: 'gone' }, nowMs)
    }
  }

  #deniedByLog(ask: AskFrame): boolean {
    const newer = this.#parts.host.entry(ask.work)?.timestampNs
    if (newer === undefined || (ask.version !== undefined && newer <= ask.version)) return false
    this.#deny(ask, undefined, newer)
    return true
  }

  #ownDenial({ seq, isHeld: held }: { readonly seq: number; readonly isHeld: boolean }): DeniedFor {
    const { name, boot } = this.#parts.roster
    return { holder: name, boot, seq, held, remainingMs: LEASE_MS }
  }

  #grant({ sender, boot, seq, work }: AskFrame): void {
    const { host, roster, notes } = this.#parts
    notes.count('grants')
    const to = { boot, seq }
    host.send(sender, encodeClaimFrame({ kind: 'grant', sender: roster.name, boot: roster.boot, work, to }))
  }

  #deny({ sender, boot, seq, work }: AskFrame, deniedFor: DeniedFor | undefined, newer?: bigint): void {
    const { host, roster, notes } = this.#parts
    notes.count('denials')
    const record = newer === undefined ? undefined : host.record(work)
    const from = { sender: roster.name, boot: roster.boot, work }
    const to = { boot, seq }
    host.send(sender, encodeClaimFrame({ kind: 'deny', ...from, to, deniedFor, newer, record }))
  }
}

/** Whether the asker's claim goes before another one of the same work. */
function beats(
  ask: AskFrame,
  other: { readonly work: string; readonly holder: string; readonly held: boolean },
): boolean {
  if (ask.held !== other.held) return ask.held
  return isBetterLot(ask.work, ask.sender, other.holder)
}
