/**
 * A partition of ten minutes: each side has long forgotten the other, and calls across the cut hang. After the heal there is
 * contact within 10 s, and 5 s later everybody sees everybody and holds the same, whatever was written meanwhile.
 */
import { describe, expect, it } from 'vitest'
import { utf8Encode } from '../../src/base/bytes.ts'
import { SimCluster } from '../../src/testing/sim-cluster.ts'
import { deriveOptions } from '../../src/testing/sim-options.ts'
import { inCi, inLong } from '../support/requirement.ts'

const SEEDS = Array.from({ length: inLong ? 50 : inCi ? 5 : 2 }, (_, i) => i + 1)
const NODES = 6
const SIDE = [0, 1]
const CUT_MS = 600_000
/** Of writes on all nodes: too many keys for one repair to be passed on by gossip. */
const STEPS = 30
const CONTACT_MS = 10_000
const EQUAL_MS = 5000
/** Alertmanager's and ours. */
const TIMING = {
  gossipIntervalMs: 200,
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  pushPullIntervalMs: 60_000,
  reconnectIntervalMs: 10_000,
  streamTimeoutMs: 10_000,
}

function write(cluster: SimCluster, node: number, key: string): void {
  const value = { contentType: 'text/plain', bytes: utf8Encode(`${node} ${cluster.clock.nowMs}`) }
  cluster.submit(node, { kind: 'put', map: 'm', key, value })
}

/** Somebody sees somebody of the other side. */
function isInContact(cluster: SimCluster): boolean {
  return cluster.nodes.some(({ index, process }) =>
    process?.gossip
      .members()
      .some(
        ({ name, liveness }) =>
          liveness === 'alive' && SIDE.includes(Number(name.slice('node-'.length))) !== SIDE.includes(index),
      ),
  )
}

/** @returns after how many ms it held; undefined if that takes longer than `limitMs` */
function until(cluster: SimCluster, holds: () => boolean, limitMs: number): number | undefined {
  const startMs = cluster.clock.nowMs
  while (!holds()) {
    if (cluster.clock.nowMs - startMs > limitMs) return undefined
    cluster.runUntil(cluster.clock.nowMs + 20)
  }
  return cluster.clock.nowMs - startMs
}

/** A cluster whose partition has just healed, with different things written on both sides. */
function healed(seed: number, reconnectIntervalMs: number): SimCluster {
  const options = deriveOptions(seed, {
    nodes: NODES,
    // Configured is only the other side's first, as if the configuration were of no help.
    configuredPeers: Array.from({ length: NODES }, () => [0]),
    faults: [],
    timing: { ...TIMING, reconnectIntervalMs },
  })
  const cluster = new SimCluster({ options })
  for (const { index } of cluster.nodes) cluster.boot(index)
  expect(until(cluster, () => cluster.unsettled().length === 0, 15_000)).toBeDefined()
  const cutAtMs = cluster.clock.nowMs
  const heal = cluster.partition(SIDE)
  for (let step = 1; step <= STEPS; step++) {
    cluster.runUntil(cutAtMs + (step * CUT_MS) / STEPS)
    for (const { index } of cluster.nodes) {
      write(cluster, index, `own-${index}-${step}`)
      write(cluster, index, 'contested')
    }
    cluster.runUntil(cluster.clock.nowMs + 100)
  }
  expect(cluster.nodes.map(({ process }) => process?.gossip.members().length)).toEqual([2, 2, 4, 4, 4, 4])
  heal()
  return cluster
}

describe('after a partition of ten minutes', () => {
  it('there is contact within 10 s and equal state within 5 s of it', () => {
    for (const seed of SEEDS) {
      const cluster = healed(seed, TIMING.reconnectIntervalMs)
      const contactMs = until(cluster, () => isInContact(cluster), CONTACT_MS)
      const equalMs = until(cluster, () => cluster.unsettled().length === 0, EQUAL_MS)
      expect(contactMs, `seed ${seed}`).toBeDefined()
      expect(equalMs, `seed ${seed}: ${cluster.unsettled()}`).toBeDefined()
      expect(cluster.lost()).toEqual([])
    }
  })

  it("under memberlist's rule, which calls on nobody, both sides stay alone", () => {
    const cluster = healed(1, 0)
    expect(until(cluster, () => isInContact(cluster), 120_000)).toBeUndefined()
  })
})
