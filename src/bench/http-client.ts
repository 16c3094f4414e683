/**
 * A keep-alive HTTP client for load and polling: node:http with one agent per target, no redirects, small bodies.
 *
 * Not the built-in fetch, which costs several times more CPU a request and would measure itself.
 */
import { Agent, request } from 'node:http'

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

export class HttpClient {
  readonly #agent: Agent
  readonly #host: string
  readonly #port: number

  /** @param url `http://host:port`; @param connections sockets at most, kept open */
  constructor(url: string, connections: number) {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port)
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, noDelay: true })
  }

  /** @throws the socket's error when the server cannot be reached or hangs up */
  send(method: string, path: string, body?: string, contentType = 'application/json'): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const headers =
        body === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }
      const outgoing = request(
        { agent: this.#agent, host: this.#host, port: this.#port, method, path, headers },
        (incoming) => {
          let text = ''
          incoming.setEncoding('utf8')
          incoming.on('data', (chunk: string) => {
            text += chunk
          })
          incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: text }))
          incoming.on('error', reject)
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
