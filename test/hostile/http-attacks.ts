/**
 * Attacks on the HTTP side, by name: what a client can do that may connect. Each runs for the time it is given, as fast as
 * one process can, and tells how often it was answered, and what.
 */
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { HostPort } from '../../src/base/host-port.ts'

export interface HttpAttackRun {
  readonly at: HostPort
  readonly forMs: number
}

/** Answers by status, and ends of connections that had none. */
export type Outcome = Record<string, number>

export type HttpAttack = (run: HttpAttackRun) => Promise<Outcome>

interface Asked {
  readonly method: string
  readonly path: string
  readonly body?: Buffer
  readonly type?: string
}

const JSON_TYPE = 'application/json'
const MEBIBYTE = 1024 * 1024

/** `count` connections that say `first`, then `more` each 200 ms; who is cut off comes back. */
async function hold(
  { at, forMs }: HttpAttackRun,
  count: number,
  first: string,
  more: string,
): Promise<Outcome> {
  const outcome: Outcome = {}
  const open = new Set<Socket>()
  const endMs = performance.now() + forMs
  const add = (): void => {
    const socket = connect(at.port, at.host)
    open.add(socket)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.once('connect', () => {
      socket.write(first)
      const timer = setInterval(() => socket.writable && socket.write(more), 200)
      socket.once('close', () => clearInterval(timer))
    })
    socket.once('close', () => {
      open.delete(socket)
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'cut'
      outcome[status] = (outcome[status] ?? 0) + 1
    })
  }
  while (performance.now() < endMs) {
    for (let i = 0; i < 50 && open.size < count; i++) add()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (const socket of open) socket.destroy()
  return { held: open.size, ...outcome }
}

/** `connections` that ask, read the answer and ask again. */
async function flood(
  run: HttpAttackRun,
  connections: number,
  next: (number: number) => Asked,
): Promise<Outcome> {
  const outcome: Outcome = {}
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const endMs = performance.now() + run.forMs
  let asked = 0
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const status = await ask(run.at, agent, next(asked++))
      outcome[status] = (outcome[status] ?? 0) + 1
      if (status.startsWith('E')) await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const over = new Promise((resolve) => setTimeout(resolve, run.forMs + 500))
  await Promise.race([Promise.all(Array.from({ length: connections }, worker)), over])
  agent.destroy()
  return { asked, ...outcome }
}

function ask({ host, port }: HostPort, agent: Agent, { method, path, body, type }: Asked): Promise<string> {
  return new Promise((resolve) => {
    const headers = {
      host: 'localhost',
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(body === undefined ? {} : { 'content-length': body.length }),
    }
    const asking = request({ host, port, agent, method, path, headers })
    asking.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'ERROR'))
    asking.once('response', (response) => {
      response.resume()
      response.once('error', () => resolve('EBROKEN'))
      response.once('end', () => resolve(String(response.statusCode)))
    })
    asking.end(body)
  })
}

/** Asks for much, many times, and reads nothing of it. */
async function deaf({ at, forMs }: HttpAttackRun, connections: number, path: string): Promise<Outcome> {
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(at.port, at.host).on('error', () => undefined)
    socket.pause()
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(20))
    return socket
  })
  await new Promise((resolve) => setTimeout(resolve, forMs))
  const open = sockets.filter(({ destroyed }) => !destroyed).length
  for (const socket of sockets) socket.destroy()
  return { held: open }
}

function batchOf(value: (number: number) => object): Buffer {
  const ops = Array.from({ length: 1000 }, (_, i) => ({ op: 'put', map: 'large', key: `k${i}`, ...value(i) }))
  return Buffer.from(JSON.stringify({ ops }))
}

/** Each is refused, or costs the engine that knows no backtracking next to nothing. */
const NASTY_PATTERNS = [
  '(a+)+$',
  '(a|aa)+b',
  '((a{1,30}){1,30}){1,2}',
  '.*'.repeat(2000),
  '[',
  '(x*)*y',
  'a{1000}{1000}',
]

