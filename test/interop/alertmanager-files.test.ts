/**
 * A real Alertmanager's own files: its notification log holds the keys, hashes and bytes that we make for the same route
 * and alerts, and a replica restored from the files serves what the Alertmanager served.
 */
import { readFileSync, truncateSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readDelimited } from '../../src/alerting/core/delimited.ts'
import { groupKey } from '../../src/alerting/core/group-key.ts'
import { labelHash } from '../../src/alerting/core/label-hash.ts'
import { matcher } from '../../src/alerting/core/matcher.ts'
import type { Notification } from '../../src/alerting/core/notification.ts'
import { encodeNotification, notificationFromRecord } from '../../src/alerting/core/notification-codec.ts'
import { loadXxHash64 } from '../../src/app/xx-hash.ts'
import { ALERTMANAGER, type Alertmanager, amtool, startAlertmanager } from '../support/alertmanager.ts'
import { Command } from '../support/command.ts'
import { ReplicaProcess } from '../support/replica-process.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

const ODD = 'C:\\dir "q"\n\té\u{1f642}\u200b\u007f'
const LABELS = { alertname: 'Disk', path: ODD, path0: 'x', team: 'a"b\\', env: 'prod', severity: 'critical' }
const OTHER = { alertname: 'Other', zone: 'é' }

function config(webhookUrl: string): string {
  return `
route:
  receiver: plain
  group_by: [alertname, path, path0]
  group_wait: 0s
  routes:
    - match_re: {severity: crit.*}
      matchers: ['team="a\\"b\\\\"', 'env=~"pr.*"', 'env!~"x"', 'env!=""']
      receiver: 'odd/é'
      routes:
        - matchers: [node != "x"]
receivers:
  - name: plain
    webhook_configs: [{url: '${webhookUrl}'}]
  - name: 'odd/é'
    webhook_configs: [{url: '${webhookUrl}'}, {url: '${webhookUrl}'}]
`
}

/** Every matcher of the middle route, however its configuration spells it. */
const NESTED = [
  [],
  [
    matcher('severity', '=~', '^(?:crit.*)$'),
    matcher('team', '=', 'a"b\\'),
    matcher('env', '=~', 'pr.*'),
    matcher('env', '!~', 'x'),
    matcher('env', '!=', ''),
  ],
  [matcher('node', '!=', 'x')],
]

