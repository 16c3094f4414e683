import { describe, expect, it } from 'vitest'
import { MergeCounts } from '../../../src/app/merge-counts.ts'
import { actorId } from '../../../src/base/names.ts'
import type { Member } from '../../../src/gossip/core/delegate.ts'
import { nativeMeta } from '../../../src/gossip/core/native-meta.ts'
import type { AnySample } from '../../../src/http/metrics/registry.ts'
import type { Delta } from '../../../src/store/core/delta.ts'

const NOW_MS = 1_000_000
const THEM = actorId('ab'.repeat(16))
const STRANGER = actorId('cd'.repeat(16))
const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }

function member(name: string, meta: Uint8Array): Member {
  const endpoint = { addr: Uint8Array.of(127, 0, 0, 1), port: 9094 }
  const rest = { incarnation: 1, liveness: 'alive', peerClass: 'native', rttMs: 1, isSelf: false } as const
  return { name, endpoint, meta, ...rest }
}

function put(actor: typeof THEM, ms: number): Delta {
  const stamp = { epoch: 0, ms, logical: 0, actor }
  const entry = { stamp, dot: { actor, n: 1 }, value: undefined, expiresAtMs: undefined }
  return { ...NOTHING, puts: [{ map: 'm', key: 'k', entry }] }
}

function record(table: string, ms: number): Delta {
  const versionNs = BigInt(ms) * 1_000_000n
  return {
    ...NOTHING,
    records: [{ table, key: 'k', record: { versionNs, bytes: new Uint8Array(1), expiresAtMs: NOW_MS } }],
  }
}

/** Them: 40 ms ahead of us. */
function setup(): {
  counts: MergeCounts
  sample: (name: string, ...labels: string[]) => AnySample | undefined
} {
  const counts = new MergeCounts({
    clock: { monotonicMs: () => 0, wallMs: () => NOW_MS },
    members: () => [member('b', nativeMeta('1.0.0', THEM)), member('old', nativeMeta())],
    offsetsMs: () => new Map([['b', 40]]),
  })
  const sample = (name: string, ...labels: string[]): AnySample | undefined =>
    [...counts.samples()].find(
      (one) => one.name === name && labels.every((label) => Object.values(one.labels ?? {}).includes(label)),
    )
  return { counts, sample }
}

function sumMs(sample: AnySample | undefined): number {
  return sample !== undefined && 'histogram' in sample ? Math.round(sample.histogram.sum * 1000) : Number.NaN
}

describe('propagation delay', () => {
  it('goes from stamp to merge, and the clock of the writer is taken out where it is known', () => {
    const { counts, sample } = setup()
    counts.merged(put(THEM, NOW_MS + 38), 'gossip')
    expect(sumMs(sample('hearsay_propagation_seconds', 'gossip', 'entry'))).toBe(2)
    counts.merged(put(STRANGER, NOW_MS - 5), 'gossip')
    expect(sumMs(sample('hearsay_propagation_seconds', 'gossip', 'entry'))).toBe(7)
  })

  it('is never negative', () => {
    const { counts, sample } = setup()
    counts.merged(put(STRANGER, NOW_MS + 500), 'gossip')
    expect(sumMs(sample('hearsay_propagation_seconds', 'gossip', 'entry'))).toBe(0)
  })

  it('of what anti-entropy found missing is told apart from news, and records from entries', () => {
    const { counts, sample } = setup()
    counts.merged(put(STRANGER, NOW_MS - 60_000), 'sync')
    counts.merged(record('sil', NOW_MS - 3), 'gossip')
    expect(sumMs(sample('hearsay_propagation_seconds', 'gossip', 'entry'))).toBe(0)
    expect(sumMs(sample('hearsay_propagation_seconds', 'sync', 'entry'))).toBe(60_000)
    expect(sumMs(sample('hearsay_propagation_seconds', 'gossip', 'record'))).toBe(3)
  })

  it('of what foreign peers tell is not measured, since they repeat old stamps', () => {
    const { counts, sample } = setup()
    counts.merged(record('sil', 5), 'foreign')
    expect(sumMs(sample('hearsay_propagation_seconds', 'gossip', 'record'))).toBe(0)
    expect(sample('hearsay_merge_changes_total', 'foreign')).toMatchObject({ value: 1 })
  })
})

describe('merges', () => {
  it('are counted by way and by whether they were news', () => {
    const { counts, sample } = setup()
    counts.merged(NOTHING, 'gossip')
    counts.merged(record('sil', NOW_MS), 'gossip')
    counts.merged(record('nfl', NOW_MS), 'sync')
    expect(sample('hearsay_merges_total', 'gossip', 'known')).toMatchObject({ value: 1 })
    expect(sample('hearsay_merges_total', 'gossip', 'news')).toMatchObject({ value: 1 })
    expect(sample('alertmanager_silences_gossip_messages_propagated_total')).toMatchObject({ value: 1 })
    expect(sample('alertmanager_nflog_gossip_messages_propagated_total')).toMatchObject({ value: 1 })
  })

  it('have the same series before anything happened as after', () => {
    const { counts } = setup()
    const series = (): string[] =>
      [...counts.samples()].map(({ name, labels }) => JSON.stringify([name, labels]))
    const before = series()
    counts.merged(put(THEM, NOW_MS), 'gossip')
    counts.merged(record('a table of a stranger', NOW_MS), 'foreign')
    expect(series()).toEqual(before)
  })
})
