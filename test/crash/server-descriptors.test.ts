/**
 * A server that runs out of file descriptors (reliability.md section 2, row 16): connections that are there go on; when
 * LevelDB can open no file for its next log, writes are refused with 503; what was acknowledged is kept; and once others
 * hang up the store comes back by itself.
 */

import { execFileSync } from 'node:child_process'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { Command } from '../support/command.ts'
import { ReplicaProcess } from '../support/replica-process.ts'
import { commandExists, requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const DESCRIPTORS = 64
const HANGERS_ON = 120
const VALUE_BYTES = 16_000

function put(agent: Agent, url: string, body: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(url, { method: 'PUT', agent }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
    asked.once('error', () => resolve(0))
    asked.end(body)
  })
}

requirement({
  name: 'prlimit',
  present: commandExists('prlimit'),
  install: 'apt-get install util-linux, on Linux',
})('a server with 64 file descriptors', () => {
  it('keeps what it acknowledged while others take all of them', { timeout: 60_000 }, async () => {
    const storagePath = tempDir()
    const server = new Command([
      'serve',
      `--storage.path=${storagePath}`,
      '--web.listen-address=127.0.0.1:0',
      '--cluster.listen-address=',
    ])
    const [, url = '', port = ''] = await server.shows(/serves (http:\/\/127\.0\.0\.1:(\d+))/)
    // Not from the beginning: Node reads more modules than that at a time.
    execFileSync('prlimit', [`--pid=${server.pid}`, `--nofile=${DESCRIPTORS}:${DESCRIPTORS}`])
    // One connection that is there before.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    expect(await put(agent, `${url}/api/v1/kv/m/before`, Buffer.from('1'))).toBe(201)
    const sockets: Socket[] = Array.from({ length: HANGERS_ON }, () =>
      connect(Number(port), '127.0.0.1').on('error', () => undefined),
    )
    // What a key may hold: the last acknowledged value, or one whose write was refused after it.
    const allowed = new Map<string, Buffer[]>()
    let acknowledged = 0
    for (let i = 0; i < 400; i++) {
      // More than a log of 4 MiB, so that LevelDB has files to open.
      const body = Buffer.alloc(VALUE_BYTES, `${i} `)
      const key = `k${i % 100}`
      const status = await put(agent, `${url}/api/v1/kv/m/${key}`, body)
      const isAcknowledged = status === 200 || status === 201
      if (isAcknowledged) acknowledged++
      else expect(status).toBe(503)
      allowed.set(key, isAcknowledged ? [body] : [...(allowed.get(key) ?? []), body])
    }
    expect(acknowledged).toBeGreaterThan(200)
    for (const socket of sockets) socket.destroy()
    await untilAsync(
      async () => (await put(agent, `${url}/api/v1/kv/m/after`, Buffer.from('2'))) < 300,
      'writes again',
    )
    server.signal('SIGKILL')
    await server.ended
    const again = await ReplicaProcess.start({ storagePath, clustered: false })
    onTestFinished(() => again.kill())
    const held = async (key: string): Promise<Buffer> =>
      Buffer.from(await (await fetch(`${again.url}/api/v1/kv/m/${key}`)).arrayBuffer())
    expect((await held('before')).toString()).toBe('1')
    expect((await held('after')).toString()).toBe('2')
    for (const [key, bodies] of allowed) {
      const found = await held(key)
      expect(
        bodies.some((body) => body.equals(found)),
        key,
      ).toBe(true)
    }
    process.stdout.write(
      `descriptors: ${acknowledged} of 400 writes acknowledged with all ${DESCRIPTORS} taken\n`,
    )
  })
})