/** An Alertmanager that notifies a server of ours; its storage stays when it is stopped. */
async function notifying(
  peers?: readonly string[],
): Promise<{ am: Alertmanager; storagePath: string; hooks: () => number }> {
  let hooks = 0
  const server = createServer((request, response) => {
    hooks++
    request.resume()
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const storagePath = tempDir()
  const am = await startAlertmanager({
    ...(peers === undefined ? { standalone: true } : { peers }),
    storagePath,
    config: config(url),
  })
  onTestFinished(() => am.kill())
  return { am, storagePath, hooks: () => hooks }
}

async function post(url: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status, url).toBe(200)
  const text = await response.text()
  return text === '' ? undefined : JSON.parse(text)
}

function logEntries(path: string): { bytes: Uint8Array; entry: Notification }[] {
  const entries: { bytes: Uint8Array; entry: Notification }[] = []
  const file = Uint8Array.from(readFileSync(path))
  const whole = readDelimited(file, (bytes) => {
    const entry = notificationFromRecord({ bytes, versionNs: 0n, expiresAtMs: 0 })
    return entry !== undefined && entries.push({ bytes, entry }) > 0
  })
  expect(whole).toBe(true)
  return entries
}

async function silencesAt(url: string): Promise<ReadonlyMap<string, unknown>> {
  const list = (await (await fetch(`${url}/api/v2/silences`)).json()) as {
    id: string
    annotations?: unknown
  }[]
  return new Map(list.map(({ annotations: _, ...silence }) => [silence.id, silence]))
}

async function logAt(url: string): Promise<readonly Record<string, unknown>[]> {
  const page = (await (await fetch(`${url}/api/v1/notifications`)).json()) as {
    items: Record<string, unknown>[]
  }
  return page.items
}

requirement(ALERTMANAGER)('the files of a real Alertmanager', () => {
  it('name groups, receivers and alerts by the very bytes that we do', { timeout: 60_000 }, async () => {
    const { am, storagePath, hooks } = await notifying()
    await post(`${am.url}/api/v2/alerts`, [{ labels: LABELS }, { labels: OTHER }])
    await until(() => hooks() === 3, 20_000)
    // A webhook that has been answered is logged soon after, and there is no way to ask when.
    const logged = () => am.log().match(/msg="Notify success"/g)?.length ?? 0
    await until(() => logged() === 3, 20_000).catch(() => undefined)
    await am.stop()

    const hash = await loadXxHash64()
    const { alertname, path, path0 } = LABELS
    const odd = {
      groupKey: groupKey(NESTED, { alertname, path, path0 }, 'printed'),
      firing: [labelHash(LABELS, hash)],
    }
    const plain = { groupKey: groupKey([[]], { alertname: 'Other' }), firing: [labelHash(OTHER, hash)] }
    const receiver = (groupName: string, idx: number) => ({ groupName, integration: 'webhook', idx })
    const ours = [
      { ...odd, receiver: receiver('odd/é', 0) },
      { ...odd, receiver: receiver('odd/é', 1) },
      { ...plain, receiver: receiver('plain', 0) },
    ]
    const theirs = logEntries(join(storagePath, 'nflog'))
    expect(
      new Set(theirs.map(({ entry: { groupKey, firing, receiver } }) => ({ groupKey, firing, receiver }))),
    ).toEqual(new Set(ours))
    for (const { bytes, entry } of theirs) {
      const { timestampNs, expiresAtNs } = entry
      const same = ours.filter((one) => {
        const written = { ...one, timestampNs, expiresAtNs, resolved: [], receiverData: new Map() }
        return Buffer.compare(encodeNotification(written).bytes, bytes) === 0
      })
      expect(same, entry.groupKey).toHaveLength(1)
    }
  })

  it('restore into a replica that holds them all and serves the same silences', {
    timeout: 60_000,
  }, async () => {
    const { am, storagePath, hooks } = await notifying()
    const now = Date.now()
    await post(`${am.url}/api/v2/silences`, {
      matchers: [
        { name: 'a', value: ODD, isRegex: false, isEqual: true },
        { name: 'b', value: 'x|y', isRegex: true, isEqual: false },
      ],
      startsAt: new Date(now + 3_600_000).toISOString(),
      endsAt: new Date(now + 7_200_000).toISOString(),
      createdBy: 'ana',
      comment: 'später',
    })
    const added = await amtool(
      am.url,
      'silence',
      'add',
      '--author=bob',
      '--comment=now',
      '--duration=2h',
      'job=~db.*',
    )
    const ended = await amtool(am.url, 'silence', 'add', '--author=bob', '--comment=over', 'job=api')
    expect(await amtool(am.url, 'silence', 'expire', ended.stdout.trim())).toMatchObject({ code: 0 })
    await post(`${am.url}/api/v2/alerts`, [{ labels: OTHER }])
    await until(() => hooks() === 1, 20_000)
    const before = await silencesAt(am.url)
    expect(before.size).toBe(3)
    expect(before.has(added.stdout.trim())).toBe(true)
    await am.stop()

    const path = tempDir()
    const restore = new Command([
      'snapshot',
      'restore',
      '--alertmanager',
      storagePath,
      '--storage.path',
      path,
    ])
    expect((await restore.ended).code, restore.stderr).toBe(0)
    expect(restore.stdout.split('\n').slice(0, 2)).toEqual([
      'silences: 3 accepted, 0 quarantined, 0 refused, 0 expired',
      'notifications: 1 accepted, 0 quarantined, 0 refused, 0 expired',
    ])
    const replica = await ReplicaProcess.start({
      storagePath: path,
      clustered: false,
      flags: ['--log.level=warn'],
    })
    onTestFinished(() => replica.kill())
    expect(await silencesAt(replica.url)).toEqual(before)
    const status = await (await fetch(`${replica.url}/api/v1/status`)).json()
    expect(status).toMatchObject({ store: { records: 4 } })
    expect(await logAt(replica.url)).toEqual([
      expect.objectContaining({
        groupKey: '{}:{alertname="Other"}',
        receiver: { groupName: 'plain', integration: 'webhook', idx: 0 },
      }),
    ])
    expect(replica.output).not.toMatch(/level=warn/)
  })

  it('are not needed where it gossips: its log is that of a replica', { timeout: 60_000 }, async () => {
    const replica = await ReplicaProcess.start({ storagePath: tempDir() })
    onTestFinished(() => replica.kill())
    const { am, hooks } = await notifying([replica.gossipAddress])
    await post(`${am.url}/api/v2/alerts`, [{ labels: LABELS }])
    await until(() => hooks() === 2, 20_000)
    await untilAsync(async () => (await logAt(replica.url)).length === 2, 'both entries here')
    const { alertname, path, path0 } = LABELS
    const shown = {
      groupKey: groupKey(NESTED, { alertname, path, path0 }, 'printed'),
      firing: [String(labelHash(LABELS, await loadXxHash64()))],
    }
    expect(await logAt(replica.url)).toEqual([expect.objectContaining(shown), expect.objectContaining(shown)])
  })

  it('restore nothing when one was cut, and say where', { timeout: 60_000 }, async () => {
    const { am, storagePath } = await notifying()
    await amtool(am.url, 'silence', 'add', '--author=bob', '--comment=now', 'job=db')
    await am.stop()
    const file = join(storagePath, 'silences')
    truncateSync(file, readFileSync(file).length - 1)
    const path = tempDir()
    const restore = new Command([
      'snapshot',
      'restore',
      '--alertmanager',
      storagePath,
      '--storage.path',
      path,
    ])
    expect((await restore.ended).code).toBe(1)
    expect(restore.stderr).toMatch(/silences is damaged at byte 0: the record there runs over the end/)
    const again = new Command([
      'snapshot',
      'restore',
      'x',
      '--alertmanager',
      storagePath,
      '--storage.path',
      path,
    ])
    expect((await again.ended).code).toBe(2)
    expect(again.stderr).toMatch(/exclude each other/)
  })
})
