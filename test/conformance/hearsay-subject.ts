/** `hearsay serve` as a process of its own, without a cluster, on a fresh directory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReplicaProcess } from '../support/replica-process.ts'
import { untilAsync } from '../support/until-async.ts'
import { RECEIVERS, type Subject } from './subject.ts'

export async function startHearsay(flags: readonly string[] = []): Promise<Subject> {
  const storagePath = mkdtempSync(join(tmpdir(), 'hearsay-conformance-'))
  const replica = await ReplicaProcess.launch({ storagePath, clustered: false, flags })
  const prefix = flags.find((flag) => flag.startsWith('--web.route-prefix='))?.split('=')[1] ?? ''
  const url = `${replica.url}${prefix}`
  const stop = async (): Promise<void> => {
    await replica.kill()
    rmSync(storagePath, { recursive: true, force: true })
  }
  try {
    const isReady = async (): Promise<boolean> =>
      !replica.isRunning || (await fetch(`${url}/-/ready`)).status === 200
    await untilAsync(isReady, 'hearsay to be ready', 30_000)
    if (!replica.isRunning) throw new Error('hearsay has ended')
  } catch (cause) {
    await stop()
    throw new Error(`hearsay did not start:\n${replica.output}`, { cause })
  }
  for (const groupName of RECEIVERS) await claim(url, groupName)
  return {
    name: 'hearsay',
    release: '0.34',
    url,
    startUnder: (path) => startHearsay([`--web.route-prefix=${path}`]),
    stop,
  }
}

/** A notifier that claims a group says by that for which receiver it notifies. */
async function claim(url: string, groupName: string): Promise<void> {
  const receiver = { groupName, integration: 'webhook', idx: 0 }
  const answer = await fetch(`${url}/api/v1/claims`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ groupKey: '{}:{}', receiver }),
  })
  if (!answer.ok) throw new Error(`no claim for ${groupName}: ${await answer.text()}`)
}
