/** The receiver of webhooks in Alertmanager's format, inside the test: keeps what comes, and says who sent it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface WebhookAlert {
  readonly status: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
  readonly fingerprint: string
}

/** Version 4. */
export interface WebhookPayload {
  readonly version: string
  readonly groupKey: string
  readonly truncatedAlerts: number
  readonly status: string
  readonly receiver: string
  readonly groupLabels: Readonly<Record<string, string>>
  readonly commonLabels: Readonly<Record<string, string>>
  readonly commonAnnotations: Readonly<Record<string, string>>
  /** Of the sender. */
  readonly externalURL: string
  readonly alerts: readonly WebhookAlert[]
}

export interface Webhook {
  readonly payload: WebhookPayload
  /** Empty when there is none. */
  readonly idempotencyKey: string
  readonly atMs: number
}

export class WebhookSink {
  readonly received: Webhook[] = []
  /** Status codes of the next answers; 200 when none is left. */
  readonly answers: number[] = []
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<WebhookSink> {
    const server = createServer((request, response) => void sink.#take(request, response))
    const sink = new WebhookSink(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return sink
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const atMs = performance.now()
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const payload = JSON.parse(body) as WebhookPayload
    this.received.push({ payload, idempotencyKey: String(request.headers['idempotency-key'] ?? ''), atMs })
    response.statusCode = this.answers.shift() ?? 200
    response.end()
  }
}
