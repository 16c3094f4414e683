/** Whatever reaches the port: malformed, forged, unasked, endless. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ClaimFrame,
  decodeClaimFrame,
  encodeClaimFrame,
} from '../../../../src/alerting/notifier/claim-frames.ts'
import { PEER_CLAIMS_MAX } from '../../../../src/alerting/notifier/peer-claims.ts'
import { NotifierCluster, turnOrder, WORK } from '../../../support/notifier-cluster.ts'

const NAMES = ['ana', 'bo', 'cy']
const [FIRST, SECOND, THIRD] = turnOrder(NAMES)

function three(): NotifierCluster {
  const cluster = new NotifierCluster({ names: NAMES })
  cluster.introduce()
  return cluster
}

function ask(sender: string, work: string, seq = 1): Uint8Array {
  return encodeClaimFrame({ kind: 'ask', sender, boot: 1, work, seq, held: false, version: undefined })
}

describe('hostile frames', () => {
  it('never throw, whatever their bytes', () => {
    const cluster = three()
    const { notifier } = cluster.replica(FIRST)
    const sound = [ask(SECOND, WORK), ...cluster.frames.map(({ bytes }) => bytes)]
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(),
        fc.nat(255),
        fc.nat(),
        (noise, at, bits, pick) => {
          notifier.heard(Uint8Array.of(0xf1, 1, 0x43, ...noise), cluster.nowMs)
          const spoilt = Uint8Array.from(sound[pick % sound.length] ?? [])
          spoilt[at % spoilt.length] = bits
          notifier.heard(spoilt, cluster.nowMs)
          notifier.heard(spoilt.subarray(0, at % spoilt.length), cluster.nowMs)
        },
      ),
    )
    expect(notifier.stats.frames_malformed).toBeGreaterThan(0)
    cluster.run(60_000)
    const id = cluster.replica(FIRST).start()
    cluster.run(60_000)
    expect(cluster.replica(FIRST).result(id)).toMatchObject({ outcome: 'sent' })
  })

  it('from a name that is no live native member are dropped and counted', () => {
    const cluster = new NotifierCluster({ names: NAMES, foreign: ['am'] })
    cluster.introduce()
    cluster.declare(THIRD, 'dead')
    const { notifier } = cluster.replica(FIRST)
    for (const name of ['nobody', 'am', THIRD]) notifier.heard(ask(name, WORK), cluster.nowMs)
    expect(notifier.stats.frames_from_strangers).toBe(3)
    expect(notifier.stats.claims_peers).toBe(0)
  })

  it('that grant what was not asked, or another claim, count for nothing', () => {
    const cluster = three()
    cluster.kill(SECOND)
    cluster.kill(THIRD)
    const { notifier } = cluster.replica(FIRST)
    cluster.replica(FIRST).start()
    cluster.run(10)
    const grants: ClaimFrame[] = [
      { kind: 'grant', sender: SECOND, boot: 1, work: WORK, to: { boot: 1, seq: 99 } },
      { kind: 'grant', sender: SECOND, boot: 1, work: WORK, to: { boot: 7, seq: 1 } },
      { kind: 'grant', sender: SECOND, boot: 1, work: 'other', to: { boot: 1, seq: 1 } },
      { kind: 'grant', sender: FIRST, boot: 1, work: WORK, to: { boot: 1, seq: 1 } },
    ]
    for (const frame of grants) notifier.heard(encodeClaimFrame(frame), cluster.nowMs)
    expect(cluster.sends).toEqual([])
    for (const sender of [SECOND, THIRD]) {
      const to = { boot: 1, seq: 1 }
      notifier.heard(encodeClaimFrame({ kind: 'grant', sender, boot: 1, work: WORK, to }), cluster.nowMs)
    }
    expect(cluster.sends).toHaveLength(1)
  })

  it('that release the claim of somebody else release nothing', () => {
    const cluster = new NotifierCluster({
      names: NAMES,
      receiver: () => ({ afterMs: 30_000, outcome: { ok: true } }),
    })
    cluster.introduce()
    cluster.replica(FIRST).start()
    cluster.replica(SECOND).start()
    cluster.run(50)
    const frame = { kind: 'release', sender: THIRD, boot: 1, work: WORK, seq: 9, outcome: 'failed' } as const
    const bytes = encodeClaimFrame({ ...frame, version: undefined, notificationId: '' })
    cluster.replica(SECOND).notifier.heard(bytes, cluster.nowMs)
    cluster.run(5000)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
  })

  it('that claim without end fill a table of a fixed size, and it empties itself', () => {
    const cluster = three()
    const { notifier } = cluster.replica(FIRST)
    for (let n = 0; n < PEER_CLAIMS_MAX + 10; n++) notifier.heard(ask(SECOND, `w${n}`, n), cluster.nowMs)
    expect(notifier.stats).toMatchObject({ claims_peers: PEER_CLAIMS_MAX, overflows: 10 })
    cluster.run(10_000)
    expect(notifier.stats.claims_peers).toBe(0)
  })

  it('with ever new process numbers make us announce once a second at most', () => {
    const cluster = three()
    const { notifier } = cluster.replica(FIRST)
    const before = cluster.frames.length
    for (let boot = 10; boot < 1000; boot++) {
      notifier.heard(
        encodeClaimFrame({ kind: 'announce', sender: SECOND, boot, receivers: [] }),
        cluster.nowMs,
      )
    }
    expect(cluster.frames.length - before).toBeLessThanOrEqual(1)
  })

  it('that deny at once, again and again, make us ask five times a second at most', () => {
    const cluster = three()
    const first = cluster.replica(FIRST)
    cluster.drops = (_, from, to) => from === SECOND && to === FIRST
    const carry = cluster.carry.bind(cluster)
    cluster.carry = (from, to, bytes) => {
      carry(from, to, bytes)
      const ask = decodeClaimFrame(bytes)
      if (from !== FIRST || to !== SECOND || ask?.kind !== 'ask') return
      const { seq } = ask
      const frame = {
        kind: 'deny',
        sender: SECOND,
        boot: 1,
        work: WORK,
        to: { boot: 1, seq },
      } as const
      const deniedFor = { holder: SECOND, held: true, boot: 1, seq, remainingMs: 0 }
      const denial = encodeClaimFrame({ ...frame, deniedFor, newer: undefined, record: undefined })
      cluster.at(cluster.nowMs + 1, () => first.notifier.heard(denial, cluster.nowMs))
    }
    first.start()
    cluster.run(10_000)
    expect(first.notifier.stats.asks).toBeGreaterThan(2)
    expect(first.notifier.stats.asks).toBeLessThanOrEqual(50)
  })

  it('that deny with an entry from the far future cost a second, once', () => {
    const cluster = three()
    const { notifier } = cluster.replica(FIRST)
    cluster.drops = (_, from) => from === SECOND
    cluster.replica(FIRST).start()
    cluster.run(2)
    const newer = 2n ** 62n
    const to = { boot: 1, seq: 1 }
    const frame = { kind: 'deny', sender: SECOND, boot: 1, work: WORK, to, newer } as const
    notifier.heard(encodeClaimFrame({ ...frame, deniedFor: undefined, record: undefined }), cluster.nowMs)
    cluster.drops = () => false
    cluster.run(990)
    expect(cluster.sends).toEqual([])
    cluster.run(20)
    expect(cluster.sends).toMatchObject([{ by: FIRST }])
  })
})
