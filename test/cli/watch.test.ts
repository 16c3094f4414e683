import { describe, expect, it, onTestFinished } from 'vitest'
import { Command } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { ReplicaProcess } from '../support/replica-process.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

async function write(url: string, path: string, method = 'PUT', body?: string): Promise<void> {
  const answer = await fetch(`${url}/api/v1/${path}`, { method, ...(body === undefined ? {} : { body }) })
  expect(answer.ok).toBe(true)
}

async function waiting(url: string, watches: number): Promise<void> {
  await untilAsync(async () => {
    const text = await (await fetch(`${url}/metrics`)).text()
    return text.includes(`hearsay_watch_waiting ${watches}\n`)
  }, `${watches} watches wait`)
}

describe('hearsay kv watch and set watch', () => {
  it('exit with 5 when there is no replica', { timeout: 60_000 }, async () => {
    const command = new Command(['kv', 'watch', 'm', '--url', `http://127.0.0.1:${await freePort()}`])
    const { code } = await command.ended
    expect([code, command.stdout]).toEqual([5, ''])
    expect(command.stderr).toContain('cannot reach a replica')
  })

  it('go on by themselves when the replica was killed, and say what they missed', {
    timeout: 90_000,
  }, async () => {
    const storagePath = tempDir()
    const options = { storagePath, httpPort: await freePort(), clustered: false }
    let replica = await ReplicaProcess.start(options)
    onTestFinished(async () => {
      await replica.kill()
    })
    const { url } = replica
    const people = new Command(['kv', 'watch', 'm', '--url', url])
    const program = new Command(['set', 'watch', 's', '-o', 'ndjson', '--url', url])
    await waiting(url, 2)
    await write(url, 'kv/m/a', 'PUT', 'octets')
    await write(url, 'sets/s/ana')
    await people.shows(/^put {5}a {2}\(6 bytes of text\/plain;charset=UTF-8\)$/m)
    await program.shows(/^\{"type":"add","cursor":"[0-9a-f]+-\d+","set":"s","member":"ana"\}$/m)
    await replica.kill()
    await until(() => people.stderr.includes('trying again'))
    replica = await ReplicaProcess.start(options)
    await waiting(url, 2)
    await write(url, 'kv/m/a', 'DELETE')
    await write(url, 'sets/s/ana', 'DELETE')
    await people.shows(/^gap .+ missed.*\ndelete {2}a {2}deleted$/m)
    await program.shows(/^\{"type":"gap","cursor":".+"\}\n\{"type":"remove",.+"ana"\}$/m)
    expect(people.stderr).toContain('connected again')
  })
})
