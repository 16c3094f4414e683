/**
 * Server-sent events out of the body of an answer (the HTML standard, server-sent events, as far as a replica uses it).
 *
 * The id of a block counts even where there is no event in it: a quiet stream moves on.
 */
import { StringDecoder } from 'node:string_decoder'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'

export interface ServerEvent {
  /** Empty where the block was none but told where the stream stands. */
  readonly event: string
  readonly data: string
  /** To go on after; undefined where the block says nothing of it. */
  readonly id: string | undefined
}

/** The largest value that a replica may hold is 64 MiB, and base64 adds a third. */
const BLOCK_CHARS_MAX = 128 * 1024 * 1024

/** @throws CliError for a block that no replica sends; what the body throws */
export async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new StringDecoder()
  let pieces: string[] = []
  let chars = 0
  for await (const bytes of body) {
    const text = decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    const isEnd = text.startsWith('\n') && pieces.at(-1)?.endsWith('\n') === true
    pieces.push(text)
    chars += text.length
    if (chars > BLOCK_CHARS_MAX) throw new CliError(EXIT.failed, 'an event is too large to be read')
    if (!isEnd && !text.includes('\n\n')) continue
    const blocks = pieces.join('').split('\n\n')
    const rest = blocks.pop() ?? ''
    pieces = [rest]
    chars = rest.length
    for (const block of blocks) yield eventOf(block)
  }
}

function eventOf(block: string): ServerEvent {
  let event = ''
  let id: string | undefined
  const data: string[] = []
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') event = value
    else if (name === 'id') id = value
    else if (name === 'data') data.push(value)
  }
  return { event: data.length === 0 ? '' : event, data: data.join('\n'), id }
}
