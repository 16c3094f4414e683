/** `POST /-/reload` and SIGHUP on a running `hearsay serve`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ReplicaProcess } from '../support/replica-process.ts'
import { inCi } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

interface Running {
  readonly replica: ReplicaProcess
  /** The configuration file. */
  readonly write: (yaml: string) => void
}

async function launched(yaml: string): Promise<Running> {
  const [folder, storagePath] = [tempDir(), tempDir()]
  const path = join(folder, 'hearsay.yml')
  const write = (text: string): void => writeFileSync(path, text)
  write(yaml)
  const replica = await ReplicaProcess.launch({ storagePath, flags: [`--config.file=${path}`] })
  onTestFinished(() => replica.kill())
  return { replica, write }
}

async function answers({ url }: ReplicaProcess): Promise<void> {
  await untilAsync(async () => (await fetch(`${url}/-/ready`)).ok, 'it is ready', 30_000)
}

async function reload(url: string): Promise<readonly [number, Readonly<Record<string, unknown>>]> {
  const response = await fetch(`${url}/-/reload`, { method: 'POST' })
  return [response.status, (await response.json()) as Record<string, unknown>]
}

async function postAlert(url: string, name: string): Promise<number> {
  const body = JSON.stringify([{ labels: { alertname: name } }])
  const headers = { 'content-type': 'application/json' }
  return (await fetch(`${url}/api/v2/alerts`, { method: 'POST', headers, body })).status
}

/** Whether the process has a handler for SIGHUP, as its kernel knows. */
function catchesHangup(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  return (BigInt(`0x${caught}`) & 1n) === 1n
}

describe('a running replica', () => {
  it('takes what its file says now, and keeps what it has while the file is wrong', async () => {
    const { replica, write } = await launched('limits: {alerts: 1}\n')
    await answers(replica)
    const { url } = replica
    expect([await postAlert(url, 'a'), await postAlert(url, 'b')]).toEqual([200, 507])

    write('limits: {alerts: 2, key-bytes: 4}\nlog: {level: debug}\ncluster: {label: blue}\n')
    expect(await reload(url)).toEqual([
      200,
      {
        applied: ['limits.key-bytes', 'limits.alerts', 'log.level'],
        needsRestart: [{ option: 'cluster.label', current: '', wanted: 'blue' }],
        reread: [],
        unchanged: expect.any(Number),
      },
    ])
    expect([await postAlert(url, 'b'), await postAlert(url, 'c')]).toEqual([200, 507])
    expect((await fetch(`${url}/api/v1/kv/m/12345`, { method: 'PUT', body: 'x' })).status).toBe(400)

    write('limits: {alerts: 3}\nlog: {leves: info}\n')
    const [status, problem] = await reload(url)
    expect([status, problem.code]).toEqual([500, 'CONFIG_INVALID'])
    expect(problem.detail).toMatch(
      /hearsay\.yml line 2: unknown key log\.leves \(did you mean log\.level\?\)/,
    )
    expect(await postAlert(url, 'c')).toBe(507)
    const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text()
    expect(await metrics()).toMatch(/^alertmanager_config_last_reload_successful 0$/m)

    write('limits: {alerts: 3}\n')
    process.kill(replica.pid, 'SIGHUP')
    await untilAsync(async () => (await postAlert(url, 'c')) === 200, 'the signal is obeyed')
    expect(await metrics()).toMatch(/^alertmanager_config_last_reload_successful 1$/m)
    expect(replica.output).toMatch(
      /event=config_reloaded applied=limits\.key-bytes,limits\.alerts,log\.level/,
    )
    expect(replica.isRunning).toBe(true)
  })

  it.runIf(inCi)('joins a peer that the file names from now on', async () => {
    const { replica: peer } = await launched('')
    const { replica, write } = await launched('')
    await Promise.all([answers(peer), answers(replica)])
    write(`cluster: {peer: ['${peer.gossipAddress}']}\n`)
    expect(await reload(replica.url)).toMatchObject([200, { applied: ['cluster.peer'] }])
    await untilAsync(async () => {
      const page = (await (await fetch(`${peer.url}/api/v1/cluster`)).json()) as { members: unknown[] }
      return page.members.length === 2
    }, 'they are one cluster')
    expect(replica.isRunning).toBe(true)
  })

  it('survives SIGHUP while it starts, and obeys it then; a page of another site reloads nothing', async () => {
    const { replica } = await launched('')
    await until(() => catchesHangup(replica.pid))
    process.kill(replica.pid, 'SIGHUP')
    await answers(replica)
    const reloads = (): number => replica.output.split('event=config_reloaded').length - 1
    await until(() => reloads() === 1)
    const headers = { 'sec-fetch-site': 'cross-site' }
    expect((await fetch(`${replica.url}/-/reload`, { method: 'POST', headers })).status).toBe(403)
    expect(reloads()).toBe(1)
    expect(replica.isRunning).toBe(true)
  })
})
