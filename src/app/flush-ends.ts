/** How a flush ends, and an attempt of it, other than by the notifier's rules. */
import type { FlushResult, SendOutcome } from '../alerting/core/flush.ts'
import { errorText } from './error-text.ts'

export const CLOSED: FlushResult = {
  outcome: 'failed',
  reason: 'closed',
  detail: 'this replica is closing',
}

/** Notifications are the business of those who stay: with nobody to ask, each would be sent twice. */
export const LEFT: FlushResult = {
  outcome: 'failed',
  reason: 'left',
  detail: 'this replica has left the cluster; others notify',
}

export async function outcomeOf(sending: Promise<SendOutcome>): Promise<SendOutcome> {
  try {
    return await sending
  } catch (error) {
    return { ok: false, retry: true, detail: errorText(error) }
  }
}

/** There is no other attempt after it. */
export function lastOutcome(outcome: SendOutcome): SendOutcome {
  return outcome.ok ? outcome : { ...outcome, retry: false }
}
