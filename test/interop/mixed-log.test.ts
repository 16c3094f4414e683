/**
 * The notification log in a mixed cluster: what a real Alertmanager has notified is in hearsay's log, and what hearsay has
 * logged is in the Alertmanagers', by broadcast and by push-pull, in records below and above the 700 bytes that they relay.
 *
 * An Alertmanager shows its log to nobody; it is read from the file that it writes when it stops.
 */
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readDelimited } from '../../src/alerting/core/delimited.ts'
import { admitNotification } from '../../src/alerting/core/notification-admission.ts'
import { ALERTMANAGER, type Alertmanager } from '../support/alertmanager.ts'
import { fetchJson, MixedCluster, metric, postJson } from '../support/mixed-cluster.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const RECEIVER = { groupName: 'hook', integration: 'webhook', idx: 0 }
/** Each takes 10 bytes in a record, so 100 of them are above 700 bytes. */
const MANY_HASHES = Array.from({ length: 100 }, (_, i) => String(2n ** 63n + BigInt(i)))

interface LogPage {
  readonly items: readonly { readonly key: string; readonly firing: readonly string[] }[]
}

async function logOf(url: string): Promise<Map<string, readonly string[]>> {
  const { items } = await fetchJson<LogPage>(`${url}/api/v1/notifications?limit=1000`)
  return new Map(items.map(({ key, firing }) => [key, firing]))
}

function keysInFile(storagePath: string): string[] {
  const keys: string[] = []
  readDelimited(Uint8Array.from(readFileSync(join(storagePath, 'nflog'))), (record) => {
    const admission = admitNotification(record)
    if (admission.verdict === 'accepted') keys.push(admission.put.key)
    return true
  })
  return keys.sort((a, b) => (a < b ? -1 : 1))
}

requirement(ALERTMANAGER)('the notification log of a mixed cluster', () => {
  let cluster = new MixedCluster()
  let hook: Server
  let calls = 0

  beforeEach(async () => {
    calls = 0
    hook = createServer((request, response) => {
      request.resume().on('end', () => {
        calls++
        response.end()
      })
    })
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  })

  afterEach(async () => {
    const complaints = await cluster.stop()
    cluster = new MixedCluster()
    await new Promise((resolve) => hook.close(resolve))
    expect(complaints).toEqual([])
  })

  function notifying(storagePath = tempDir()): Promise<Alertmanager> {
    const { port } = hook.address() as AddressInfo
    const config = `
route: {receiver: hook, group_by: [alertname], group_wait: 300ms, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: 'http://127.0.0.1:${port}/'}]}]
`
    return cluster.alertmanager({ config, storagePath, args: ['--cluster.peer-timeout=300ms'] })
  }

  it('has in hearsay what an Alertmanager has notified, and has it there for a replica that joins later', async () => {
    const first = await notifying()
    await notifying()
    const one = await cluster.replica()
    await cluster.whole()
    const instances = (count: number, alertname: string): object[] =>
      Array.from({ length: count }, (_, i) => ({ labels: { alertname, instance: `host-${i}` } }))
    await postJson<unknown>(`${first.url}/api/v2/alerts`, [
      ...instances(1, 'Small'),
      ...instances(100, 'Large'),
    ]).catch(
      // Success has an empty body.
      (error: unknown) => expect(error).toBeInstanceOf(SyntaxError),
    )
    const group = (alertname: string): string => `{}:{alertname="${alertname}"}:hook/webhook/0`
    const complete = async (url: string): Promise<boolean> => {
      const log = await logOf(url)
      return log.get(group('Small'))?.length === 1 && log.get(group('Large'))?.length === 100
    }
    await untilAsync(() => complete(one.url), 'both entries by broadcast')
    expect(calls).toBe(2)
    const late = await cluster.replica()
    await untilAsync(() => complete(late.url), 'both entries by push-pull')
    const decision = await postJson<{ notify: boolean }>(`${late.url}/api/v1/notifications/decide`, {
      groupKey: '{}:{alertname="Small"}',
      receiver: RECEIVER,
      alerts: [{ labels: { alertname: 'Small', instance: 'host-0' } }],
      repeatInterval: '1h',
    })
    expect(decision).toMatchObject({ notify: false })
  })

  it('has in the Alertmanagers what hearsay has logged, and in one that joins later', async () => {
    const paths = [tempDir(), tempDir(), tempDir()] as const
    const early = [await notifying(paths[0]), await notifying(paths[1])]
    const one = await cluster.replica()
    await cluster.whole()
    const received = (url: string): Promise<number> =>
      metric(url, 'alertmanager_cluster_messages_received_total', '{msg_type="update"}')
    const before = await Promise.all(early.map(({ url }) => received(url)))
    const logged = { receiver: RECEIVER, repeatInterval: '1h' }
    await postJson(`${one.url}/api/v1/notifications`, { ...logged, groupKey: 'small', firing: ['1', '2'] })
    await postJson(`${one.url}/api/v1/notifications`, { ...logged, groupKey: 'large', firing: MANY_HASHES })
    for (const [index, { url }] of early.entries()) {
      const both = async (): Promise<boolean> => (await received(url)) >= (before[index] ?? 0) + 2
      await untilAsync(both, `two broadcasts at ${url}`)
    }
    const late = await cluster.alertmanager({ peers: [one.gossipAddress], storagePath: paths[2] })
    await cluster.whole()
    for (const alertmanager of [...early, late]) {
      await alertmanager.stop()
      cluster.forget(alertmanager)
    }
    for (const path of paths)
      expect(keysInFile(path)).toEqual(['large:hook/webhook/0', 'small:hook/webhook/0'])
  })
})
