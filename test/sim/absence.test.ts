/** The longest story: a replica comes back after 30 days, when everybody has forgotten what was deleted meanwhile. */
import { describe, expect, it } from 'vitest'
import { utf8Encode } from '../../src/base/bytes.ts'
import { SimCluster } from '../../src/testing/sim-cluster.ts'
import { type SimCollaborators, soundCollaborators } from '../../src/testing/sim-collaborators.ts'
import { deriveOptions } from '../../src/testing/sim-options.ts'
import { SEEDED_BUGS } from './seeded-bugs.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const AWAY = 2

/** @returns who still shows what was deleted while the third was away */
function ghostsAfterThirtyDays(collaborators: SimCollaborators): {
  readonly maps: readonly number[]
  readonly sets: readonly number[]
  readonly collected: number
} {
  const options = deriveOptions(1, {
    nodes: 3,
    faults: [],
    tombstoneGraceMs: DAY_MS,
    sweepIntervalMs: 60_000,
    // A month of probes every second would be eight million events: in this story nobody is ever suspected.
    timing: {
      gossipIntervalMs: HOUR_MS,
      probeIntervalMs: 6 * HOUR_MS,
      probeTimeoutMs: 500,
      pushPullIntervalMs: 12 * HOUR_MS,
      reconnectIntervalMs: 12 * HOUR_MS,
      streamTimeoutMs: 10_000,
    },
    upkeepIntervalMs: 10 * 60_000,
  })
  const cluster = new SimCluster({ options, collaborators })
  for (const { index } of cluster.nodes) cluster.boot(index)
  cluster.runUntil(2000)
  const value = { contentType: 'text/plain', bytes: utf8Encode('old') }
  cluster.submit(AWAY, { kind: 'put', map: 'm', key: 'k', value })
  cluster.submit(AWAY, { kind: 'add', set: 's', member: 'x' })
  cluster.runUntil(4000)
  cluster.kill(AWAY)
  cluster.runUntil(5000)
  cluster.submit(0, { kind: 'delete', map: 'm', key: 'k' })
  cluster.submit(0, { kind: 'remove', set: 's', member: 'x' })
  cluster.runUntil(30 * DAY_MS)
  const [first] = cluster.nodes
  const counts = first?.process?.store.state.counts(first.clock.wallMs())
  expect(counts?.tombstones).toBe(0)
  cluster.boot(AWAY)
  cluster.runUntil(30 * DAY_MS + 2 * DAY_MS)
  const showing = (shows: (node: (typeof cluster.nodes)[number]) => boolean | undefined): number[] =>
    cluster.nodes.flatMap((node) => (shows(node) === true ? [node.index] : []))
  return {
    maps: showing(({ process, clock }) => process?.store.state.get('m', 'k', clock.wallMs()) !== undefined),
    sets: showing(({ process }) => process?.store.state.hasMember('s', 'x')),
    collected: counts?.collected ?? 0,
  }
}

describe('a replica that was away for 30 days, over collections of tombstones', () => {
  it('brings nothing back', { timeout: 60_000 }, () => {
    expect(ghostsAfterThirtyDays(soundCollaborators())).toEqual({ maps: [], sets: [], collected: 1 })
  })

  it('would bring back everything without the dot rule', { timeout: 60_000 }, () => {
    const ruleOff = SEEDED_BUGS.find(({ name }) => name.startsWith('the context is not asked'))
    const { maps, sets } = ghostsAfterThirtyDays(ruleOff?.collaborators() ?? soundCollaborators())
    expect(maps).toContain(AWAY)
    expect(sets).toContain(AWAY)
  })
})
