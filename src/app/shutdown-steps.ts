/**
 * The order in which a replica stops, as data.
 *
 * Whoever sends requests is told before anything is taken away: readiness says no, then load balancers get their time,
 * and only then is nobody let in any more. Streams have no end of their own, so they are ended; requests have, so they
 * are waited for. Peers hear the leave while the store is open, for some still ask. The store comes after all who write
 * to it. Connections that outlived their budget are cut last: they may still be answered that the store is closed.
 *
 * Budgets are shares of what there is, so that a short cap leaves something for each step: a fifth for notifications that
 * are being sent, two fifths for requests, a fifth for the leave, and what remains is the store's.
 */
import type { ShutdownStep } from './shutdown.ts'

export interface StoppableReplica {
  /** From here on `/-/ready` says no, and nothing else changes. */
  drain(): void
  /** Ends watches and the like; each hears that it is over. */
  endStreams(): void
  /** Resolves when no notification is being sent, and claims are given up. */
  finishSends(): Promise<void>
  /** Resolves when peers have been told, as far as they can be. */
  leave(): Promise<void>
  /** Closes gossip and then the store. */
  shut(): Promise<void>
}

export interface StoppableWeb {
  /** Takes no new connections; those there are get no further request after the next. */
  stopAccepting(): void
  /** Resolves when every request has been answered and every connection closed. */
  finish(): Promise<void>
  /** Cuts what is left. */
  close(): Promise<void>
}

export interface ShutdownPlan {
  readonly replica: StoppableReplica
  readonly web?: StoppableWeb | undefined
  /** Closes what is left: files that are followed, say. */
  readonly rest?: () => Promise<void>
  /** Resolves after the drain delay. */
  readonly drainDelay?: () => Promise<void>
  /** For all but the drain delay. Default: as long as it takes. */
  readonly timeoutMs?: number
}

const SENDS_SHARE = 0.2
const REQUESTS_SHARE = 0.4
const LEAVE_SHARE = 0.2

export function shutdownSteps(plan: ShutdownPlan): readonly ShutdownStep[] {
  const { replica, web, rest, drainDelay, timeoutMs = Number.POSITIVE_INFINITY } = plan
  const step = (name: string, run: () => unknown, share = Number.POSITIVE_INFINITY): ShutdownStep => {
    return { name, budgetMs: share * timeoutMs, run }
  }
  return [
    step('not-ready', () => replica.drain()),
    ...(drainDelay === undefined ? [] : [step('drain-delay', drainDelay)]),
    ...(web === undefined ? [] : [step('stop-accepting', () => web.stopAccepting())]),
    step('end-streams', () => replica.endStreams()),
    step('finish-sends', () => replica.finishSends(), SENDS_SHARE),
    ...(web === undefined ? [] : [step('finish-requests', () => web.finish(), REQUESTS_SHARE)]),
    step('leave', () => replica.leave(), LEAVE_SHARE),
    step('close-store', () => replica.shut()),
    step('close-rest', () => Promise.all([web?.close(), rest?.()])),
  ]
}
