/** An HTTP app that really listens, for what only sockets can do; and raw exchanges with it. */
import net from 'node:net'
import { onTestFinished } from 'vitest'
import { type TestApp, testApp } from './http-app.ts'

export interface ListeningApp extends TestApp {
  readonly port: number
  /** A counter or gauge of ours, by its name and labels as they are scraped; 0 when it is not there. */
  metric(series: string): Promise<number>
}

export async function listeningApp(...args: Parameters<typeof testApp>): Promise<ListeningApp> {
  const test = testApp(...args)
  onTestFinished(async () => {
    test.app.server.closeAllConnections()
    await test.app.close()
  })
  await test.app.listen({ host: '127.0.0.1', port: 0 })
  const address = test.app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    ...test,
    port,
    metric: async (series) => {
      const { body } = await test.app.inject('/metrics')
      const line = body.split('\n').find((text) => text.startsWith(`${series} `))
      return Number(line?.split(' ').at(-1) ?? 0)
    },
  }
}

export interface RawClient {
  readonly socket: net.Socket
  /** All that came so far. */
  readonly text: () => string
  /** Resolves when the server has hung up, with all that came. */
  readonly closed: Promise<string>
}

/** Sends these bytes and leaves the connection open. */
export function rawClient(port: number, request = ''): RawClient {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.write(request)
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  onTestFinished(() => void socket.destroy())
  return { socket, text: () => text, closed }
}
