/** The notifier of a replica beside another one that grants everything, on fake timers. */
import { type Logger, pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Flush, SendOutcome } from '../../../src/alerting/core/flush.ts'
import { decodeClaimFrame, encodeClaimFrame } from '../../../src/alerting/notifier/claim-frames.ts'
import { NotifierDriver } from '../../../src/app/notifier-driver.ts'
import type { Member } from '../../../src/gossip/core/delegate.ts'

const RECEIVER = { groupName: 'pager', integration: 'webhook', idx: 0 }
const FLUSH: Flush = {
  groupKey: 'g',
  receiver: RECEIVER,
  firing: [1n],
  resolved: [],
  repeatIntervalMs: 3_600_000,
  sendResolved: true,
  flushedAtNs: 1_700_000_000_000_000_000n,
  timeoutMs: 20_000,
}

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

function member(name: string): Member {
  const endpoint = { addr: new Uint8Array(4), port: 1 }
  const state = { liveness: 'alive', peerClass: 'native', rttMs: undefined, incarnation: 1 } as const
  return { name, endpoint, meta: new Uint8Array(), isSelf: name === 'ana', ...state }
}

function setup(
  log: Logger = pino({ level: 'silent' }),
  bo: 'grants' | 'mute' = 'grants',
  hasLeft: () => boolean = () => false,
): { readonly driver: NotifierDriver; readonly written: Flush[] } {
  const written: Flush[] = []
  const driver: NotifierDriver = new NotifierDriver({
    name: 'ana',
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    log,
    peerTimeoutMs: 15_000,
    bootId: 1,
    members: () => [member('ana'), member('bo')],
    send: (_, bytes) => {
      const ask = decodeClaimFrame(bytes)
      if (ask?.kind !== 'ask' || ask.held || bo === 'mute') return
      const { work, boot, seq } = ask
      const grant = encodeClaimFrame({ kind: 'grant', sender: 'bo', boot: 2, work, to: { boot, seq } })
      setTimeout(() => driver.heard(grant), 1)
    },
    settled: () => true,
    hasLeft,
    entry: () => undefined,
    record: () => undefined,
    join: () => undefined,
    writeEntry: async (flush) => void written.push(flush),
  })
  driver.advertise(RECEIVER)
  const receivers = ['pager/webhook/0']
  driver.heard(encodeClaimFrame({ kind: 'announce', sender: 'bo', boot: 2, receivers }))
  return { driver, written }
}

describe('a send that ends after it was called off', () => {
  it('and has succeeded all the same is logged, and is no answer to the attempt that came after it', async () => {
    const { driver, written } = setup()
    const ends: ((outcome: SendOutcome) => void)[] = []
    const signals: AbortSignal[] = []
    const flushed = driver.flush(FLUSH, (_, signal) => {
      signals.push(signal)
      return new Promise((resolve) => void ends.push(resolve))
    })
    await vi.advanceTimersByTimeAsync(14_000)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
    ends[0]?.({ ok: true })
    await vi.advanceTimersByTimeAsync(0)
    expect(written).toEqual([FLUSH])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
    ends[1]?.({ ok: true })
    await vi.advanceTimersByTimeAsync(0)
    expect(await flushed).toEqual({ outcome: 'sent', reason: 'first' })
    expect(written).toHaveLength(2)
    await driver.close()
  })

  it('and has failed is no answer to the attempt that came after it', async () => {
    const { driver, written } = setup()
    const ends: ((outcome: SendOutcome) => void)[] = []
    const flushed = driver.flush(FLUSH, () => new Promise((resolve) => void ends.push(resolve)))
    await vi.advanceTimersByTimeAsync(14_000)
    ends[0]?.({ ok: false, retry: false, detail: 'aborted' })
    await vi.advanceTimersByTimeAsync(0)
    expect(driver.running).toBe(1)
    ends[1]?.({ ok: true })
    await vi.advanceTimersByTimeAsync(0)
    expect(await flushed).toEqual({ outcome: 'sent', reason: 'first' })
    expect(written).toEqual([FLUSH])
    await driver.close()
  })
})

describe('a receiver that fails', () => {
  it('is logged with the reason at once, then once a minute for each flush, and every attempt is counted', async () => {
    const lines: Record<string, unknown>[] = []
    const write = (line: string): void => void lines.push(JSON.parse(line))
    const { driver } = setup(pino({ level: 'warn' }, { write }))
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' })
    let attempts = 0
    const send = (): Promise<SendOutcome> => {
      attempts++
      return Promise.reject(new TypeError('fetch failed', { cause: refused }))
    }
    const flushed = driver.flush({ ...FLUSH, timeoutMs: 300_000 }, send)
    const failed = () => lines.filter(({ event }) => event === 'notification_attempt_failed')
    await vi.advanceTimersByTimeAsync(2000)
    const detail = 'TypeError: fetch failed: connect ECONNREFUSED 127.0.0.1:1'
    expect(attempts).toBeGreaterThan(1)
    expect(failed()).toMatchObject([
      { level: 40, groupKey: 'g', ...RECEIVER, attempt: 1, detail, retryInMs: 500 },
    ])
    expect(failed()[0]?.msg).toContain('next try in 0.5 s')
    await vi.advanceTimersByTimeAsync(296_000)
    expect(failed().length).toBeGreaterThan(1)
    expect(failed().length).toBeLessThanOrEqual(5)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await flushed).toEqual({ outcome: 'failed', reason: 'timeout', detail })
    expect(driver.stats).toMatchObject({ attempts_failed: attempts })
    expect(driver.stats.attempts_ok).toBeUndefined()
    await driver.close()
  })

  it('for good is one line, that of the flush', async () => {
    const events: unknown[] = []
    const write = (line: string): void => void events.push(JSON.parse(line).event)
    const { driver } = setup(pino({ level: 'warn' }, { write }))
    const flushed = driver.flush(FLUSH, async () => ({ ok: false, retry: false, detail: 'no such channel' }))
    await vi.advanceTimersByTimeAsync(2000)
    expect(await flushed).toMatchObject({ reason: 'send-failed' })
    expect(events).toEqual(['notification_failed'])
    await driver.close()
  })
})

