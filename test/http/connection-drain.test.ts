import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConnectionDrain } from '../../src/http/connection-drain.ts'
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
  it('answers what it was asked before, and whatever is asked then on the same connection, which it closes', async () => {
    const { drain, port, waiting } = await rig()
    const client = new Client(port)
    client.ask('/later')
    await until(() => waiting.length === 1)
    let isFinished = false
    const finished = drain.finish().then(() => {
      isFinished = true
    })
    waiting[0]?.end('asked before')
    await until(() => client.text.includes('asked before'))
    expect(isFinished).toBe(false)
    client.ask('/now')
    await until(() => client.text.endsWith('now'))
    expect(client.text.slice(client.text.indexOf('asked before'))).toMatch(/connection: close/i)
    await finished
    await until(() => client.isClosed)
    expect(client.failure).toBeUndefined()
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
