import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import type { Member } from '../../../../src/gossip/core/delegate.ts'
import type { AckPlan, AckResult } from '../../../../src/store/core/acknowledgement.ts'
import type { Delta } from '../../../../src/store/core/delta.ts'
import {
  ACK_FRAME_BYTES_MAX,
  type AckFrame,
  decodeAckFrame,
  encodeAckFrame,
} from '../../../../src/store/replication/ack-frames.ts'
import { WriteConcern, type WriteConcernDeps } from '../../../../src/store/replication/write-concern.ts'
import { add, covered, dot, entry, put } from '../core/fixtures.ts'

const DELTAS: readonly Delta[] = [put('k', entry(1, 5, 'v')), covered(dot(1))]

function member(name: string, changes: Partial<Member> = {}): Member {
  return {
    name,
    endpoint: { host: '127.0.0.1', port: 1 } as unknown as Member['endpoint'],
    meta: new Uint8Array(),
    incarnation: 1,
    liveness: 'alive',
    peerClass: 'native',
    rttMs: undefined,
    isSelf: false,
    ...changes,
  } as Member
}

interface Rig {
  readonly concern: WriteConcern
  readonly sent: { readonly to: string; readonly frame: AckFrame }[]
  readonly received: Delta[]
  readonly flushes: ((ok: boolean) => void)[]
  readonly noted: string[]
  members: Member[]
  holds: boolean
  /** Asks for `plan` at 0 ms with 1 s; what it is told. */
  confirm(plan: AckPlan, nowMs?: number): AckResult[]
  /** The answer of `name` to the newest request. */
  answer(name: string, request?: number): void
}

function rig(others: Member[], options: Partial<WriteConcernDeps> = {}): Rig {
  const sent: Rig['sent'] = []
  const received: Delta[] = []
  const flushes: Rig['flushes'] = []
  const noted: string[] = []
  const made: Rig = {
    sent,
    received,
    flushes,
    noted,
    members: [member('me', { isSelf: true }), ...others],
    holds: true,
    concern: new WriteConcern({
      name: 'me',
      broadcaster: {
        members: () => made.members,
        sendReliable: (to, payload) => void sent.push({ to, frame: decodeAckFrame(payload) }),
      },
      random: seededRandom(1),
      receive: (delta) => void received.push(delta),
      holds: () => made.holds,
      durable: (done) => void flushes.push(done),
      note: (event) => void noted.push(event),
      ...options,
    }),
    confirm: (plan: AckPlan, nowMs = 0): AckResult[] => {
      const results: AckResult[] = []
      made.concern.confirm(plan, DELTAS, nowMs, 1000, (result) => void results.push(result))
      return results
    },
    answer: (name: string, request = sent.at(-1)?.frame.request ?? 0): void =>
      made.concern.heard(encodeAckFrame({ kind: 'acked', sender: name, request })),
  }
  return made
}

