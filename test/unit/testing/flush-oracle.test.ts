import { describe, expect, it } from 'vitest'
import type { FlushResult } from '../../../src/alerting/core/flush.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { type DisturbanceKind, Disturbances } from '../../../src/testing/disturbances.ts'
import { type FlushAttempt, FlushLedger, type FlushRecord } from '../../../src/testing/flush-ledger.ts'
import { FlushOracle } from '../../../src/testing/flush-oracle.ts'
import type { PlannedFlush } from '../../../src/testing/flush-plan.ts'
import { Marks } from '../../../src/testing/marks.ts'
import { ProcessGate } from '../../../src/testing/process-gate.ts'
import { SimClock } from '../../../src/testing/sim-clock.ts'
import { deriveOptions, type SimOverrides } from '../../../src/testing/sim-options.ts'
import { SimReceiver } from '../../../src/testing/sim-receiver.ts'

const SENT: FlushResult = { outcome: 'sent', reason: 'first' }
const ALREADY: FlushResult = { outcome: 'skipped', reason: 'already-notified' }
const TIMEOUT: FlushResult = { outcome: 'failed', reason: 'timeout', detail: 'its turn did not come' }

function plan(number: number, kind: 'change' | 'same'): PlannedFlush {
  const firing = kind === 'change' ? [BigInt(number + 1)] : [1n]
  const atMs = 1000 + number * 1000
  return { group: 0, number, atMs, kind, sends: kind === 'change', firing, resolved: [], delaysMs: [0, 0, 0] }
}

/** Two flushes of one group, the first with news, the second with `second`, and an oracle that watches them. */
function watched(second: 'change' | 'same' = 'same', overrides: SimOverrides = {}) {
  const options = deriveOptions(1, { nodes: 3, faults: [], ...overrides })
  const ledger = new FlushLedger([plan(0, 'change'), plan(1, second)])
  const disturbances = new Disturbances()
  const receiver = new SimReceiver(new SimClock(), seededRandom(1), { sendMinMs: 1, sendMaxMs: 1 })
  const oracle = new FlushOracle({ options, ledger, disturbances, receiver, marks: new Marks() })
  const record = (number: number): FlushRecord => {
    const found = ledger.records[number]
    if (found === undefined) throw new Error('it is planned')
    return found
  }
  const start = (node: number, number = 0, gate = new ProcessGate()): FlushAttempt =>
    ledger.start(record(number), node, gate, 1000 + number * 1000)
  /** Delivered at once, and logged unless told otherwise. */
  const send = (attempt: FlushAttempt, atMs: number, logs = true): void => {
    const id = { reason: 'first', last: undefined, attempt: 1, notificationId: 'n' } as const
    const message = ledger.order(attempt, id, atMs)
    ledger.delivered(message, atMs)
    ledger.answered(message, true, atMs)
    if (logs) ledger.logged(attempt, true, atMs)
  }
  const disturb = (kind: DisturbanceKind, atMs: number, node?: number): void => {
    disturbances.begin(kind, atMs, node).untilMs = atMs
  }
  return { oracle, ledger, receiver, start, send, disturb }
}

describe('the oracle of notifications', () => {
  it('is content with one message for each flush with news', () => {
    const { oracle, ledger, start, send } = watched()
    const [sender, other] = [start(0), start(1)]
    send(sender, 1010)
    ledger.finish(sender, SENT, 1010)
    ledger.finish(other, ALREADY, 1020)
    expect(oracle.check(2000)).toEqual([])
  })

  it('objects to a second one, and to one without news', () => {
    const { oracle, start, send } = watched()
    send(start(0), 1010)
    send(start(1), 1020)
    expect(oracle.check(2000)).toHaveLength(2)
    const unneeded = watched()
    unneeded.send(unneeded.start(0, 1), 2010)
    expect(unneeded.oracle.check(3000)[0]).toContain('was delivered 1 times, expected 0')
  })

  it('excuses a second one by a cut, and no third', () => {
    const { oracle, start, send, disturb } = watched()
    disturb('cut', 1000)
    send(start(0), 1010)
    send(start(1), 1020)
    expect(oracle.check(2000)).toEqual([])
    send(start(2), 1030)
    expect(oracle.check(2000)[0]).toContain('repeated 2 times, allowed 1')
  })

  it('excuses a second one by a sender that was stopped in its send, not by the stop of another', () => {
    const stopped = watched()
    const attempt = stopped.start(0)
    stopped.send(attempt, 1010)
    stopped.disturb('stall', 1015, 0)
    stopped.send(stopped.start(1), 1020)
    expect(stopped.oracle.check(2000)).toEqual([])
    const other = watched()
    other.send(other.start(0), 1010)
    other.disturb('stall', 1015, 2)
    other.send(other.start(1), 1020)
    expect(other.oracle.check(2000)[0]).toContain('repeated 1 times, allowed 0')
  })

  it('excuses a second one by a death before the log, not by one after it', () => {
    for (const logs of [false, true]) {
      const { oracle, start, send, disturb } = watched()
      const gate = new ProcessGate()
      send(start(0, 0, gate), 1010, logs)
      gate.kill()
      disturb('kill', 1011, 0)
      send(start(1), 1020)
      expect(oracle.check(2000)).toHaveLength(logs ? 1 : 0)
    }
  })

  it('takes old news for news once something else was told, but only where something went wrong', () => {
    for (const wrong of [true, false]) {
      const { oracle, start, send, disturb } = watched('change')
      if (wrong) disturb('kill', 1000, 2)
      send(start(0), 1010)
      send(start(0, 1), 2010)
      send(start(1), 2020)
      expect(oracle.check(3000)).toHaveLength(wrong ? 0 : 1)
    }
  })

  it('objects to ends that are not true', () => {
    const { oracle, ledger, start, send } = watched()
    ledger.finish(start(0), SENT, 1010)
    expect(oracle.check(2000).join()).toContain('no send of its own has come through')
    ledger.finish(start(1), ALREADY, 1010)
    expect(oracle.check(2000).join()).toContain('another has sent, and nobody has')
    const unlogged = start(2)
    send(unlogged, 1010, false)
    ledger.finish(unlogged, SENT, 1020)
    expect(oracle.check(2000).join()).toContain('before that was logged')
  })

  it('objects to who gives up while the receiver is there, and to who never ends', () => {
    const { oracle, ledger, receiver, start } = watched()
    ledger.finish(start(0), TIMEOUT, 61_000)
    expect(oracle.check(61_000).join()).toContain('gave up')
    start(1)
    expect(oracle.check(60_000)).toEqual([])
    expect(oracle.check(70_000).join()).toContain('does not come to an end')
    expect(oracle.check(80_000)).toEqual([])
    receiver.breakDown(0, 60_000)
    ledger.finish(start(2), TIMEOUT, 61_000)
    expect(oracle.check(61_000)).toEqual([])
  })
})
