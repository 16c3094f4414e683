import { describe, expect, it } from 'vitest'
import { eventsOf, type ServerEvent } from '../../../src/cli/event-lines.ts'

async function read(...chunks: readonly Uint8Array[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = []
  for await (const event of eventsOf(chunksOf(chunks))) events.push(event)
  return events
}

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

const TEXT =
  'retry: 1000\n: hearsay\n\n: here\nid: b-1\n\nid: b-2\nevent: put\ndata: {"key":"🦊: é"}\n\nid: b-3\neve'

describe('events of a stream', () => {
  it('are the same however the bytes are cut', async () => {
    const bytes = Buffer.from(TEXT)
    const whole = await read(bytes)
    expect(whole).toEqual([
      { event: '', data: '', id: undefined },
      { event: '', data: '', id: 'b-1' },
      { event: 'put', data: '{"key":"🦊: é"}', id: 'b-2' },
    ])
    expect(await read(...[...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole)
    for (let at = 1; at < bytes.length; at++) {
      expect(await read(bytes.subarray(0, at), bytes.subarray(at))).toEqual(whole)
    }
  })

  it('join the lines of their data', async () => {
    expect(await read(Buffer.from('event: x\ndata: a\ndata:b\n\n'))).toEqual([
      { event: 'x', data: 'a\nb', id: undefined },
    ])
  })
})
