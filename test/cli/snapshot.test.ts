/** `hearsay snapshot` against a real replica: saved while it runs, verified, restored, and served again. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Command } from '../support/command.ts'
import { ReplicaProcess } from '../support/replica-process.ts'
import { tempDir } from '../support/temp-dir.ts'

interface End {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function snapshot(...args: readonly string[]): Promise<End> {
  const command = new Command(['snapshot', ...args])
  const { code } = await command.ended
  return { code, out: command.stdout, err: command.stderr }
}

async function replica(storagePath: string): Promise<ReplicaProcess> {
  const started = await ReplicaProcess.start({ storagePath, clustered: false, flags: ['--log.level=warn'] })
  onTestFinished(() => started.kill())
  return started
}

async function actorAt(url: string): Promise<string> {
  const status = (await (await fetch(`${url}/api/v1/status`)).json()) as {
    readonly store: { readonly actor: string }
  }
  return status.store.actor
}

describe('a snapshot on the command line', () => {
  it('is saved from a running replica, found whole, and restored as somebody new', {
    timeout: 60_000,
  }, async () => {
    const [path, other, files] = [tempDir(), tempDir(), tempDir()]
    const file = join(files, 'state.snapshot')
    const first = await replica(path)
    for (let i = 0; i < 50; i++)
      await fetch(`${first.url}/api/v1/kv/m/k${i}`, { method: 'PUT', body: `value ${i}` })
    await fetch(`${first.url}/api/v1/kv/m/k7`, { method: 'DELETE' })
    await fetch(`${first.url}/api/v1/sets/s/x`, { method: 'PUT' })

    const saved = await snapshot('save', file, '--url', first.url)
    expect(saved).toMatchObject({ code: 0, err: '' })
    expect(saved.out).toMatch(
      /^saved 49 entries, 1 tombstones, 1 set members, 0 silences and notifications, /,
    )
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(files)).toEqual(['state.snapshot'])

    const verified = await snapshot('verify', file)
    expect(verified).toMatchObject({
      code: 0,
      out: expect.stringMatching(/state\.snapshot is whole: 49 entries/),
    })

    expect(await snapshot('save', file, '--url', first.url)).toMatchObject({
      code: 4,
      err: expect.stringMatching(/is there already; --force replaces it/),
    })
    expect(await snapshot('save', file, '--force', '--url', first.url)).toMatchObject({ code: 0 })

    const restored = await snapshot('restore', file, '--storage.path', other)
    expect(restored).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^restored 49 entries.* as the new actor [0-9a-f]{32}\n$/),
    })
    expect(await snapshot('restore', file, '--storage.path', other)).toMatchObject({ code: 4 })
    const second = await replica(other)
    expect(await actorAt(second.url)).not.toBe(await actorAt(first.url))
    expect(await (await fetch(`${second.url}/api/v1/kv/m/k8`)).text()).toBe('value 8')
    expect((await fetch(`${second.url}/api/v1/kv/m/k7`)).status).toBe(404)
    expect((await fetch(`${second.url}/api/v1/sets/s/x`)).status).toBe(200)
    expect(second.output).not.toMatch(/level=warn/)
  })

  it('that is spoilt is refused with the offset, and restores nothing', async () => {
    const [files, other] = [tempDir(), tempDir()]
    const file = join(files, 'state.snapshot')
    const first = await replica(tempDir())
    await fetch(`${first.url}/api/v1/kv/m/k`, { method: 'PUT', body: 'value' })
    await snapshot('save', file, '--url', first.url)
    const bytes = readFileSync(file)
    bytes[60] = (bytes[60] ?? 0) ^ 1
    writeFileSync(file, bytes)
    for (const args of [
      ['verify', file],
      ['restore', file, '--storage.path', other],
    ]) {
      expect(await snapshot(...args)).toEqual({
        code: 1,
        out: '',
        err: expect.stringMatching(/^hearsay: the snapshot is damaged at byte \d+: .*\n$/),
      })
    }
    expect(readdirSync(other)).toEqual([])
  })

  it('tells a missing file, an unreachable replica and a cut answer apart, and leaves no file', async () => {
    const files = tempDir()
    const file = join(files, 'state.snapshot')
    expect(await snapshot('verify', file)).toMatchObject({ code: 3 })
    expect(await snapshot('restore', file, '--storage.path', join(files, 'data'))).toMatchObject({ code: 3 })
    expect(await snapshot('save', file, '--url', 'http://127.0.0.1:1')).toMatchObject({ code: 5 })
    expect(await snapshot('restore', file)).toMatchObject({ code: 2 })
    const cut = createServer((_request, response) => {
      response.write('hearsay snapshot\n\u0001')
      setImmediate(() => response.destroy())
    })
    await new Promise<void>((resolve) => cut.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void cut.close())
    const url = `http://127.0.0.1:${(cut.address() as AddressInfo).port}`
    expect(await snapshot('save', file, '--url', url)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/did not arrive in full/),
    })
    expect(existsSync(file)).toBe(false)
    expect(readdirSync(files)).toEqual([])
  })
})
