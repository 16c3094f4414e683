/** Who holds an HTTP port: a hearsay replica says its name, or that it asks who we are. Certificates are not judged here. */
import http from 'node:http'
import https from 'node:https'
import { formatHostPort } from '../../base/host-port.ts'
import type { PortHolder } from './port-check.ts'

const TIMEOUT_MS = 1500
const TEXT_CHARS_MAX = 1024 * 1024

interface Reply {
  readonly status: number
  readonly text: string
}

const NO_REPLY: Reply = { status: 0, text: '' }

/** @param hasTls whether a replica of ours would speak TLS there */
export async function httpHolder(
  hasTls: boolean,
  host: string,
  port: number,
): Promise<PortHolder | undefined> {
  const base = `${hasTls ? 'https' : 'http'}://${formatHostPort({ host, port })}/api`
  const ask = (path: string): Promise<Reply> => asked(base + path, hasTls).catch(() => NO_REPLY)
  const { status, text } = await ask('/v1/status')
  if (status === 401 && text.includes('urn:hearsay:error:')) {
    return { who: 'a hearsay replica that asks who we are', isReplica: true }
  }
  const { name, store } = fieldsOf(text)
  if (typeof name === 'string' && store !== undefined) {
    return { who: `the hearsay replica ${name}`, isReplica: true }
  }
  const { versionInfo } = fieldsOf((await ask('/v2/status')).text)
  return versionInfo === undefined ? undefined : { who: 'an Alertmanager', isReplica: false }
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const page: unknown = JSON.parse(text)
    return typeof page === 'object' && page !== null ? { ...page } : {}
  } catch {
    return {}
  }
}

function asked(url: string, hasTls: boolean): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT_MS, signal: AbortSignal.timeout(TIMEOUT_MS) }
    const hear = (response: http.IncomingMessage): void => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > TEXT_CHARS_MAX) response.destroy()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    }
    const request = hasTls
      ? https.get(url, { ...options, rejectUnauthorized: false }, hear)
      : http.get(url, options, hear)
    request.on('error', reject)
  })
}
