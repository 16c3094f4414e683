/** Small stories played on a simulated cluster: what the seeds do at random, here on purpose. */
import { describe, expect, it } from 'vitest'
import { utf8Decode, utf8Encode } from '../../src/base/bytes.ts'
import type { ClientOp } from '../../src/testing/ledger.ts'
import { SimCluster } from '../../src/testing/sim-cluster.ts'
import { deriveOptions, type SimOverrides } from '../../src/testing/sim-options.ts'
import { SimWorkload } from '../../src/testing/sim-workload.ts'

function build(nodes: number, overrides: SimOverrides = {}): SimCluster {
  const options = deriveOptions(1, { nodes, faults: [], ...overrides })
  const cluster = new SimCluster({ options })
  for (let index = 0; index < nodes; index++) cluster.boot(index)
  cluster.runUntil(2000)
  return cluster
}

const put = (text: string): ClientOp => ({
  kind: 'put',
  map: 'm',
  key: 'k',
  value: { contentType: 'text/plain', bytes: utf8Encode(text) },
})
const add: ClientOp = { kind: 'add', set: 's', member: 'x' }
const remove: ClientOp = { kind: 'remove', set: 's', member: 'x' }

function read(cluster: SimCluster, index: number): string | undefined {
  const { process, clock } = cluster.node(index)
  const bytes = process?.store.state.get('m', 'k', clock.wallMs())?.value?.bytes
  return bytes === undefined ? undefined : utf8Decode(bytes)
}

function has(cluster: SimCluster, index: number): boolean | undefined {
  return cluster.node(index).process?.store.state.hasMember('s', 'x')
}

function later(cluster: SimCluster, ms: number): void {
  cluster.runUntil(cluster.clock.nowMs + ms)
  expect(cluster.check()).toEqual([])
}

describe('a simulated cluster', () => {
  it('has every member know every other within two seconds of its start', () => {
    const cluster = build(5)
    expect(cluster.unsettled()).toEqual([])
  })

  it('shows a write everywhere within milliseconds of its acknowledgement', () => {
    const cluster = build(3)
    const entry = cluster.submit(0, put('one'))
    while (entry.outcome === 'pending') later(cluster, 0.1)
    expect(entry.outcome).toBe('acked')
    expect(read(cluster, 0)).toBe('one')
    later(cluster, 10)
    expect([0, 1, 2].map((index) => read(cluster, index))).toEqual(['one', 'one', 'one'])
  })

  it('brings a burst of writes to everyone by deltas alone, without any exchange of states', () => {
    const { timing } = deriveOptions(1)
    const hourMs = 3_600_000
    const cluster = build(3, {
      timing: { ...timing, pushPullIntervalMs: hourMs, reconnectIntervalMs: hourMs },
      queueBytesMax: 8 * 1024 * 1024,
      keys: 8,
      members: 8,
    })
    const streams = cluster.network.counters.streams
    const workload = new SimWorkload(cluster.options)
    for (let i = 0; i < 400; i++) {
      for (const { node, op } of workload.next(cluster.node(0).clock.wallMs())) cluster.submit(node, op)
      later(cluster, 1)
    }
    later(cluster, 3000)
    expect(cluster.ledger.count('acked')).toBeGreaterThan(400)
    expect(cluster.network.counters.streams - streams).toBeLessThan(20)
    expect(cluster.unsettled()).toEqual([])
    expect(cluster.lost()).toEqual([])
  })

  it('lets an add win over a removal that did not see it', () => {
    const cluster = build(2)
    cluster.submit(0, add)
    later(cluster, 1000)
    const heal = cluster.partition([0])
    cluster.submit(0, add)
    cluster.submit(1, remove)
    later(cluster, 1000)
    expect([has(cluster, 0), has(cluster, 1)]).toEqual([true, false])
    heal()
    later(cluster, 30_000)
    expect([has(cluster, 0), has(cluster, 1)]).toEqual([true, true])
    expect(cluster.unsettled()).toEqual([])
    expect(cluster.lost()).toEqual([])
  })

  it('takes writes on both sides of a partition and agrees on one of them afterwards', () => {
    const cluster = build(4)
    const heal = cluster.partition([0, 1])
    later(cluster, 20_000)
    cluster.submit(0, put('left'))
    later(cluster, 50)
    cluster.submit(3, put('right'))
    later(cluster, 60_000)
    expect([0, 1, 2, 3].map((index) => read(cluster, index))).toEqual(['left', 'left', 'right', 'right'])
    heal()
    later(cluster, 30_000)
    expect([0, 1, 2, 3].map((index) => read(cluster, index))).toEqual(['right', 'right', 'right', 'right'])
    expect(cluster.unsettled()).toEqual([])
  })

  it('finds an acknowledged write on a lone node after it was killed', () => {
    const cluster = build(1)
    const entry = cluster.submit(0, put('alone'))
    while (entry.outcome === 'pending') later(cluster, 0.1)
    cluster.kill(0)
    later(cluster, 100)
    cluster.boot(0)
    expect(cluster.check()).toEqual([])
    expect(read(cluster, 0)).toBe('alone')
  })

  it('refuses writes on a node that is down, and never knows about those it was killed with', () => {
    const cluster = build(2)
    const caught = cluster.submit(0, put('caught'))
    cluster.kill(0)
    expect(caught.outcome).toBe('unknown')
    expect(cluster.submit(0, put('late')).outcome).toBe('failed')
    later(cluster, 1000)
    cluster.boot(0)
    later(cluster, 20_000)
    expect(cluster.unsettled()).toEqual([])
    expect([undefined, 'caught']).toContain(read(cluster, 0))
    expect(read(cluster, 1)).toBe(read(cluster, 0))
  })
})
