/** The receiver of notifications, inside the test: counts what comes, and answers as the test says. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Call {
  /** `before`, `hook` or `after`. */
  readonly phase: string
  readonly group: string
  readonly sender: string
  readonly atMs: number
}

type Answer = 'ok' | 'error' | 'hold'

export class WebhookServer {
  readonly calls: Call[] = []
  /** What a call gets; a held one is answered by `release`. */
  policy: (call: Call) => Answer = () => 'ok'
  readonly #server: Server
  readonly #held = new Map<ServerResponse, Call>()

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<WebhookServer> {
    const server = createServer((request, response) => webhook.#take(request, response))
    const webhook = new WebhookServer(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return webhook
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get held(): readonly Call[] {
    return [...this.#held.values()]
  }

  /** Notifications received, by group. */
  hooks(prefix: string): ReadonlyMap<string, readonly Call[]> {
    const byGroup = new Map<string, Call[]>()
    for (const call of this.calls) {
      if (call.phase !== 'hook' || !call.group.startsWith(`${prefix}-`)) continue
      byGroup.set(call.group, [...(byGroup.get(call.group) ?? []), call])
    }
    return byGroup
  }

  release(): void {
    for (const response of this.#held.keys()) response.end()
    this.#held.clear()
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const [, phase = '', group = ''] = (request.url ?? '').split('/')
    const call = { phase, group, sender: String(request.headers['x-sender']), atMs: performance.now() }
    this.calls.push(call)
    request.resume()
    const answer = this.policy(call)
    if (answer === 'hold') {
      this.#held.set(response, call)
      return
    }
    response.statusCode = answer === 'ok' ? 200 : 500
    response.end()
  }
}