describe('a member that does not answer', () => {
  it('is logged with what follows from it', async () => {
    const lines: Record<string, unknown>[] = []
    const write = (line: string): void => void lines.push(JSON.parse(line))
    const { driver } = setup(pino({ level: 'warn' }, { write }), 'mute')
    const flushed = driver.flush(FLUSH, async () => ({ ok: true }))
    await vi.advanceTimersByTimeAsync(6000)
    expect(await flushed).toMatchObject({ outcome: 'sent' })
    expect(lines).toMatchObject([
      { event: 'failed_open', msg: 'bo did not answer; sending without it; it may send as well' },
    ])
    await driver.close()
  })
})

describe('flushes that share a signal', () => {
  it('share a listener, leave none behind, and are all given up by it', async () => {
    const { driver } = setup()
    const { signal, abort } = observedSignal()
    const flushOf = (groupKey: string, send: () => Promise<SendOutcome>) =>
      driver.flush({ ...FLUSH, groupKey }, send, signal)
    const done = Array.from({ length: 50 }, (_, n) => flushOf(`done ${n}`, async () => ({ ok: true })))
    expect(signal.listeners.size).toBe(1)
    await vi.advanceTimersByTimeAsync(5000)
    expect(new Set((await Promise.all(done)).map(({ outcome }) => outcome))).toEqual(new Set(['sent']))
    expect(signal.listeners.size).toBe(0)
    const stuck = Array.from({ length: 50 }, (_, n) =>
      flushOf(`stuck ${n}`, () => new Promise(() => undefined)),
    )
    await vi.advanceTimersByTimeAsync(5000)
    abort()
    expect(new Set((await Promise.all(stuck)).map(({ reason }) => reason))).toEqual(new Set(['closed']))
    expect([signal.listeners.size, driver.running]).toEqual([0, 0])
    await driver.close()
  })
})

/** A signal that tells who listens to it. */
function observedSignal() {
  const controller = new AbortController()
  const listeners = new Set<unknown>()
  const { signal } = controller
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  const observed = Object.assign(signal, {
    listeners,
    addEventListener: (...args: Parameters<typeof add>) => {
      listeners.add(args[1])
      add(...args)
    },
    removeEventListener: (...args: Parameters<typeof remove>) => {
      listeners.delete(args[1])
      remove(...args)
    },
  })
  return { signal: observed, abort: () => controller.abort() }
}

describe('a replica that leaves its cluster and stays up', () => {
  const LEFT = { outcome: 'failed', reason: 'left' }

  it('ends what it sends and logs it, gives up the rest, and takes nothing on until it is back', async () => {
    let left = false
    const { driver, written } = setup(undefined, 'grants', () => left)
    const ends: ((outcome: SendOutcome) => void)[] = []
    const send = (): Promise<SendOutcome> => new Promise((resolve) => void ends.push(resolve))
    const sending = driver.flush(FLUSH, send)
    await vi.advanceTimersByTimeAsync(3000)
    expect(ends).toHaveLength(1)
    const queued = driver.flush(FLUSH, send)
    const claiming = driver.claim({ ...FLUSH, waitMs: 5000, leaseMs: 10_000 })
    left = true
    let isDone = false
    const departing = driver.depart().then(() => {
      isDone = true
    })
    expect(await queued).toMatchObject(LEFT)
    expect((await claiming).result).toMatchObject({ held: false, reason: 'left' })
    expect(await driver.flush(FLUSH, send)).toMatchObject(LEFT)
    const claim = { groupKey: 'h', receiver: RECEIVER, waitMs: 5000, leaseMs: 10_000 }
    expect((await driver.claim(claim)).result).toMatchObject({ held: false, reason: 'left' })
    expect([isDone, written]).toEqual([false, []])
    ends[0]?.({ ok: true })
    await departing
    expect([await sending, written]).toEqual([{ outcome: 'sent', reason: 'first' }, [FLUSH]])
    expect([ends.length, driver.running]).toEqual([1, 0])
    left = false
    void driver.flush({ ...FLUSH, groupKey: 'h' }, send)
    await vi.advanceTimersByTimeAsync(3000)
    expect(ends).toHaveLength(2)
    ends[1]?.({ ok: true })
    await driver.close()
  })

  it('does not try again, alone, what failed as it left', async () => {
    let left = false
    const { driver } = setup(undefined, 'grants', () => left)
    let attempts = 0
    let fail: () => void = () => undefined
    const flushed = driver.flush(FLUSH, () => {
      attempts++
      return new Promise((resolve) => {
        fail = () => resolve({ ok: false, retry: true, detail: 'refused' })
      })
    })
    await vi.advanceTimersByTimeAsync(3000)
    left = true
    const departing = driver.depart()
    await vi.advanceTimersByTimeAsync(6000)
    await departing
    fail()
    await vi.advanceTimersByTimeAsync(30_000)
    expect([attempts, (await flushed).outcome]).toEqual([1, 'failed'])
    await driver.close()
  })
})