function nastySilence(number: number): Buffer {
  const nowMs = Date.now()
  const value = NASTY_PATTERNS[number % NASTY_PATTERNS.length]
  return Buffer.from(
    JSON.stringify({
      matchers: [{ name: 'a', value, isRegex: true, isEqual: true }],
      startsAt: new Date(nowMs).toISOString(),
      endsAt: new Date(nowMs + 60_000).toISOString(),
      createdBy: 'x',
      comment: 'x',
    }),
  )
}

export const HTTP_ATTACKS: Readonly<Record<string, HttpAttack>> = {
  'slow-headers': (run) => hold(run, 2000, 'GET / HTTP/1.1\r\nHost: localhost\r\n', 'X: y\r\n'),
  'slow-bodies': (run) =>
    hold(run, 2000, 'PUT /api/v1/kv/m/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n', 'x'),
  gets: (run) => flood(run, 256, () => ({ method: 'GET', path: '/api/v1/kv/m/k' })),
  puts: (run) => {
    const body = Buffer.alloc(100, 'x')
    return flood(run, 256, (number) => ({ method: 'PUT', path: `/api/v1/kv/m/k${number % 1000}`, body }))
  },
  batches: (run) => {
    const bodies = [
      batchOf(() => ({ value: 'v'.repeat(4000) })),
      batchOf((number) => ({ valueBase64: Buffer.alloc(4000, number).toString('base64') })),
    ]
    return flood(run, 32, (number) => ({
      method: 'POST',
      path: '/api/v1/batch',
      type: JSON_TYPE,
      body: bodies[number % 2] as Buffer,
    }))
  },
  'bad-batches': (run) => {
    const bodies = [
      Buffer.from(`{"ops":[${'['.repeat(5 * MEBIBYTE)}`),
      Buffer.from(`{"ops":[${'{"op":"put"},'.repeat(400_000)}{}]}`),
      Buffer.alloc(6 * MEBIBYTE, '{'),
      Buffer.alloc(7 * MEBIBYTE, 'x'),
    ]
    return flood(run, 32, (number) => ({
      method: 'POST',
      path: '/api/v1/batch',
      type: JSON_TYPE,
      body: bodies[number % 4] as Buffer,
    }))
  },
  'large-values': (run) => {
    const bodies = [
      Buffer.from(JSON.stringify('x'.repeat(MEBIBYTE - 3))),
      Buffer.from(`[${'1,'.repeat(500_000)}1]`),
    ]
    return flood(run, 64, (number) => ({
      method: 'PUT',
      path: `/api/v1/kv/values/k${number % 20}`,
      type: JSON_TYPE,
      body: bodies[number % 2] as Buffer,
    }))
  },
  'large-alerts': (run) => {
    const bodies = [
      Buffer.from(`[${'{},'.repeat(340_000)}{}]`),
      Buffer.from(
        JSON.stringify(Array.from({ length: 5000 }, (_, i) => ({ labels: { alertname: `a${i}` } }))),
      ),
    ]
    return flood(run, 32, (number) => ({
      method: 'POST',
      path: '/api/v2/alerts',
      type: JSON_TYPE,
      body: bodies[number % 2] as Buffer,
    }))
  },
  lists: (run) => flood(run, 128, () => ({ method: 'GET', path: '/api/v1/kv/large?limit=1000' })),
  'deaf-readers': (run) => deaf(run, 300, '/api/v1/kv/large?limit=1000'),
  silences: (run) =>
    flood(run, 32, (number) => ({
      method: 'POST',
      path: '/api/v2/silences',
      type: JSON_TYPE,
      body: nastySilence(number),
    })),
  'wrong-types': (run) => {
    const body = Buffer.alloc(MEBIBYTE, 'x')
    const paths = ['/api/v1/claims', '/api/v2/alerts', '/api/v1/batch', '/nothing']
    return flood(run, 128, (number) => ({
      method: 'POST',
      path: paths[number % 4] as string,
      type: 'text/xml',
      body,
    }))
  },
  scrapes: (run) =>
    flood(run, 128, (number) => ({
      method: 'GET',
      path: number % 2 === 0 ? '/metrics' : '/api/v1/openapi.json',
    })),
}
