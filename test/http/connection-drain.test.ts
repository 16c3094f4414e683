import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConnectionDrain } from '../../src/http/connection-drain.ts'
import { flushed } from '../support/flushed.ts'
import { until } from '../support/until.ts'

interface Rig {
  readonly server: Server
  readonly drain: ConnectionDrain
  readonly port: number
  /** Requests that have come, not answered yet. */
  readonly waiting: ServerResponse[]
}

/** A server that answers when told to, and `/now` at once. */
async function rig(): Promise<Rig> {
  const waiting: ServerResponse[] = []
  const server = createServer((request, response) => {
    if (request.url === '/now') response.end('now')
    else waiting.push(response)
  })
  const drain = new ConnectionDrain(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, drain, port: (server.address() as AddressInfo).port, waiting }
}

class Client {
  readonly socket: Socket
  text = ''
  isClosed = false
  failure: string | undefined

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString()
    })
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.failure = error.code
    })
    this.socket.on('close', () => {
      this.isClosed = true
    })
    onTestFinished(() => void this.socket.destroy())
  }

  ask(path: string): void {
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  }
}

describe('a server that closes', () => {
  it('answers what it was asked before, and asks its client to go', async () => {
    const { drain, port, waiting } = await rig()
    const client = new Client(port)
    client.ask('/later')
    await until(() => waiting.length === 1)
    let isFinished = false
    const finished = drain.finish().then(() => {
      isFinished = true
    })
    await flushed()
    expect(isFinished).toBe(false)
    waiting[0]?.end('asked before')
    await finished
    await until(() => client.isClosed)
    expect(client.text).toMatch(/connection: close[\s\S]*asked before$/i)
    expect(client.failure).toBeUndefined()
  })

  it('answers who comes with a further request on a connection that was quiet, and closes it then', async () => {
    const { drain, port } = await rig()
    const client = new Client(port)
    client.ask('/now')
    await until(() => client.text.endsWith('now'))
    expect(client.text).toMatch(/connection: keep-alive/i)
    drain.stopAccepting()
    client.text = ''
    client.ask('/now')
    await drain.finish()
    await until(() => client.isClosed)
    expect(client.text).toMatch(/connection: close[\s\S]*now$/i)
    expect(client.failure).toBeUndefined()
  })

  it('has read what came while it was busy before it calls a connection quiet', async () => {
    const { drain, port } = await rig()
    const client = new Client(port)
    client.ask('/now')
    await until(() => client.text.endsWith('now'))
    drain.stopAccepting()
    client.text = ''
    // Just before timers are looked at, and longer than a connection may be quiet.
    setImmediate(() => {
      client.ask('/now')
      const startedMs = performance.now()
      while (performance.now() - startedMs < 700);
    })
    await drain.finish()
    await until(() => client.isClosed)
    expect([client.text.endsWith('now'), client.failure]).toEqual([true, undefined])
  })

  it('does not wait for who keeps a connection after an answer that had begun before, nor drops what they ask in time', async () => {
    const { server, drain, port, waiting } = await rig()
    server.keepAliveTimeout = 60_000
    const [quiet, busy] = [new Client(port), new Client(port)]
    for (const client of [quiet, busy]) client.ask('/later')
    await until(() => waiting.length === 2)
    for (const response of waiting) {
      response.writeHead(200, { 'content-length': '9' })
      response.write('begun,')
    }
    await until(() => quiet.text.endsWith('begun,') && busy.text.endsWith('begun,'))
    const finished = drain.finish()
    for (const response of waiting) response.end('end')
    await until(() => busy.text.endsWith('end'))
    busy.text = ''
    busy.ask('/now')
    await finished
    await until(() => quiet.isClosed && busy.isClosed)
    expect(quiet.text).toMatch(/begun,end$/)
    expect(busy.text).toMatch(/connection: close[\s\S]*now$/i)
    expect([quiet.failure, busy.failure]).toEqual([undefined, undefined])
  })

  it('lets nobody in', async () => {
    const { drain, port, waiting } = await rig()
    const client = new Client(port)
    client.ask('/later')
    await until(() => waiting.length === 1)
    drain.stopAccepting()
    const late = new Client(port)
    await until(() => late.isClosed)
    expect(late.failure).toBe('ECONNREFUSED')
    expect(client.isClosed).toBe(false)
  })

  it('waits neither for connections that are kept alive nor for those that never said a word', async () => {
    const { drain, port } = await rig()
    const [idle, silent] = [new Client(port), new Client(port)]
    idle.ask('/now')
    await until(() => idle.text.endsWith('now') && drain.open === 2)
    await drain.finish()
    await until(() => idle.isClosed && silent.isClosed)
    expect(drain.open).toBe(0)
  })

  it('waits for a request that is still coming', async () => {
    const { drain, port } = await rig()
    const client = new Client(port)
    client.socket.write('GET /now HTTP/1.1\r\nHo')
    await until(() => drain.open === 1)
    const quiet = new Client(port)
    await until(() => drain.open === 2)
    const finished = drain.finish()
    await until(() => quiet.isClosed)
    client.socket.write('st: x\r\n\r\n')
    await until(() => client.text.endsWith('now'))
    await finished
    expect(client.failure).toBeUndefined()
  })

  it('that never listened is closed at once', async () => {
    const drain = new ConnectionDrain(createServer())
    await drain.finish()
    expect(drain.open).toBe(0)
  })
})

describe('a server with TLS that closes', () => {
  const file = (name: string): Buffer => readFileSync(join(import.meta.dirname, '..', 'support', 'tls', name))

  it('answers what is under way, and cuts who never came to the end of a handshake', async () => {
    const waiting: ServerResponse[] = []
    const server = createTlsServer(
      { key: file('server.key'), cert: file('server.pem') },
      (_request, response) => {
        waiting.push(response)
      },
    )
    const drain = new ConnectionDrain(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    onTestFinished(() => void client.destroy())
    let text = ''
    client.on('data', (chunk) => {
      text += chunk.toString()
    })
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => waiting.length === 1)
    const [silent, stuck] = [new Client(port), new Client(port)]
    stuck.socket.write(Buffer.from('1603010200', 'hex'))
    await until(() => drain.open === 4)
    let isFinished = false
    const finished = drain.finish().then(() => {
      isFinished = true
    })
    await until(() => silent.isClosed)
    waiting[0]?.end('done')
    await until(() => text.endsWith('done'))
    expect(text).toMatch(/connection: close/i)
    expect(isFinished).toBe(false)
    drain.cut()
    await finished
    await until(() => drain.open === 0)
  })
})
