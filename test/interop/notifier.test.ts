/**
 * `examples/notifier`: three replicas of it, a real Prometheus, a real amtool, and a webhook that counts. One story in
 * parts, each going on where the one before it ended. Nothing waits for a time: "no webhook" is judged once every replica
 * has flushed the group so often that it had to send one, had it wanted to.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ALERTMANAGER, amtool } from '../support/alertmanager.ts'
import { installedProject, type Project } from '../support/installed-package.ts'
import { members } from '../support/mixed-cluster.ts'
import { NotifierProcess } from '../support/notifier-process.ts'
import { PROMETHEUS, type Prometheus, startPrometheus } from '../support/prometheus.ts'
import { requirement } from '../support/requirement.ts'
import { until } from '../support/until.ts'
import { type Webhook, WebhookSink } from '../support/webhook-sink.ts'

const NAMES = ['ana', 'ben', 'cem']
const REPEAT_MS = 2000
const INTERVAL_MS = 400
const FLUSHES_OF_TWO_REPEATS = (2 * REPEAT_MS) / INTERVAL_MS
/** Two clocks and the way to the webhook are in the measured time between two webhooks. */
const TOLERANCE_MS = 50
const GROUP = '{}:{alertname="DiskFull"}'
const RULE = {
  alert: 'DiskFull',
  expr: 'vector(1)',
  labels: { severity: 'page', instance: 'db-1' },
  annotations: { summary: 'no room' },
}
const NEEDED = {
  name: 'prometheus or amtool',
  present: PROMETHEUS.present && ALERTMANAGER.present,
  install: `${PROMETHEUS.install}; ${ALERTMANAGER.install}`,
}

