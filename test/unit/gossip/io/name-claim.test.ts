/** Taking back a name: bounds, on fake time. That it works over sockets: reconnect-loop.test.ts. */
import { describe, expect, it } from 'vitest'
import { Tally } from '../../../../src/base/tally.ts'
import type { DeadMessage, NodeLiveness } from '../../../../src/gossip/core/messages.ts'
import { NameClaim } from '../../../../src/gossip/io/name-claim.ts'
import { endpoint, recordOf } from '../core/fixtures.ts'

const HERE = 1000
const ELSEWHERE = 3000

/** One replica `x` at port 1000 that nobody answers at its former address. */
class Claimant {
  nowMs = 0
  readonly goodbyes: { readonly port: number; readonly message: DeadMessage }[] = []
  readonly asked: number[] = []
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
    knock: { at: async () => 'nobody' as const },
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
    for (const { atMs, run } of this.#alarms.splice(0)) {
      this.nowMs = Math.max(this.nowMs, atMs)
      run()
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
