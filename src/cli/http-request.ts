/**
 * One HTTP request as `fetch` makes it, with what `fetch` of Node cannot be told: authorities and a certificate of one's own.
 * Redirections are not followed: they would take a password elsewhere.
 */
import http from 'node:http'
import https from 'node:https'

export interface HttpRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly agent: http.Agent
  /** Ends the request, and later the reading of the answer, with its reason. */
  readonly signal: AbortSignal
}

/** Statuses whose answers have no body, which `Response` insists on. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/** Rejects with the system's error, or the reason of the signal. */
export async function httpRequest(url: URL, options: HttpRequest): Promise<Response> {
  const { method, headers, body, agent, signal } = options
  signal.throwIfAborted()
  const message = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const module = url.protocol === 'https:' ? https : http
    const request = module.request(url, { method, headers, agent, signal }, resolve)
    request.once('error', (error) => reject(signal.aborted ? signal.reason : error))
    request.end(body)
  })
  const status = message.statusCode ?? 0
  const init = { status, statusText: message.statusMessage ?? '', headers: headersOf(message) }
  if (!WITHOUT_BODY.has(status)) return new Response(ReadableStream.from(piecesOf(message, signal)), init)
  message.resume()
  return new Response(null, init)
}

async function* piecesOf(message: http.IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of message) yield piece
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  }
}

function headersOf({ rawHeaders }: http.IncomingMessage): Headers {
  const headers = new Headers()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
  }
  return headers
}
