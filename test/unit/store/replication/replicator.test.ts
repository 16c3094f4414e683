/** What the replicator gives to gossip: what supersedes what, and what is passed on. */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { encodeBatch } from '../../../../src/gossip/core/batch-frame.ts'
import type { Broadcast } from '../../../../src/gossip/core/delegate.ts'
import type { Delta } from '../../../../src/store/core/delta.ts'
import { decodeDelta, encodeDelta } from '../../../../src/store/core/delta-codec.ts'
import { ReplicaState } from '../../../../src/store/core/replica-state.ts'
import { Replicator } from '../../../../src/store/replication/replicator.ts'
import { memorySyncStore } from '../../../support/memory-sync-store.ts'
import { B, dot, entry, NOW_MS, put } from '../core/fixtures.ts'

const NONE = new Uint8Array(0)

class Rig {
  readonly state = new ReplicaState()
  readonly sent: Broadcast[] = []
  readonly replicator: Replicator

  constructor() {
    this.replicator = new Replicator({
      name: 'self',
      store: memorySyncStore(this.state, NOW_MS),
      random: seededRandom(1),
      schedule: () => undefined,
      wallMs: () => NOW_MS,
      requestExchange: () => undefined,
      broadcaster: {
        broadcast: (broadcast) => void this.sent.push(broadcast),
        sendReliable: () => Promise.resolve(),
        members: () => [],
      },
    })
  }

  hear(delta: Delta): void {
    const body = encodeDelta(delta)
    const frame = new Uint8Array(body.length + 3)
    frame.set([0xf1, 1, 0x44])
    frame.set(body, 3)
    this.replicator.userMessage(frame)
  }
}

describe('a pending message', () => {
  it('is superseded by one of the same map and key only, whatever characters are in them', () => {
    const rig = new Rig()
    rig.replicator.committed([put('c', entry(1, 1, 'v'), 'a\0b'), put('b\0c', entry(2, 2, 'v'), 'a')])
    const [first, second] = rig.sent.map(({ key }) => key)
    expect(first).toBeDefined()
    expect(first).not.toBe(second)
  })

  it('is superseded by the next write of the same writer to its key', () => {
    const rig = new Rig()
    rig.replicator.committed([put('k', entry(1, 1, 'v')), put('k', entry(2, 2, 'v'))])
    expect(rig.sent[0]?.key).toBe(rig.sent[1]?.key)
  })

  it('is not superseded by an older write of its key that another replica made', () => {
    const rig = new Rig()
    rig.hear(put('k', entry(1, 200, 'new')))
    rig.hear(put('k', entry(1, 100, 'old', { dot: dot(1, B) })))
    expect(rig.sent).toHaveLength(2)
    expect(rig.sent[0]?.key).not.toBe(rig.sent[1]?.key)
  })
})

describe('records of one commit', () => {
  const record = (key: string, length: number): Delta => ({
    puts: [],
    adds: [],
    covered: [],
    records: [
      {
        table: 'sil',
        key,
        record: { versionNs: 1n, bytes: new Uint8Array(length), expiresAtMs: NOW_MS + 1 },
      },
    ],
  })
  const recordsIn = ({ payload }: Broadcast): number => decodeDelta(payload.subarray(3)).records.length

  it('share messages that fit a packet', () => {
    const rig = new Rig()
    rig.replicator.committed(Array.from({ length: 10 }, (_, i) => record(`id-${i}`, 200)))
    expect(rig.sent.map(recordsIn)).toEqual([4, 4, 2])
    for (const { payload } of rig.sent) expect(payload.length).toBeLessThanOrEqual(1300)
  })

  it('leave entries to messages of their own', () => {
    const rig = new Rig()
    rig.replicator.committed([record('a', 10), put('k', entry(1, 1, 'v')), record('b', 10)])
    expect(rig.sent.map(recordsIn).sort()).toEqual([0, 2])
  })

  it('are still superseded when they go alone', () => {
    const rig = new Rig()
    rig.replicator.committed([record('a', 10)])
    rig.replicator.committed([record('a', 1500), record('b', 10)])
    const [first, second, third] = rig.sent.map(({ key }) => key)
    expect(first).toBeDefined()
    expect([second, third]).toContain(first)
  })

  it('are passed on as they were heard, or without those that were no news', () => {
    const rig = new Rig()
    const [a, b] = [record('a', 10), record('b', 10)]
    const both = { ...a, records: [...a.records, ...b.records] }
    rig.hear(a)
    rig.hear(both)
    const other = new Rig()
    other.hear(both)
    const heard = [rig.sent[0], other.sent[0]].map((sent) => decodeDelta((sent?.payload ?? NONE).subarray(3)))
    expect(heard).toEqual([a, both])
    expect(decodeDelta((rig.sent[1]?.payload ?? NONE).subarray(3))).toEqual(b)
  })

  it('that came in a batch do not keep all of it', () => {
    const rig = new Rig()
    const frames = [record('a', 100), record('b', 100)].map((delta) => {
      const maker = new Rig()
      maker.replicator.committed([delta])
      return maker.sent[0]?.payload ?? NONE
    })
    rig.replicator.userMessage(encodeBatch(frames))
    expect(rig.sent.map(({ payload }) => [...payload])).toEqual(frames.map((frame) => [...frame]))
    expect(rig.sent.map(({ payload }) => payload.buffer.byteLength - payload.length)).toEqual([0, 0])
  })

  it('are marked as relayed when they were heard', () => {
    const rig = new Rig()
    rig.hear(record('a', 10))
    rig.replicator.committed([record('b', 10)])
    expect(rig.sent.map(({ isRelayed }) => isRelayed === true)).toEqual([true, false])
  })
})
