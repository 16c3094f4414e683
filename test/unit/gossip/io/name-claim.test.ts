/** Taking back a name: bounds, on fake time. That it works over sockets: reconnect-loop.test.ts. */
import { describe, expect, it } from 'vitest'
import { Tally } from '../../../../src/base/tally.ts'
import type { DeadMessage, NodeLiveness } from '../../../../src/gossip/core/messages.ts'
import type { KnockAnswer } from '../../../../src/gossip/io/knock.ts'
import { NameClaim } from '../../../../src/gossip/io/name-claim.ts'
import { endpoint, recordOf } from '../core/fixtures.ts'

const HERE = 1000
const ELSEWHERE = 3000

/** One replica `x` at port 1000; nobody listens at its former address, unless told otherwise. */
class Claimant {
  nowMs = 0
  readonly goodbyes: { readonly port: number; readonly message: DeadMessage }[] = []
  readonly asked: number[] = []
  /** By the name asked for. */
  found: (name: string) => KnockAnswer = () => 'refused'
  namesakeAnswers = false
  readonly #alarms: { readonly atMs: number; readonly run: () => void }[] = []
  readonly #claim = new NameClaim({
    name: 'x',
    advertise: endpoint(HERE),
    clock: { monotonicMs: () => this.nowMs, wallMs: () => 0 },
    alarms: {
      at: (atMs: number, run: () => void) => {
        this.#alarms.push({ atMs, run })
        return { cancel: () => undefined }
      },
    },
    events: new Tally(),
    knock: { at: async (_at, name = '') => this.found(name) },
    namesakeAnswers: (at) => this.namesakeAnswers && at.port === ELSEWHERE,
    tell: (to, message) => this.goodbyes.push({ port: to.port, message }),
    exchange: async (to) => {
      this.asked.push(to.port)
      return undefined
    },
    isWanted: () => true,
  })

  /** The peer's list has our name at `at`; then all that follows from it. */
  async answer(peer: number, at: number, liveness: NodeLiveness = 'alive'): Promise<void> {
    this.#claim.answered(endpoint(peer), [recordOf('x', at, { liveness })])
    await new Promise((resolve) => setImmediate(resolve))
    for (let alarm = this.#alarms.shift(); alarm !== undefined; alarm = this.#alarms.shift()) {
      this.nowMs = Math.max(this.nowMs, alarm.atMs)
      alarm.run()
    }
  }
}

describe('taking our name back', () => {
  it('tells one peer three goodbyes at most, however often it gives in and takes another for us again', async () => {
    const claimant = new Claimant()
    for (let round = 0; round < 10; round++) {
      await claimant.answer(2000, ELSEWHERE)
      await claimant.answer(2000, ELSEWHERE, 'left')
      await claimant.answer(2000, HERE)
    }
    expect(claimant.goodbyes).toHaveLength(3)
    expect(claimant.goodbyes[0]).toEqual({
      port: 2000,
      message: { kind: 'dead', node: 'x', from: 'x', incarnation: 1 },
    })
  })

  it('is over five minutes after our start: who has the name then is no former self of ours', async () => {
    const claimant = new Claimant()
    claimant.nowMs = 300_001
    await claimant.answer(2000, ELSEWHERE)
    expect([claimant.goodbyes, claimant.asked]).toEqual([[], []])
  })

  it('asks 64 peers that refuse again, and no 65th', async () => {
    const claimant = new Claimant()
    for (let peer = 2000; peer < 2065; peer++) await claimant.answer(peer, ELSEWHERE)
    expect(new Set(claimant.asked).size).toBe(64)
    await claimant.answer(2000, ELSEWHERE)
    expect(claimant.asked.filter((port) => port === 2000)).toHaveLength(2)
  })
})

describe('whose name it is', () => {
  it.each<[string, KnockAnswer, KnockAnswer, NodeLiveness, number]>([
    ['is ours where nobody listens', 'refused', 'refused', 'alive', 1],
    ['is ours where somebody answers to anybody and not to it', 'closed', 'acked', 'alive', 1],
    ['is ours where neither we nor the peer reach anybody', 'unreached', 'unreached', 'suspect', 1],
    ['stays with whom the peer reaches and we do not', 'unreached', 'unreached', 'alive', 0],
    ['stays with who has no room for a stream', 'closed', 'closed', 'alive', 0],
    ['stays with who has no room for one and complains of the next', 'closed', 'heard', 'suspect', 0],
    ['stays with who has another key', 'heard', 'heard', 'suspect', 0],
    ['stays with who answers to it', 'acked', 'acked', 'suspect', 0],
  ])('%s', async (_name, byName, byNone, liveness, goodbyes) => {
    const claimant = new Claimant()
    claimant.found = (name) => (name === 'x' ? byName : byNone)
    await claimant.answer(2000, ELSEWHERE, liveness)
    expect([claimant.goodbyes.length, claimant.asked]).toEqual([goodbyes, [2000]])
  })

  it('stays with who answers to it by UDP, though nobody takes a stream there', async () => {
    const claimant = new Claimant()
    claimant.namesakeAnswers = true
    await claimant.answer(2000, ELSEWHERE)
    await claimant.answer(2000, ELSEWHERE, 'suspect')
    expect([claimant.goodbyes, claimant.asked]).toEqual([[], [2000, 2000]])
  })

  it('is asked of the peer again every 2 s while it may come to suspect whom we cannot reach', async () => {
    const claimant = new Claimant()
    claimant.found = () => 'unreached'
    for (let ask = 0; ask < 5; ask++) await claimant.answer(2000, ELSEWHERE)
    expect([claimant.nowMs, claimant.goodbyes]).toEqual([10_000, []])
  })
})
