/** Generators of valid messages, for round trips and as the starting point of damage. */
import fc from 'fast-check'
import type { Endpoint } from '../../../../src/gossip/core/endpoint.ts'
import type { NodeRecord, PacketMessage, StreamMessage } from '../../../../src/gossip/core/messages.ts'

const u32 = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 127, 128, 255, 256, 65_535, 65_536, 0xffff_ffff))
const port = fc.integer({ min: 1, max: 65_535 })
const addr = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
)
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 60 })
  .map((text) => text.replace(/\p{Cc}|\p{Cs}/gu, '') || 'n')
const nameOrNone = fc.oneof(name, fc.constant(''))
const bytes = fc.uint8Array({ maxLength: 300 })
const vsn = fc.uint8Array({ minLength: 6, maxLength: 6 })
const endpoint: fc.Arbitrary<Endpoint> = fc.record({ addr, port })
const source = fc.record({ source: endpoint, sourceNode: name }, { requiredKeys: [] })

export const packetMessages: fc.Arbitrary<PacketMessage> = fc.oneof(
  fc
    .tuple(fc.record({ kind: fc.constant('ping' as const), seqNo: u32, node: nameOrNone }), source)
    .map(([ping, from]) => ({ ...ping, ...from })),
  fc
    .tuple(
      fc.record({
        kind: fc.constant('indirect-ping' as const),
        seqNo: u32,
        target: endpoint,
        node: nameOrNone,
        nack: fc.boolean(),
      }),
      source,
    )
    .map(([ping, from]) => ({ ...ping, ...from })),
  fc.record({ kind: fc.constant('ack' as const), seqNo: u32, payload: bytes }),
  fc.record({ kind: fc.constant('nack' as const), seqNo: u32 }),
  fc.record({ kind: fc.constant('suspect' as const), incarnation: u32, node: name, from: nameOrNone }),
  fc.record({ kind: fc.constant('dead' as const), incarnation: u32, node: name, from: nameOrNone }),
  fc.record({
    kind: fc.constant('alive' as const),
    incarnation: u32,
    node: name,
    endpoint,
    meta: bytes,
    vsn,
  }),
  fc.record({ kind: fc.constant('user' as const), payload: bytes }),
)

export const nodeRecords: fc.Arbitrary<NodeRecord> = fc.record({
  name,
  endpoint,
  meta: bytes,
  incarnation: u32,
  liveness: fc.constantFrom('alive', 'suspect', 'dead', 'left'),
  vsn,
})

export const streamMessages: fc.Arbitrary<StreamMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('push-pull' as const),
    join: fc.boolean(),
    nodes: fc.array(nodeRecords, { maxLength: 5 }),
    userState: bytes,
  }),
  fc.record({ kind: fc.constant('user' as const), payload: bytes }),
  fc.record({ kind: fc.constant('ack' as const), seqNo: u32, payload: bytes }),
  fc.record({ kind: fc.constant('error' as const), error: nameOrNone }),
  fc
    .tuple(fc.record({ kind: fc.constant('ping' as const), seqNo: u32, node: nameOrNone }), source)
    .map(([ping, from]) => ({ ...ping, ...from })),
)