describe('a plan', () => {
  const others = [
    member('alive'),
    member('suspect', { liveness: 'suspect' }),
    member('dead', { liveness: 'dead' }),
    member('left', { liveness: 'left' }),
    member('alertmanager', { peerClass: 'foreign' }),
  ]

  it('has hearsay members that have not left on its roster, and counts this replica', () => {
    const { concern } = rig(others)
    const roster = ['alive', 'suspect', 'dead']
    expect(concern.plan('local')).toEqual({ needed: 1, others: [] })
    expect(concern.plan(1)).toEqual({ needed: 1, others: [] })
    expect(concern.plan(2)).toEqual({ needed: 2, others: roster })
    expect(concern.plan('majority')).toEqual({ needed: 3, others: roster })
  })

  it.each([4, 'all'] as const)('for %s fails when fewer can be reached', (ack) => {
    expect(() => rig(others).concern.plan(ack)).toThrow(
      expect.objectContaining({
        code: 'ACK_UNREACHABLE',
        message: expect.stringContaining('3 can be reached'),
      }),
    )
  })

  it('of a replica that is alone needs nobody for all and majority', () => {
    const { concern } = rig([])
    expect([concern.plan('all').needed, concern.plan('majority').needed]).toEqual([1, 1])
    expect(() => concern.plan(2)).toThrow(expect.objectContaining({ code: 'ACK_UNREACHABLE' }))
  })

  it('counts replicas that gossip no longer lists, but not Alertmanagers among them, nor who has left', () => {
    const { endpoint } = member('any')
    const lost = [
      { name: 'reaped', endpoint, isReplica: true },
      { name: 'dead', endpoint, isReplica: true },
      { name: 'left', endpoint, isReplica: true },
      { name: 'am', endpoint, isReplica: false },
      { name: 'of an older file', endpoint },
    ]
    const { concern } = rig(others, { lost: () => lost })
    expect(concern.plan('majority')).toEqual({ needed: 3, others: ['alive', 'suspect', 'dead'] })
    expect(() => concern.plan('all')).toThrow('ack=all needs 5 of 5 replicas; 3 can be reached')
  })

  it.each(['majority', 'all'] as const)('for %s of one of three, the others long gone, is refused', (ack) => {
    const { endpoint } = member('any')
    const lost = ['b', 'c'].map((name) => ({ name, endpoint, isReplica: true }))
    expect(() => rig([], { lost: () => lost }).concern.plan(ack)).toThrow(
      expect.objectContaining({ code: 'ACK_UNREACHABLE' }),
    )
  })

  it.each([0, -1, 1.5, Number.NaN])('for %d is refused', (ack) => {
    expect(() => rig(others).concern.plan(ack)).toThrow(expect.objectContaining({ code: 'ACK_MALFORMED' }))
  })

  it('for a word that is none is refused', () => {
    const misspelt = JSON.parse('"majorty"')
    expect(() => rig(others).concern.plan(misspelt)).toThrow(
      expect.objectContaining({ code: 'ACK_MALFORMED', message: expect.stringContaining('majorty') }),
    )
  })

  it('is refused while too many wait already', () => {
    const { concern, confirm, answer } = rig([member('a')], { requestsMax: 1 })
    confirm(concern.plan(2))
    expect(() => concern.plan(2)).toThrow(expect.objectContaining({ code: 'ACK_OVERLOADED' }))
    expect(concern.plan('local').needed).toBe(1)
    answer('a')
    expect(concern.plan(2).needed).toBe(2)
  })
})

describe('the side that asks', () => {
  it('sends the write to every member at once, and is done when enough have answered', () => {
    const { concern, sent, confirm, answer } = rig([member('a'), member('b'), member('c')])
    const told = confirm(concern.plan(3))
    expect(sent.map(({ to }) => to)).toEqual(['a', 'b', 'c'])
    expect(sent[0]?.frame).toMatchObject({ kind: 'ask', sender: 'me', deltas: DELTAS })
    answer('b')
    expect(told).toEqual([])
    answer('a')
    expect(told).toEqual([{ reached: true, acked: ['me', 'b', 'a'] }])
    answer('c')
    expect(concern.stats).toEqual({ waiting: 0, reached: 1, notReached: 0, late: 1 })
  })

  it('counts no answer twice, and none of a member that was not asked', () => {
    const { concern, confirm, answer } = rig([member('a'), member('b')])
    const told = confirm(concern.plan('all'))
    for (const name of ['a', 'a', 'stranger', 'me']) answer(name)
    expect(told).toEqual([])
  })

  it('asks those who are silent once more after a fifth of the time', () => {
    const { concern, sent, confirm, answer } = rig([member('a'), member('b')])
    confirm(concern.plan('all'))
    answer('a')
    expect(concern.dueMs).toBe(200)
    concern.tick(199)
    expect(sent).toHaveLength(2)
    concern.tick(200)
    concern.tick(900)
    expect(sent.map(({ to }) => to)).toEqual(['a', 'b', 'b'])
  })

  it('gives up at the end of the time and says who has it', () => {
    const { concern, confirm, answer } = rig([member('a'), member('b')])
    const told = confirm(concern.plan('all'))
    answer('b')
    concern.tick(999)
    expect(told).toEqual([])
    concern.tick(1000)
    answer('a', 1)
    expect(told).toEqual([{ reached: false, acked: ['me', 'b'] }])
    expect(concern.stats).toEqual({ waiting: 0, reached: 0, notReached: 1, late: 1 })
  })

  it('waits for nobody when it needs nobody, or when nothing was written', () => {
    const { concern, sent, confirm } = rig([member('a')])
    expect(confirm(concern.plan('local'))).toEqual([{ reached: true, acked: ['me'] }])
    const told: AckResult[] = []
    concern.confirm(concern.plan('all'), [], 0, 1000, (result) => void told.push(result))
    expect([told, sent]).toEqual([[{ reached: true, acked: ['me'] }], []])
  })

  it('keeps no more letters than it may: what is beyond is not asked', () => {
    const { concern, sent, noted, confirm, answer } = rig([member('a')], { requestBytesMax: 100 })
    const plan = concern.plan(2)
    const first = confirm(plan)
    expect(confirm(plan)).toEqual([{ reached: false, acked: ['me'] }])
    expect([sent.length, noted]).toEqual([1, ['acknowledgement.not_asked']])
    answer('a')
    expect(first).toHaveLength(1)
    confirm(plan)
    expect(sent).toHaveLength(2)
  })

  it('keeps its deadlines few, however many requests were settled before their time', () => {
    const { concern, confirm, answer } = rig([member('a')])
    const plan = concern.plan(2)
    for (let i = 0; i < 3000; i++) {
      confirm(plan, i / 1000)
      answer('a')
    }
    const last = confirm(plan, 3)
    for (let at = 0; concern.dueMs !== undefined && at < 2100; at++) concern.tick(concern.dueMs)
    expect(last).toEqual([{ reached: false, acked: ['me'] }])
    expect(concern.dueMs).toBeUndefined()
  })

  it('lets go of all who wait when the replica stops', () => {
    const { concern, confirm } = rig([member('a')])
    const told = confirm(concern.plan(2))
    concern.close()
    expect(told).toEqual([{ reached: false, acked: ['me'] }])
  })
})