requirement(NEEDED)('three notifiers and a real Prometheus', () => {
  let project: Project
  let sink: WebhookSink
  let prometheus: Prometheus
  const notifiers: NotifierProcess[] = []

  beforeAll(async () => {
    project = installedProject()
    project.copyExample('notifier')
    sink = await WebhookSink.open()
    const args = [
      '--group-wait=200ms',
      `--group-interval=${INTERVAL_MS}ms`,
      `--repeat-interval=${REPEAT_MS}ms`,
    ]
    for (const name of NAMES) {
      const peers = notifiers.map(({ gossipAddress }) => gossipAddress)
      const options = { folder: project.folder, webhook: sink.url, name, peers, args }
      notifiers.push(await NotifierProcess.start(options))
    }
    for (const { url } of notifiers) await members(url, NAMES.length)
    prometheus = await startPrometheus({ alertmanagers: notifiers.map(({ url }) => url), rules: [RULE] })
  })

  afterAll(async () => {
    await prometheus?.stop()
    await Promise.all(notifiers.map((notifier) => notifier.kill()))
    await sink?.close()
    project?.remove()
  })

  const running = (): readonly NotifierProcess[] => notifiers.filter(({ isRunning }) => isRunning)
  const senderOf = ({ payload }: Webhook): NotifierProcess | undefined =>
    notifiers.find(({ url }) => url === payload.externalURL)
  const last = (): Webhook => sink.received.at(-1) ?? expect.fail('no webhook yet')

  /** Until each replica that runs has ended `count` more flushes of which this is true. */
  async function flushed(count: number, isMeant = (_detail: string): boolean => true): Promise<void> {
    const meant = ({ flushes }: NotifierProcess): number =>
      flushes.filter(({ detail }) => isMeant(detail)).length
    const before = new Map(running().map((notifier) => [notifier, meant(notifier)]))
    await until(() => [...before].every(([notifier, seen]) => meant(notifier) >= seen + count), 25_000)
  }

  async function received(count: number): Promise<void> {
    await until(() => sink.received.length >= count, 25_000)
  }

  /** Until no replica is between its send and its word of it; what was killed has had its last word. */
  async function counted(): Promise<void> {
    await until(() => sent() === sink.received.length)
  }

  const sent = (): number => notifiers.reduce((sum, notifier) => sum + notifier.count('sent'), 0)
  const sentFor = (reason: string): number =>
    notifiers.reduce((sum, notifier) => sum + notifier.count('sent', reason), 0)

  /** Of the webhooks from `from` on: no two of one notification, and a repeat never before its time. */
  function expectNoDuplicates(from: number): void {
    const keys = sink.received.map(({ idempotencyKey }) => idempotencyKey)
    expect(new Set(keys).size).toBe(keys.length)
    const times = sink.received.slice(from).map(({ atMs }) => atMs)
    const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0))
    expect(gaps.filter((gapMs) => gapMs < REPEAT_MS - TOLERANCE_MS)).toEqual([])
  }

  it('send one webhook for a rule that fires, as an Alertmanager would write it', async () => {
    await flushed(3)
    await counted()
    expect(sentFor('first')).toBe(1)
    // On a slow machine a repeat may be due by now.
    const repeats = sentFor('repeat')
    expect(sink.received).toHaveLength(1 + repeats)
    const first = sink.received[0] ?? expect.fail('no webhook')
    const { payload, idempotencyKey } = first
    expect(idempotencyKey).toMatch(/^[0-9a-f]{16}$/)
    const labels = { alertname: 'DiskFull', ...RULE.labels }
    expect(payload).toEqual({
      version: '4',
      groupKey: GROUP,
      truncatedAlerts: 0,
      status: 'firing',
      receiver: 'ops',
      groupLabels: { alertname: 'DiskFull' },
      commonLabels: labels,
      commonAnnotations: RULE.annotations,
      externalURL: senderOf(first)?.url,
      alerts: [
        {
          status: 'firing',
          labels,
          annotations: RULE.annotations,
          startsAt: expect.stringMatching(/^20\d\d-.*Z$/),
          endsAt: '0001-01-01T00:00:00Z',
          generatorURL: expect.stringMatching(/^http:\/\/.*\/graph\?/),
          fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
      ],
    })
  })

  it('repeat it once in each repeat interval', async () => {
    await received(3)
    await counted()
    expectNoDuplicates(0)
  })

  it('send nothing while amtool has silenced it at one of them, and go on when the silence has ended', async () => {
    const [first, second, third] = notifiers.map(({ url }) => url)
    const add = ['silence', 'add', 'alertname=DiskFull', '--comment=swap', '--author=ana', '--duration=1h']
    const added = await amtool(second ?? '', ...add)
    expect(added).toMatchObject({ code: 0, stderr: '' })
    const isSilenced = (detail: string): boolean => detail === '1 silenced'
    await flushed(1, isSilenced)
    const before = sink.received.length
    await flushed(FLUSHES_OF_TWO_REPEATS, isSilenced)
    expect(sink.received).toHaveLength(before)

    expect(await amtool(third ?? '', 'silence', 'expire', added.stdout.trim())).toMatchObject({ code: 0 })
    expect((await amtool(first ?? '', 'silence', 'query')).stdout).not.toContain('DiskFull')
    await received(before + 2)
    await counted()
    expectNoDuplicates(0)
  })

  it('go on without the sender when it is killed, and the next notification leaves once', async () => {
    await counted()
    const [before, dueMs, owner] = [sink.received.length, last().atMs + REPEAT_MS, senderOf(last())]
    await owner?.kill()
    await received(before + 1)
    const takeoverMs = last().atMs - dueMs
    process.stderr.write(`take-over: ${Math.round(takeoverMs)} ms after it was due\n`)
    expect(NAMES).toContain(senderOf(last())?.name)
    expect(senderOf(last())).not.toBe(owner)
    expect(takeoverMs).toBeLessThan(8000)
    await received(before + 2)
    await counted()
    expectNoDuplicates(0)
  })

  it('send one webhook when it has resolved, and one when it fires again', async () => {
    const [before, firsts] = [sink.received.length, sentFor('first')]
    await prometheus.setRules([{ ...RULE, expr: 'vector(1) > 1' }])
    await until(() => last().payload.status === 'resolved', 25_000)
    await until(() => running().every((notifier) => notifier.flushes.at(-1)?.reason !== 'already-notified'))
    await prometheus.setRules([RULE])
    await until(() => last().payload.status === 'firing', 25_000)
    await flushed(2)
    await counted()
    expect([sentFor('all-resolved'), sentFor('first')]).toEqual([1, firsts + 1])
    const statuses = sink.received.slice(before).map(({ payload }) => payload.status)
    // Beside these two there are only repeats, before and after.
    expect(statuses.join(' ')).toMatch(/^(firing )*resolved firing( firing)*$/)
    expect(new Set(sink.received.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(sink.received.length)
  })

  it('end by SIGTERM with code 0', async () => {
    const left = running()
    expect(left).toHaveLength(2)
    for (const notifier of left) expect(await notifier.stop()).toBe(0)
    process.stderr.write(
      `webhooks: ${sink.received.length}; ${notifiers.map((n) => `${n.name} ${n.count('sent')}`).join(', ')}\n`,
    )
    expect(sent()).toBe(sink.received.length)
    expect(notifiers.map((notifier) => notifier.count('failed'))).toEqual([0, 0, 0])
  })
})
