import { describe, expect, it } from 'vitest'
import { notifierStatus } from '../../../src/app/notifier-status.ts'

describe('the notifier in the status', () => {
  it('is sorted by kind, and every key is in camel case', () => {
    const status = notifierStatus({
      contenders: 3,
      claims_own: 2,
      claims_own_held: 1,
      claims_peers: 4,
      alarms: 9,
      attempts_failed: 5,
      'flushes_skipped_already-notified': 6,
      flushes_sent_first: 7,
      'claims_newer-entry': 8,
      claims_lost: 1,
      denials_stale: 2,
    })
    expect(status).toEqual({
      running: 3,
      claims: { held: 1, asked: 1, ofOthers: 4 },
      attempts: { ok: 0, failed: 5 },
      flushes: { sent: { first: 7 }, skipped: { alreadyNotified: 6 }, failed: {} },
      claimRequests: { newerEntry: 8 },
      events: { claimsLost: 1, denialsStale: 2 },
    })
  })
})
