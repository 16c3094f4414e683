/** The notifiers of two replicas, wired to each other on fake timers: what they do when a log cannot be written. */
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Flush, FlushResult } from '../../../src/alerting/core/flush.ts'
import { nanosFromMs } from '../../../src/alerting/core/nanos.ts'
import { notificationKey } from '../../../src/alerting/core/receiver.ts'
import { NotificationLog } from '../../../src/alerting/notification-log.ts'
import type { NotifierDriver } from '../../../src/app/notifier-driver.ts'
import { createNotifierDriver } from '../../../src/app/replica-notifier.ts'
import { HearsayError } from '../../../src/base/errors.ts'
import { Tally } from '../../../src/base/tally.ts'
import type { Member } from '../../../src/gossip/core/delegate.ts'
import { localAcks } from '../../support/memory-facades.ts'
import { memoryRecords } from '../../support/memory-records.ts'

const NAMES = ['ana', 'bo'] as const
const RECEIVER = { groupName: 'pager', integration: 'webhook', idx: 0 }
const KEY = notificationKey('g', RECEIVER)
const HOUR_MS = 3_600_000

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

interface Node {
  readonly driver: NotifierDriver
  readonly log: NotificationLog
  isDiskFull: boolean
}

function member(name: string, self: string): Member {
  const endpoint = { addr: new Uint8Array(4), port: 1 }
  const state = { liveness: 'alive', peerClass: 'native', rttMs: undefined, incarnation: 1 } as const
  return { name, endpoint, meta: new Uint8Array(), isSelf: name === self, ...state }
}

/** No gossip: an entry comes to the other one with a denial, or not at all. */
function node(name: string, send: (peer: string, frame: Uint8Array) => void): Node {
  const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }
  const memory = memoryRecords()
  const records: typeof memory = {
    ...memory,
    write: (table, operation) => {
      if (self.isDiskFull) return Promise.reject(new HearsayError('STORE_DISK_FULL', 'no space left'))
      return memory.write(table, operation)
    },
  }
  const log = new NotificationLog(records, clock, { retentionMs: 120 * HOUR_MS })
  const driver = createNotifierDriver({
    name,
    clock,
    logger: pino({ level: 'silent' }),
    peerTimeoutMs: 15_000,
    members: () => NAMES.map((other) => member(other, name)),
    send,
    settled: () => true,
    hasLeft: () => false,
    log,
    acks: localAcks(),
    receive: ({ records: puts }) => {
      if (!self.isDiskFull) memory.merge(puts)
    },
    dropped: new Tally(),
  })
  const self: Node = { driver, log, isDiskFull: false }
  return self
}

function pair(): {
  readonly nodes: Readonly<Record<'ana' | 'bo', Node>>
  readonly sends: string[]
  flush: Flushes
} {
  const carry = (to: string, frame: Uint8Array): void => {
    setTimeout(() => (to === 'ana' ? nodes.ana : nodes.bo).driver.heard(frame), 1)
  }
  const nodes = { ana: node('ana', carry), bo: node('bo', carry) }
  for (const { driver } of Object.values(nodes)) driver.advertise(RECEIVER)
  const sends: string[] = []
  const flush: Flushes = (name, changed = {}, data = new Map()) => {
    const whole: Flush = {
      groupKey: 'g',
      receiver: RECEIVER,
      firing: [1n],
      resolved: [],
      repeatIntervalMs: 4 * HOUR_MS,
      sendResolved: true,
      flushedAtNs: nanosFromMs(Date.now()),
      timeoutMs: 60_000,
      ...changed,
    }
    return nodes[name].driver.flush(whole, async () => {
      sends.push(name)
      return { ok: true, receiverData: data }
    })
  }
  return { nodes, sends, flush }
}

type Flushes = (
  name: 'ana' | 'bo',
  changed?: Partial<Flush>,
  data?: ReadonlyMap<string, string>,
) => Promise<FlushResult>

describe('a replica whose log cannot be written', () => {
  it('remembers what it has sent, does not repeat it, and gives it to who would', async () => {
    const { nodes, sends, flush } = pair()
    nodes.ana.isDiskFull = true
    const first = flush('ana')
    await vi.advanceTimersByTimeAsync(3000)
    expect(await first).toEqual({ outcome: 'sent', reason: 'first' })
    expect([...nodes.ana.log.keys()]).toEqual([])
    expect(nodes.ana.log.get(KEY)?.firing).toEqual([1n])
    for (let minutes = 0; minutes < 3; minutes++) {
      const later = [flush('ana'), flush('bo')]
      await vi.advanceTimersByTimeAsync(60_000)
      for (const flushed of later) {
        expect(await flushed).toEqual({ outcome: 'skipped', reason: 'already-notified' })
      }
    }
    expect(sends).toEqual(['ana'])
    expect(nodes.bo.log.get(KEY)?.firing).toEqual([1n])
    nodes.ana.isDiskFull = false
    const more = flush('ana', { firing: [1n, 2n] })
    await vi.advanceTimersByTimeAsync(3000)
    expect(await more).toEqual({ outcome: 'sent', reason: 'new-alerts' })
    expect(nodes.ana.log.get(KEY)?.firing).toEqual([1n, 2n])
    for (const { driver } of Object.values(nodes)) await driver.close()
  })

  it('believes what it is told about the notifications of others, though it cannot keep it', async () => {
    const { nodes, sends, flush } = pair()
    nodes.bo.isDiskFull = true
    const first = flush('ana')
    await vi.advanceTimersByTimeAsync(3000)
    await first
    const second = flush('bo')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await second).toEqual({ outcome: 'skipped', reason: 'already-notified' })
    expect(sends).toEqual(['ana'])
    for (const { driver } of Object.values(nodes)) await driver.close()
  })

  it('for too much data logs it without them, and sends it no second time', async () => {
    const { nodes, sends, flush } = pair()
    const half = (key: string): ReadonlyMap<string, string> => new Map([[key, 'x'.repeat(3 * 1024 * 1024)]])
    for (const [firing, key] of [
      [[1n], 'a'],
      [[1n, 2n], 'b'],
    ] as const) {
      const flushed = flush('ana', { firing }, half(key))
      await vi.advanceTimersByTimeAsync(3000)
      expect(await flushed).toMatchObject({ outcome: 'sent' })
      expect(nodes.ana.log.get(KEY)?.firing).toEqual(firing)
      expect([...(nodes.ana.log.get(KEY)?.receiverData.keys() ?? [])]).toEqual(['a'])
    }
    expect(sends).toHaveLength(2)
    for (const { driver } of Object.values(nodes)) await driver.close()
  })

  it('forgets when the log would have', async () => {
    const { nodes, sends, flush } = pair()
    nodes.ana.isDiskFull = true
    const first = flush('ana')
    await vi.advanceTimersByTimeAsync(3000)
    await first
    vi.setSystemTime(Date.now() + 9 * HOUR_MS)
    const later = flush('ana')
    await vi.advanceTimersByTimeAsync(3000)
    expect(await later).toEqual({ outcome: 'sent', reason: 'first' })
    expect(sends).toEqual(['ana', 'ana'])
    for (const { driver } of Object.values(nodes)) await driver.close()
  })
})
