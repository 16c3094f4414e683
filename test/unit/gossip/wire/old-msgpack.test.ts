/**
 * What memberlist up to v0.5.0 reads (memberlist-wire.md section 3): the old spec of msgpack. A bin or a str8 in the wrong
 * place loses it the message, a float any. So everything we write must come out of an independent encoder the same.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeMessage } from '../../../../src/gossip/wire/message-codec.ts'
import { encodeStream } from '../../../../src/gossip/wire/stream.ts'
import { message, openPacket, TYPE } from '../../../parity/raw/packets.ts'
import { openStream, userStream } from '../../../parity/raw/streams.ts'
import { packetMessages, streamMessages } from './arbitraries.ts'

describe('the old spec of msgpack', () => {
  it('has every form in packets, and Go’s order of keys', () => {
    fc.assert(
      fc.property(packetMessages, (sent) => {
        const bytes = Buffer.from(encodeMessage(sent))
        const [part] = openPacket(bytes).parts
        expect(part?.type === TYPE.user || message(bytes[0] ?? 0, part?.body ?? {}).equals(bytes)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('has every form in streams, and Go’s order of keys', () => {
    fc.assert(
      fc.property(streamMessages, (sent) => {
        const bytes = Buffer.from(encodeStream(sent))
        const { type, body, nodes, payload } = openStream(bytes)
        if (sent.kind !== 'push-pull') {
          const again = sent.kind === 'user' ? userStream(payload) : message(type, body)
          expect(again.equals(bytes)).toBe(true)
          return
        }
        expect(nodes).toHaveLength(sent.nodes.length)
        const header = message(type, body)
        const entries = nodes.map((node) => message(0, node).subarray(1))
        expect(Buffer.concat([header, ...entries, payload]).equals(bytes)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
