/** Ctrl-C, and what supervisors send, during long jobs: a clear last line, nothing half-done left, the signal's code. */
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Command } from '../support/command.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a long job that is interrupted', () => {
  it('snapshot save removes what it has begun and ends with 130', async () => {
    const folder = tempDir()
    const url = await serving((_request, response) => response.write('hearsay snapshot\n'))
    const save = new Command(['snapshot', 'save', join(folder, 'x.snapshot'), '--url', url])
    await until(() => readdirSync(folder).length > 0)
    save.signal('SIGINT')
    expect(await save.ended).toMatchObject({ code: 130, signal: null })
    expect([save.stdout, save.stderr]).toEqual(['', 'hearsay: interrupted: nothing was kept\n'])
    expect(readdirSync(folder)).toEqual([])
  })

  it('silence import says how far it came and ends with 143', async () => {
    const file = join(tempDir(), 'silences.json')
    const silence = { matchers: [], startsAt: '', endsAt: '', createdBy: 'ana', comment: 'x' }
    writeFileSync(file, JSON.stringify(Array.from({ length: 5 }, () => silence)))
    let posts = 0
    const url = await serving((_request, response) => {
      posts++
      if (posts < 3) response.end('{"silenceID":"x"}')
      else setTimeout(() => response.end('{"silenceID":"x"}'), 200)
    })
    const command = new Command(['silence', 'import', '-w', '1', file, '--url', url])
    await until(() => posts === 3)
    command.signal('SIGTERM')
    expect(await command.ended).toMatchObject({ code: 143, signal: null })
    expect(command.stderr).toBe('hearsay: interrupted: 3 of 5 silences were imported\n')
    expect(posts).toBe(3)
  })

  it('a second signal ends it at once', async () => {
    const file = join(tempDir(), 'silences.json')
    writeFileSync(file, '[{}]')
    const asked = { count: 0 }
    const mute = await serving(() => void asked.count++)
    const command = new Command(['silence', 'import', file, '--url', mute])
    await until(() => asked.count === 1)
    command.signal('SIGINT')
    command.signal('SIGTERM')
    command.signal('SIGINT')
    expect((await command.ended).code).toBeGreaterThan(128)
  })
})