describe('the side that is asked', () => {
  const ask = encodeAckFrame({ kind: 'ask', sender: 'a', request: 7, deltas: DELTAS })

  it('joins in order, and answers once its disk has it', () => {
    const { concern, sent, received, flushes } = rig([member('a')])
    concern.heard(ask)
    expect([received, sent]).toEqual([DELTAS, []])
    flushes[0]?.(true)
    expect(sent).toEqual([{ to: 'a', frame: { kind: 'acked', sender: 'me', request: 7 } }])
  })

  it('says nothing when its disk refuses', () => {
    const { concern, sent, flushes, noted } = rig([member('a')])
    concern.heard(ask)
    flushes[0]?.(false)
    expect([sent, noted]).toEqual([[], ['acknowledgement.ask_not_durable']])
  })

  it('says nothing when it did not take all of the write', () => {
    const made = rig([member('a')])
    made.holds = false
    made.concern.heard(ask)
    expect([made.sent, made.flushes, made.noted]).toEqual([[], [], ['acknowledgement.ask_refused']])
  })

  it('works on no more asks than it may', () => {
    const { concern, received, flushes, noted } = rig([member('a')], { asksMax: 1 })
    concern.heard(ask)
    concern.heard(ask)
    expect([received.length, noted]).toEqual([2, ['acknowledgement.ask_overloaded']])
    flushes[0]?.(true)
    concern.heard(ask)
    expect(received).toHaveLength(4)
  })
})

describe('frames', () => {
  it('come back as they were sent', () => {
    const frame: AckFrame = {
      kind: 'ask',
      sender: 'zz-é',
      request: 2 ** 32,
      deltas: [...DELTAS, add('x', 3)],
    }
    expect(decodeAckFrame(encodeAckFrame(frame))).toEqual(frame)
  })

  it('that are cut, lengthened or of an unknown kind are counted and change nothing', () => {
    const { concern, noted, received } = rig([member('a')])
    const frame = encodeAckFrame({ kind: 'ask', sender: 'a', request: 7, deltas: DELTAS })
    for (let length = 3; length < frame.length; length++) concern.heard(frame.subarray(0, length))
    concern.heard(Uint8Array.of(...frame, 0))
    concern.heard(Uint8Array.of(0xf1, 1, 0x41, 3, 1, 97, 1))
    concern.heard(encodeAckFrame({ kind: 'acked', sender: '', request: 1 }))
    concern.heard(Uint8Array.of(0xf1, 1, 0x41, 1, 1, 97, 1, 0xff, 0xff, 0xff, 0x7f, 0))
    concern.heard(new Uint8Array(ACK_FRAME_BYTES_MAX + 1))
    expect(new Set(noted)).toEqual(new Set(['acknowledgement.frame_malformed']))
    expect([noted.length, received]).toEqual([frame.length - 3 + 5, []])
  })
})
