/** Reads a stream of server-sent events as a browser does: blocks, ids, and where it stands when the connection is lost. */
import { once } from 'node:events'
import http from 'node:http'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'

export interface ReadEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: Readonly<Record<string, unknown>>
}

export class EventReader {
  readonly response: http.IncomingMessage
  readonly events: ReadEvent[] = []
  /** As the standard has it: of the last block that had one, event or not. */
  lastEventId = ''
  retryMs: number | undefined
  /** Blocks that are no event. */
  comments = 0
  /** When the server ended the stream, and whether in order. */
  ended: 'no' | 'in order' | 'cut' = 'no'
  /** What came since the last block, in pieces: a large event comes in many. */
  #rest: string[] = []

  private constructor(response: http.IncomingMessage) {
    this.response = response
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#take(text))
    response.once('close', () => {
      this.ended = response.complete ? 'in order' : 'cut'
    })
    response.on('error', () => undefined)
    onTestFinished(() => this.leave())
  }

  static async open(url: string, headers: http.OutgoingHttpHeaders = {}): Promise<EventReader> {
    const request = http.get(url, { agent: false, headers: { accept: 'text/event-stream', ...headers } })
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    return new EventReader(response)
  }

  /** Takes nothing more from the connection. */
  stop(): void {
    this.response.pause()
  }

  goOn(): void {
    this.response.resume()
  }

  /** Hangs up. */
  leave(): void {
    this.response.destroy()
  }

  /** Waits until as many events have come. */
  async has(events: number): Promise<readonly ReadEvent[]> {
    await until(() => this.events.length >= events)
    return this.events
  }

  #take(text: string): void {
    const isEnd = text.startsWith('\n') && this.#rest.at(-1)?.endsWith('\n') === true
    this.#rest.push(text)
    if (!isEnd && !text.includes('\n\n')) return
    const blocks = this.#rest.join('').split('\n\n')
    this.#rest = [blocks.pop() ?? '']
    for (const block of blocks) this.#block(block.split('\n'))
  }

  #block(lines: readonly string[]): void {
    const fields = new Map<string, string>()
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
      fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value)
    }
    const id = fields.get('id')
    if (id !== undefined) this.lastEventId = id
    if (fields.has('retry')) this.retryMs = Number(fields.get('retry'))
    const data = fields.get('data')
    if (data === undefined) this.comments++
    else this.events.push({ event: fields.get('event') ?? 'message', id, data: JSON.parse(data) })
  }
}
