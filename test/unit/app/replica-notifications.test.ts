import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import type { NotificationAlert, OnceOptions, OnceResult, SendContext } from '../../../src/index.ts'
import { ANY_PORT, alive, openCluster, openEmbedded } from '../../support/embedded.ts'
import { until } from '../../support/until.ts'

const RECEIVER = { groupName: 'ops', integration: 'webhook' }
const DISK = { labels: { alertname: 'DiskFull', instance: 'a' } }
const SWAP = { labels: { alertname: 'SwapFull', instance: 'a' } }

function flushOf(groupKey: string, alerts: readonly NotificationAlert[] = [DISK]): OnceOptions {
  return { groupKey, receiver: RECEIVER, alerts, repeatInterval: '4h' }
}

function outcomesOf(results: readonly OnceResult[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome, reason } of results) {
    const name = `${outcome} ${reason}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

/** A send that goes on until it is let. */
function heldSend() {
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const contexts: SendContext[] = []
  const send = async (context: SendContext): Promise<void> => {
    contexts.push(context)
    await released
  }
  return { send, contexts, release }
}

describe('once, of three replicas', () => {
  it('sends each of 200 notifications exactly once, and tells every replica', async () => {
    const replicas = await openCluster('ana', 'ben', 'eve')
    const sends = new Map<string, string[]>()
    const flushAll = (alerts: readonly NotificationAlert[]): Promise<OnceResult[]> => {
      const flushes = Array.from({ length: 200 }, (_, n) => flushOf(`group ${n}`, alerts))
      return Promise.all(
        flushes.flatMap((flush) =>
          replicas.map((replica) =>
            replica.notifications.once(flush, ({ notificationId }) => {
              sends.set(flush.groupKey, [...(sends.get(flush.groupKey) ?? []), notificationId])
            }),
          ),
        ),
      )
    }
    expect(outcomesOf(await flushAll([DISK]))).toEqual({ 'sent first': 200, 'skipped already-notified': 400 })
    expect(outcomesOf(await flushAll([DISK]))).toEqual({ 'skipped already-notified': 600 })
    expect(outcomesOf(await flushAll([DISK, SWAP]))).toEqual({
      'sent new-alerts': 200,
      'skipped already-notified': 400,
    })
    expect([sends.size, [...sends.values()].every((ids) => ids.length === 2)]).toEqual([200, true])
    expect(new Set([...sends.values()].flat()).size).toBe(400)
    for (const { notifications } of replicas) {
      expect(notifications.query({ groupKey: 'group 7', receiver: RECEIVER })?.firing).toHaveLength(2)
    }
  })

  it('does not wait for one that never calls for longer than its turn', async () => {
    const [ana, ben, eve] = await openCluster('ana', 'ben', 'eve')
    for (const { notifications } of [ana, ben, eve]) notifications.advertise(RECEIVER)
    const groups = Array.from({ length: 12 }, (_, n) => `group ${n}`)
    const senders: string[] = []
    const startedMs = performance.now()
    await Promise.all(
      groups.map((group) => ben.notifications.once(flushOf(group), () => void senders.push(group))),
    )
    expect(senders).toHaveLength(12)
    // Its rank is 2 at worst.
    expect(performance.now() - startedMs).toBeLessThan(4000)
  })

  it('has no second sender while the receiver answers with errors', async () => {
    const replicas = await openCluster('ana', 'ben', 'eve')
    const attempts: [string, number][] = []
    const ids = new Set<string>()
    const results = await Promise.all(
      replicas.map((replica) =>
        replica.notifications.once(flushOf('g'), ({ attempt, notificationId }) => {
          attempts.push([replica.name, attempt])
          ids.add(notificationId)
          if (attempts.length < 4) throw new Error('500')
        }),
      ),
    )
    expect(outcomesOf(results)).toEqual({ 'sent first': 1, 'skipped already-notified': 2 })
    expect([new Set(attempts.map(([name]) => name)).size, ids.size]).toEqual([1, 1])
    expect(attempts.map(([, attempt]) => attempt)).toEqual([1, 2, 3, 4])
  })

  it('lets another try at once when a send has failed for good', async () => {
    const [ana, ben] = await openCluster('ana', 'ben')
    const failure = Object.assign(new Error('unauthorized'), { retry: false })
    const failing = ana.notifications.once(flushOf('g'), () => Promise.reject(failure))
    await expect(failing).resolves.toEqual({
      outcome: 'failed',
      reason: 'send-failed',
      detail: 'Error: unauthorized',
      error: failure,
    })
    const impatient = ana.notifications.once({ ...flushOf('g'), retry: false }, () => {
      throw 'text'
    })
    expect(await impatient).toMatchObject({ outcome: 'failed', reason: 'send-failed', error: 'text' })
    expect(await ben.notifications.once(flushOf('g'), () => undefined)).toEqual({
      outcome: 'sent',
      reason: 'first',
    })
  })

  it('hands over what it had not begun when it closes, and ends what it was sending', async () => {
    const [ana, ben] = await openCluster('ana', 'ben')
    const held = heldSend()
    const sending = ana.notifications.once(flushOf('sending'), held.send)
    await until(() => held.contexts.length === 1)
    const failing = ana.notifications.once(flushOf('failing'), () => Promise.reject(new Error('500')))
    const others = [ben.notifications.once(flushOf('sending'), () => Promise.reject(new Error('twice')))]
    const taken: string[] = []
    others.push(ben.notifications.once(flushOf('failing'), () => void taken.push('failing')))
    const closing = ana.close()
    expect(await failing).toMatchObject({ outcome: 'failed', reason: 'closed' })
    held.release()
    expect(await sending).toEqual({ outcome: 'sent', reason: 'first' })
    await closing
    expect(outcomesOf(await Promise.all(others))).toEqual({
      'skipped already-notified': 1,
      'sent first': 1,
    })
    expect(taken).toEqual(['failing'])
    const late = await ana.notifications.once(flushOf('late'), () => undefined)
    expect(late).toMatchObject({ outcome: 'failed', reason: 'closed' })
  })

  it('does not try again while it closes', async () => {
    const replica = await openEmbedded()
    let fail = (_error: Error): void => undefined
    const attempts: number[] = []
    const flush = replica.notifications.once(flushOf('g'), ({ attempt }) => {
      attempts.push(attempt)
      return new Promise((_resolve, reject) => {
        fail = reject
      })
    })
    await until(() => attempts.length === 1)
    const closing = replica.close()
    await Promise.resolve()
    fail(new Error('500'))
    expect(await flush).toMatchObject({ outcome: 'failed', reason: 'send-failed', detail: 'Error: 500' })
    await closing
    expect(attempts).toEqual([1])
  })

  it('is called off by its signal, which the send hears, and another sends', async () => {
    const [ana, ben] = await openCluster('ana', 'ben')
    const aborter = new AbortController()
    const heard: unknown[] = []
    const flush = ana.notifications.once(
      { ...flushOf('g'), signal: aborter.signal },
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          heard.push('sending')
          signal.addEventListener('abort', () => {
            heard.push('aborted')
            reject(signal.reason)
          })
        }),
    )
    await until(() => heard.length === 1)
    aborter.abort(new Error('enough'))
    await expect(flush).rejects.toThrow('enough')
    expect(heard).toEqual(['sending', 'aborted'])
    expect((await ben.notifications.once(flushOf('g'), () => undefined)).outcome).toBe('sent')
    const early = ana.notifications.once(
      { ...flushOf('g2'), signal: AbortSignal.abort('gone') },
      () => undefined,
    )
    await expect(early).rejects.toBe('gone')
  })
})

describe('a process that was stopped, or too busy to hear', () => {
  it('hears what came meanwhile before it takes silence for consent', async () => {
    const lines: string[] = []
    const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
    const ana = await openEmbedded({ name: 'ana', gossip: ANY_PORT, log })
    const peers = [ana.gossipAddress ?? '']
    const ben = await openEmbedded({ name: 'ben', gossip: { ...ANY_PORT, peers } })
    await until(() => alive(ana).length === 2 && alive(ben).length === 2)
    await ana.ready()
    await ana.notifications.once(flushOf('before'), () => undefined)
    const flush = ana.notifications.once(flushOf('g'), () => undefined)
    await Promise.resolve()
    const untilMs = performance.now() + 1200
    while (performance.now() < untilMs);
    expect((await flush).outcome).toBe('sent')
    const events = lines.map((line) => JSON.parse(line).event)
    expect(events.filter((event) => event === 'notification_sent')).toHaveLength(2)
    expect(events).not.toContain('failed_open')
  })
})

describe('once, of a replica alone', () => {
  it('tells the send what it needs, and keeps what it gives', async () => {
    const { notifications } = await openEmbedded()
    const contexts: SendContext[] = []
    const sendAll = async (alerts: readonly NotificationAlert[]): Promise<OnceResult> =>
      notifications.once(flushOf('g', alerts), (context) => {
        contexts.push(context)
        return { receiverData: { thread: `T${contexts.length}`, count: 2n, ratio: 0.5 } }
      })
    const endless = { ...SWAP, endsAt: '0001-01-01T00:00:00Z' }
    expect(notifications.decide(flushOf('endless', [endless])).reason).toBe('first')
    const swapEnded = { ...SWAP, endsAt: new Date(Date.now() - 1000), note: 'mine' }
    expect(await sendAll([DISK, SWAP, SWAP])).toEqual({ outcome: 'sent', reason: 'first' })
    expect(await sendAll([DISK, swapEnded])).toEqual({ outcome: 'sent', reason: 'resolved' })
    const ended = { ...DISK, status: 'resolved' } as const
    expect(await sendAll([ended])).toEqual({ outcome: 'sent', reason: 'all-resolved' })
    expect(await sendAll([ended])).toEqual({ outcome: 'skipped', reason: 'nothing-to-notify' })
    expect(await sendAll([DISK])).toEqual({ outcome: 'sent', reason: 'first' })
    expect(contexts.map(({ firing, resolved }) => [firing, resolved])).toEqual([
      [[DISK, SWAP], []],
      [[DISK], [swapEnded]],
      [[], [ended]],
      [[DISK], []],
    ])
    expect(contexts.map(({ receiverData }) => receiverData.get('thread'))).toEqual([
      undefined,
      'T1',
      'T2',
      undefined,
    ])
    expect(contexts[1]?.receiverData.get('count')).toBe(2n)
  })

  it('tells a receiver without interest in resolved alerts nothing, but logs them', async () => {
    const { notifications } = await openEmbedded()
    const contexts: SendContext[] = []
    const sendAll = (alerts: readonly NotificationAlert[]): Promise<OnceResult> =>
      notifications.once(
        { ...flushOf('g', alerts), sendResolved: false },
        (context) => void contexts.push(context),
      )
    await sendAll([DISK, { ...SWAP, status: 'resolved' }])
    expect(contexts[0]).toMatchObject({ firing: [DISK], resolved: [] })
    const muted = await sendAll([{ ...DISK, status: 'resolved' }])
    expect([muted, contexts.length]).toEqual([{ outcome: 'skipped', reason: 'nothing-to-notify' }, 1])
    expect(notifications.query({ groupKey: 'g', receiver: RECEIVER })).toMatchObject({
      firing: [],
      resolved: [notifications.labelHash(DISK.labels)],
    })
    expect((await sendAll([DISK])).reason).toBe('first')
    expect(await sendAll([])).toEqual({ outcome: 'skipped', reason: 'nothing-to-notify' })
  })

  it('logs a send that ends after its time', async () => {
    const { notifications } = await openEmbedded()
    const held = heldSend()
    const result = await notifications.once({ ...flushOf('g'), timeout: '50ms' }, held.send)
    expect(result).toMatchObject({ outcome: 'failed', reason: 'timeout' })
    expect(held.contexts[0]?.signal.aborted).toBe(true)
    held.release()
    await until(() => notifications.query({ groupKey: 'g', receiver: RECEIVER }) !== undefined)
  })

  it('says after the send that what it gave cannot be kept', async () => {
    const { notifications } = await openEmbedded()
    const bad = notifications.once(flushOf('g'), () => ({ receiverData: { when: new Date() } }))
    await expect(bad).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    expect(notifications.query({ groupKey: 'g', receiver: RECEIVER })?.firing).toHaveLength(1)
  })

  it('counts what was logged without it', async () => {
    const { notifications } = await openEmbedded()
    expect(notifications.query({ groupKey: 'g', receiver: RECEIVER })).toBeUndefined()
    const { entry, acked } = await notifications.log({
      groupKey: 'g',
      receiver: { ...RECEIVER, idx: 2 },
      alerts: [DISK],
      receiverData: new Map([['thread', 'T1']]),
    })
    expect([entry.receiver.idx, acked.length, entry.receiverData.get('thread')]).toEqual([2, 1, 'T1'])
    expect(entry.expiresAt.getTime() - entry.timestamp.getTime()).toBe(120 * 3_600_000)
    expect(notifications.decide({ ...flushOf('g'), receiver: { ...RECEIVER, idx: 2 } })).toEqual({
      notify: false,
      reason: 'already-notified',
      last: entry,
    })
  })

  it('names groups and alerts as Alertmanager does', async () => {
    const { notifications } = await openEmbedded()
    expect(notifications.groupKey([[], ['team="x"']], { alertname: 'foo' })).toBe(
      '{}/{team="x"}:{alertname="foo"}',
    )
    expect(notifications.labelHash({})).toBe(0xef46db3751d8e999n)
  })
})

describe('options of notifications', () => {
  const noText = 7 as unknown as string
  it.each<[object, string]>([
    [{ groupkey: 'g' }, 'groupkey is no option'],
    [{ groupKey: '' }, 'groupKey'],
    [{ groupKey: '\ud800' }, 'groupKey'],
    [{ groupKey: 'x'.repeat(4096) }, '4096 bytes'],
    [{ receiver: 'ops' }, 'receiver must be an object'],
    [{ receiver: { ...RECEIVER, name: 'x' } }, 'receiver.name is no option'],
    [{ receiver: { ...RECEIVER, idx: 0.5 } }, 'receiver.idx'],
    [{ receiver: { groupName: 'x' } }, 'receiver.integration'],
    [{ alerts: DISK }, 'alerts must be a list'],
    [{ alerts: [{}] }, 'alerts[0].labels'],
    [{ alerts: [{ labels: { a: noText } }] }, 'alerts[0].labels.a'],
    [{ alerts: [{ ...DISK, status: 'gone' }] }, 'alerts[0].status'],
    [{ alerts: Array(10_001).fill(DISK) }, 'at most 10000'],
    [{ repeatInterval: undefined }, 'repeatInterval'],
    [{ repeatInterval: -1 }, 'repeatInterval'],
    [{ sendResolved: 'no' }, 'sendResolved'],
    [{ timeout: 0 }, 'timeout'],
    [{ timeout: '25h' }, 'timeout'],
    [{ retry: 3 }, 'retry'],
  ])('%j is refused', async (wrong, said) => {
    const { notifications } = await openEmbedded()
    const options = { ...flushOf('g'), ...wrong } as OnceOptions
    const refused = notifications.once(options, () => undefined)
    await expect(refused).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining(said),
    })
  })

  it('other wrong values are refused with codes of their own', async () => {
    const { notifications } = await openEmbedded()
    const once = (wrong: object): Promise<OnceResult> =>
      notifications.once({ ...flushOf('g'), ...wrong }, () => undefined)
    await expect(once({ repeatInterval: '4 hours' })).rejects.toMatchObject({ code: 'DURATION_MALFORMED' })
    await expect(once({ flushedAt: 'noon' })).rejects.toMatchObject({ code: 'DATE_MALFORMED' })
    const noSend = notifications.once(flushOf('g'), undefined as unknown as () => void)
    await expect(noSend).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    expect(() => notifications.query({ groupKey: 'g', receiver: { groupName: 'x' } as never })).toThrow(
      'integration',
    )
    const wrongData = notifications.log({ ...flushOf('g'), receiverData: { n: 2n ** 63n } })
    await expect(wrongData).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})
