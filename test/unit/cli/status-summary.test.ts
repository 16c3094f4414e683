import { expect, it } from 'vitest'
import { type StatusAnswer, statusSummary } from '../../../src/cli/status-summary.ts'

const STARTED = '2026-11-21T12:00:00.000Z'
const NOW_MS = Date.parse(STARTED)
const HEALTHY: StatusAnswer = {
  name: 'a',
  version: '0.1.0',
  startedAt: STARTED,
  ready: true,
  reasons: [],
  left: false,
  settled: true,
  lag: { members: 0, ms: 0 },
  lost: 0,
  warnings: [],
  clock: { worstOffsetMs: -12 },
  gossip: {
    address: '10.0.0.1:9094',
    encryption: { state: 'off' },
    machine: { healthScore: 0, members: { alive: 3, suspect: 0, dead: 0, left: 0 } },
  },
  store: {
    entries: 5,
    setMembers: 2,
    tombstones: 1,
    parked: 0,
    batches: 7,
    lastBatchMs: 1.5309,
    writeErrors: 0,
  },
  silences: { active: 2, pending: 0, expired: 1 },
  disk: { freeBytes: 2 * 1024 ** 3, bytes: 4 * 1024 ** 3 },
  watches: { waiting: 1 },
}

it('a healthy replica is a dozen lines, in units of people', () => {
  expect(statusSummary(HEALTHY, NOW_MS + 11_520_000).split('\n')).toEqual([
    'replica   a, hearsay 0.1.0',
    'up        3 h 12 min, since 2026-11-21T12:00:00.000Z',
    'state     ready',
    'members   3 alive, 0 suspect, 0 lost',
    'data      settled, all hold the same',
    'gossip    10.0.0.1:9094, plaintext',
    "clock     12 ms at most from a member's",
    'store     5 entries, 2 set members, 2 active silences',
    'writes    taken, the last sync took 1.5 ms',
    'disk      2.0 of 4.0 GiB free',
    'watches   1 waiting',
  ])
})

it('what is wrong is said in the line of what it is wrong with, and warnings come last', () => {
  const ill: StatusAnswer = {
    ...HEALTHY,
    ready: false,
    reasons: ['settling: waits for b\u001b[31m'],
    left: true,
    settled: false,
    lag: { members: 1, ms: 3210 },
    lost: 1,
    warnings: ['one', 'two'],
    clock: { refusing: 'the clock is an hour ahead' },
    gossip: {
      address: '10.0.0.1:9094',
      encryption: { state: 'on', keys: 1, verifyIncoming: false },
      machine: { healthScore: 2, members: { alive: 1, suspect: 1, dead: 1 } },
    },
    store: {
      entries: 0,
      setMembers: 0,
      tombstones: 0,
      parked: 4,
      batches: 0,
      lastBatchMs: 0,
      writeErrors: 1,
      refusing: 'the disk is full',
      awaitingPeers: 'it has lost something',
    },
    disk: { freeBytes: 1, bytes: 4 * 1024 ** 3 },
    http: { tls: 'on', users: 2 },
    quarantinedSilences: { count: 3 },
  }
  const marked = statusSummary(ill, NOW_MS + 90_061_000, (tone, text) => `<${tone}>${text}`)
  expect(marked.split('\n').slice(1)).toEqual([
    'up        1 d 1 h, since 2026-11-21T12:00:00.000Z',
    'state     <bad>not ready: it has left its cluster (hearsay cluster join); settling: waits for b\\u001b[31m',
    'members   <bad>1 alive, 1 suspect, 2 lost, health score 2 (0 is healthy)',
    'data      settling, 1 differ for 3.2 s',
    'gossip    10.0.0.1:9094, encrypted (1 key, takes plaintext)',
    'clock     <bad>the clock is an hour ahead',
    'store     0 entries, 0 set members, 2 active silences, 3 silences held back, 4 from the future',
    'writes    <bad>refused: the disk is full',
    'waiting   <bad>it has lost something',
    'disk      <bad>0.0 of 4.0 GiB free',
    'watches   1 waiting',
    'http      TLS on, 2 users',
    'warning   <doubtful>one',
    'warning   <doubtful>two',
  ])
})

it('an answer of another release that leaves things out is shown as far as it goes', () => {
  expect(statusSummary({ name: 'a', ready: true }, NOW_MS).split('\n')).toEqual([
    'replica   a, hearsay ?',
    'state     ready',
    'gossip    off',
  ])
})
