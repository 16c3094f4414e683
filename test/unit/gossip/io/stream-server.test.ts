import { describe, expect, it } from 'vitest'
import { Alarms } from '../../../../src/gossip/io/alarms.ts'
import { Counters } from '../../../../src/gossip/io/counters.ts'
import { endpointFromText } from '../../../../src/gossip/io/endpoint-text.ts'
import { driverDefaults } from '../../../../src/gossip/io/gossip.ts'
import { StreamMemory } from '../../../../src/gossip/io/stream-memory.ts'
import { StreamServer } from '../../../../src/gossip/io/stream-server.ts'
import type { StreamListener } from '../../../../src/gossip/io/transport.ts'

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined }

function server(inboundStreamsMax: number, inboundStreamsPerAddressMax: number) {
  const counters = new Counters(clock, log)
  const destroyed: string[] = []
  const limits = { inboundStreamsMax, inboundStreamsPerAddressMax, tcpTimeoutMs: 10_000 }
  const streams = new StreamServer(
    clock,
    new Alarms(clock, true),
    counters,
    { ...limits, label: '', compress: false },
    new StreamMemory(1e6),
    { request: () => undefined },
  )
  const accept = (ip: string): StreamListener =>
    streams.accept({
      remote: endpointFromText(ip, 5000),
      send: () => undefined,
      end: () => undefined,
      destroy: () => destroyed.push(ip),
    })
  return { streams, counters, destroyed, accept }
}

describe('stream server', () => {
  it('one remote address gets no more than its share, others still get in', () => {
    const { streams, destroyed, accept } = server(128, 16)
    const first = accept('10.0.0.1')
    for (let i = 1; i < 17; i++) accept('10.0.0.1')
    accept('10.0.0.2')
    expect(destroyed).toEqual(['10.0.0.1'])
    expect(streams.open).toBe(17)
    first.closed(undefined)
    accept('10.0.0.1')
    expect(destroyed).toEqual(['10.0.0.1'])
    expect(streams.open).toBe(17)
  })

  it('four peers behind one address may each use all the streams that an outbox opens, beside an exchange', () => {
    const { inboundStreamsMax, inboundStreamsPerAddressMax, outboundStreamsPerPeerMax } = driverDefaults()
    const { streams, destroyed, accept } = server(inboundStreamsMax, inboundStreamsPerAddressMax)
    for (let i = 0; i < 4 * (outboundStreamsPerPeerMax + 1); i++) accept('10.0.0.1')
    expect([destroyed, streams.open]).toEqual([[], 36])
  })

  it('loopback is limited by the total only', () => {
    const { streams, counters, destroyed, accept } = server(128, 16)
    for (let i = 0; i < 129; i++) accept('127.0.0.1')
    expect(streams.open).toBe(128)
    expect(destroyed).toEqual(['127.0.0.1'])
    expect(counters.streams.toRecord()).toEqual({ accepted: 128, refused: 1 })
  })

  it('a refused stream that closes frees nobody else’s place', () => {
    const { streams, accept } = server(1, 1)
    accept('10.0.0.1')
    accept('10.0.0.1').closed(undefined)
    expect(streams.open).toBe(1)
  })
})
