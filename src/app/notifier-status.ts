/** The notifier as `/api/v1/status` shows it: its counters and gauges, sorted into kinds and named alike. */

type Counts = Readonly<Record<string, number>>

export interface NotifierStatus {
  /** Flushes and claims of others that are not over. */
  readonly running: number
  /** Claims of now: held here, asked for and not held yet, and of others as far as known. */
  readonly claims: { readonly held: number; readonly asked: number; readonly ofOthers: number }
  readonly attempts: { readonly ok: number; readonly failed: number }
  /** Flushes that are over, by reason. */
  readonly flushes: { readonly sent: Counts; readonly skipped: Counts; readonly failed: Counts }
  /** Claims that were asked for over HTTP and are settled, by outcome. */
  readonly claimRequests: Counts
  /** docs/reference/notifications.md explains them, under the names that the metric has. */
  readonly events: Counts
}

const FLUSH_STAT = /^flushes_(sent|skipped|failed)_(.+)$/
const CLAIM_STAT = /^claims_(held|denied|newer-entry|timeout|closed|left|overloaded)$/
/** Gauges, and what has a field of its own. */
const NO_EVENTS: ReadonlySet<string> = new Set([
  'contenders',
  'claims_own',
  'claims_own_held',
  'claims_peers',
  'alarms',
  'attempts_ok',
  'attempts_failed',
  'decisions_by_entry',
  'decisions_without_entry',
])

/** @param stats of the driver */
export function notifierStatus(stats: Counts): NotifierStatus {
  const { contenders = 0, claims_own: own = 0, claims_own_held: held = 0, claims_peers: ofOthers = 0 } = stats
  const { attempts_ok: ok = 0, attempts_failed: failed = 0 } = stats
  const flushes: Record<'sent' | 'skipped' | 'failed', Record<string, number>> = {
    sent: {},
    skipped: {},
    failed: {},
  }
  const claimRequests: Record<string, number> = {}
  const events: Record<string, number> = {}
  for (const [name, value] of Object.entries(stats)) {
    const [, outcome, reason = ''] = FLUSH_STAT.exec(name) ?? []
    const [, claim] = CLAIM_STAT.exec(name) ?? []
    if (outcome === 'sent' || outcome === 'skipped' || outcome === 'failed') {
      flushes[outcome][camelCase(reason)] = value
    } else if (claim !== undefined) claimRequests[camelCase(claim)] = value
    else if (!NO_EVENTS.has(name)) events[camelCase(name)] = value
  }
  const claims = { held, asked: own - held, ofOthers }
  return { running: contenders, claims, attempts: { ok, failed }, flushes, claimRequests, events }
}

function camelCase(name: string): string {
  return name.replace(/[_-]+(\w)/g, (_, letter: string) => letter.toUpperCase())
}
