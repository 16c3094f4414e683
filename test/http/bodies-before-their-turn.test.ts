/**
 * Every write gets an answer. Node destroys a message that has been read to its end, so a request whose body came before its
 * turn looked like one whose client had gone: it was dropped, and its client waited for ever. Real sockets, kept alive, in
 * numbers at which some bodies always come before their turn.
 */
import { Agent, request } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fullApp } from '../support/http-routes.ts'

const CLIENTS = 12
const WRITES_EACH = 80
const JSON_TYPE = 'application/json'
const SILENCE = JSON.stringify({
  matchers: [{ name: 'a', value: 'b', isRegex: false, isEqual: true }],
  startsAt: '2026-11-21T12:00:00Z',
  endsAt: '2026-11-21T13:00:00Z',
  createdBy: 'ana',
  comment: 'c',
})

interface Write {
  readonly method: 'PUT' | 'POST'
  readonly path: string
  readonly body: string
}

/** One of each kind that the guards read in turns: light, heavy, and larger than a chunk. */
function writeOf(n: number): Write {
  const kinds: readonly Write[] = [
    { method: 'PUT', path: `/api/v1/kv/m/${n}`, body: JSON.stringify({ n }) },
    {
      method: 'POST',
      path: '/api/v1/batch',
      body: JSON.stringify({ ops: [{ op: 'add', set: 's', member: `${n}` }] }),
    },
    { method: 'PUT', path: `/api/v1/kv/large/${n}`, body: JSON.stringify('x'.repeat(40_000)) },
    { method: 'POST', path: '/api/v2/silences', body: SILENCE },
  ]
  return kinds[n % kinds.length] as Write
}

function send(agent: Agent, port: number, { method, path, body }: Write): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(body) }
    const asked = request({ agent, host: '127.0.0.1', port, method, path, headers }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode ?? 0))
    })
    asked.once('error', reject)
    asked.end(body)
  })
}

describe('a write over a connection that is kept', () => {
  it('is answered, however many come at once', async () => {
    const { app } = fullApp()
    await app.listen({ host: '127.0.0.1', port: 0 })
    const address = app.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
    onTestFinished(async () => {
      agent.destroy()
      app.server.closeAllConnections()
      await app.close()
    })
    const answered = new Map<number, number>()
    const client = async (first: number): Promise<void> => {
      for (let n = first; n < first + WRITES_EACH; n++) {
        const status = await send(agent, port, writeOf(n))
        answered.set(status, (answered.get(status) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index * WRITES_EACH)))
    const writes = CLIENTS * WRITES_EACH
    expect(Object.fromEntries(answered)).toEqual({ 200: writes / 2, 201: writes / 2 })
  })
})
