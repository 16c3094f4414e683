/** One HTTP request and what came back, for comparing two servers: no redirects, no defaults, the body as it is. */
import { request as httpRequest } from 'node:http'

export interface Probe {
  readonly name: string
  readonly method: string
  /** Under `/api/v2`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  /** Without the character set. */
  readonly type: string | undefined
  readonly allow: string | undefined
  readonly body: string
}

export const JSON_TYPE: Readonly<Record<string, string>> = { 'content-type': 'application/json' }

export function get(path: string, headers: Readonly<Record<string, string>> = {}): Probe {
  return { name: `GET ${path} ${headers.accept ?? ''}`.trim(), method: 'GET', path, headers }
}

export function sendProbe(base: string, probe: Probe): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = new URL(`${base}/api/v2${probe.path}`)
    const { method, headers = {} } = probe
    const path = url.pathname + url.search
    const request = httpRequest({ host: url.hostname, port: url.port, path, method, headers })
    request.once('error', reject)
    request.once('response', (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        body += chunk
      })
      response.once('end', () => {
        const type = response.headers['content-type']?.replace('; charset=utf-8', '')
        resolve({ status: response.statusCode ?? 0, type, allow: response.headers.allow, body })
      })
    })
    request.end(probe.body)
  })
}

/** Alertmanager lists methods in no particular order. */
export function methodsIn(text: string | undefined): string | undefined {
  return text?.replace(/\b(POST|DELETE),GET\b/, 'GET,$1')
}
