/** What every transport promises (src/gossip/io/transport.ts). Give a factory, inherit the suite. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../src/gossip/core/endpoint.ts'
import type {
  ReliableStream,
  StreamListener,
  Transport,
  TransportHandler,
} from '../../src/gossip/io/transport.ts'
import { until } from '../support/until.ts'

const LOOPBACK = Uint8Array.of(127, 0, 0, 1)

interface Heard {
  readonly packets: { bytes: Uint8Array; from: Endpoint }[]
  readonly failures: { to: Endpoint; error: Error }[]
  readonly streams: HeardStream[]
}

class HeardStream implements StreamListener {
  readonly chunks: Uint8Array[] = []
  readonly closings: (Error | undefined)[] = []
  stream: ReliableStream | undefined
  onData: ((stream: HeardStream) => void) | undefined

  data(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.onData?.(this)
  }

  closed(error: Error | undefined): void {
    this.closings.push(error)
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  get bytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }
}

function ear(onData?: (stream: HeardStream) => void): Heard & { handler: TransportHandler } {
  const heard: Heard = { packets: [], failures: [], streams: [] }
  return {
    ...heard,
    handler: {
      packet: (bytes, from) => heard.packets.push({ bytes, from }),
      packetFailed: (to, error) => heard.failures.push({ to, error }),
      accept: (stream) => {
        const listener = new HeardStream()
        listener.stream = stream
        listener.onData = onData
        heard.streams.push(listener)
        return listener
      },
    },
  }
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** @param network called once a test: gives a maker of transports that can reach each other */
export function runTransportContract(name: string, network: () => (address: Endpoint) => Transport): void {
  describe(`transport contract: ${name}`, () => {
    const open: Transport[] = []
    const fixture = async (onData?: (stream: HeardStream) => void) => {
      const make = network()
      const bind = async (port = 0) => {
        const transport = make({ addr: LOOPBACK, port })
        open.push(transport)
        const heard = ear(onData)
        return { transport, heard, at: await transport.bind(heard.handler) }
      }
      return { make, bind, a: await bind(), b: await bind() }
    }
    afterEach(async () => {
      await Promise.all(open.splice(0).map((transport) => transport.close()))
    })

    it('a port of 0 is drawn, and each transport has its own', async () => {
      const { a, b } = await fixture()
      expect(a.at.port).toBeGreaterThan(0)
      expect(b.at.port).not.toBe(a.at.port)
      expect(a.at.addr).toEqual(LOOPBACK)
    })

    it('a packet arrives whole, from the address its sender listens on', async () => {
      const { a, b } = await fixture()
      a.transport.sendPacket(b.at, utf8('hello'))
      await until(() => b.heard.packets.length === 1)
      expect(b.heard.packets[0]?.bytes).toEqual(utf8('hello'))
      expect(b.heard.packets[0]?.from).toEqual(a.at)
    })

    it('the sender may reuse its buffer once the packet has been heard, without changing it', async () => {
      const { a, b } = await fixture()
      const buffer = utf8('first')
      a.transport.sendPacket(b.at, buffer)
      await until(() => b.heard.packets.length === 1)
      buffer.fill(0)
      expect(Buffer.from(b.heard.packets[0]?.bytes ?? []).toString()).toBe('first')
    })

    it('a datagram over the limit is reported, not thrown, and does not arrive', async () => {
      const { a, b } = await fixture()
      a.transport.sendPacket(b.at, new Uint8Array(65_508))
      a.transport.sendPacket(b.at, new Uint8Array(60_000))
      await until(() => a.heard.failures.length === 1 && b.heard.packets.length === 1)
      expect(a.heard.failures[0]?.to).toEqual(b.at)
      expect(b.heard.packets[0]?.bytes.length).toBe(60_000)
    })

    it('a packet to nobody vanishes and later ones still arrive', async () => {
      const { a, b, bind } = await fixture()
      const gone = await bind()
      await gone.transport.close()
      a.transport.sendPacket(gone.at, utf8('lost'))
      a.transport.sendPacket(b.at, utf8('kept'))
      await until(() => b.heard.packets.length === 1)
      expect(a.heard.failures).toEqual([])
    })

    it('a stream carries requests and replies, sent before it is connected', async () => {
      const { a, b } = await fixture((server) => {
        if (server.text === 'ping') server.stream?.send(utf8('pong'))
      })
      const client = new HeardStream()
      const stream = a.transport.dial(b.at, client)
      stream.send(utf8('pi'))
      stream.send(utf8('ng'))
      await until(() => client.text === 'pong')
      expect(stream.remote).toEqual(b.at)
      expect(client.chunks[0]?.constructor).toBe(Uint8Array)
      expect(b.heard.streams[0]?.stream?.remote.addr).toEqual(LOOPBACK)
      stream.end()
      await until(() => client.closings.length === 1 && b.heard.streams[0]?.closings.length === 1)
      expect(client.closings).toEqual([undefined])
      expect(b.heard.streams[0]?.closings).toEqual([undefined])
    })

    it('what was sent before the end arrives in order, however much', async () => {
      const { a, b } = await fixture()
      const stream = a.transport.dial(b.at, new HeardStream())
      for (let i = 0; i < 64; i++) stream.send(new Uint8Array(64 * 1024).fill(i))
      stream.end()
      await until(() => b.heard.streams[0]?.closings.length === 1)
      const server = b.heard.streams[0]
      const all = Buffer.concat(server?.chunks ?? [])
      expect(all.length).toBe(64 * 64 * 1024)
      expect(all.every((byte, at) => byte === Math.floor(at / 65_536))).toBe(true)
    })

    it('dialling an address where nobody listens closes the stream with an error, in a later turn', async () => {
      const { a, bind } = await fixture()
      const gone = await bind()
      await gone.transport.close()
      const client = new HeardStream()
      a.transport.dial(gone.at, client).send(utf8('hello'))
      expect(client.closings).toEqual([])
      await until(() => client.closings.length === 1)
      expect(client.closings[0]).toBeInstanceOf(Error)
    })

    it('addresses that no socket takes fail the dial and the packet instead of throwing', async () => {
      const { a } = await fixture()
      for (const to of [
        { addr: LOOPBACK, port: 0 },
        { addr: LOOPBACK, port: 70_000 },
        { addr: new Uint8Array(3), port: 9094 },
        { addr: new Uint8Array(0), port: 9094 },
      ]) {
        const client = new HeardStream()
        a.transport.dial(to, client)
        a.transport.sendPacket(to, utf8('x'))
        await until(() => client.closings.length === 1)
        expect(client.closings[0]).toBeInstanceOf(Error)
      }
    })

    it('a destroyed stream is closed on both sides, each told once', async () => {
      const { a, b } = await fixture()
      const client = new HeardStream()
      const stream = a.transport.dial(b.at, client)
      stream.send(utf8('x'))
      await until(() => b.heard.streams[0]?.bytes === 1)
      b.heard.streams[0]?.stream?.destroy()
      await until(() => client.closings.length === 1 && b.heard.streams[0]?.closings.length === 1)
      stream.send(utf8('late'))
      stream.end()
      stream.destroy()
      b.heard.streams[0]?.stream?.destroy()
      await new Promise((resolve) => setImmediate(resolve))
      expect(client.closings.length).toBe(1)
      expect(b.heard.streams[0]?.closings.length).toBe(1)
    })

    it('a port in use is refused as GOSSIP_PORT_BUSY, naming it', async () => {
      const { a, make } = await fixture()
      const second = make(a.at)
      const error = await second.bind(ear().handler).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'GOSSIP_PORT_BUSY' })
      expect(String(error)).toContain(`127.0.0.1:${a.at.port}`)
      await second.close()
    })

    it('close ends open streams, is idempotent, frees the port and silences the handler', async () => {
      const { a, b, bind } = await fixture()
      const client = new HeardStream()
      a.transport.dial(b.at, client).send(utf8('x'))
      await until(() => b.heard.streams[0]?.bytes === 1)
      await b.transport.close()
      await b.transport.close()
      await until(() => client.closings.length === 1)
      a.transport.sendPacket(b.at, utf8('late'))
      b.transport.sendPacket(a.at, utf8('late'))
      const late = new HeardStream()
      b.transport.dial(a.at, late)
      await until(() => late.closings.length === 1)
      const again = await bind(b.at.port)
      a.transport.sendPacket(again.at, utf8('new'))
      await until(() => again.heard.packets.some((packet) => Buffer.from(packet.bytes).toString() === 'new'))
      expect(b.heard.packets).toEqual([])
      expect(a.heard.packets).toEqual([])
      expect(a.heard.streams).toEqual([])
    })

    it('a paused stream hears nothing, its sender sees what is not taken, and nothing is lost', async () => {
      const { a, b } = await fixture((stream) => stream.stream?.pause())
      const sender = a.transport.dial(b.at, new HeardStream())
      const chunk = new Uint8Array(1024 * 1024).fill(7)
      for (let i = 0; i < 32; i++) sender.send(chunk)
      await until(() => (b.heard.streams[0]?.chunks.length ?? 0) > 0)
      const paused = b.heard.streams[0]
      const before = paused?.bytes ?? 0
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
      expect(paused?.bytes).toBe(before)
      expect(sender.unsentBytes).toBeGreaterThan(0)
      if (paused !== undefined) paused.onData = undefined
      paused?.stream?.resume()
      await until(() => paused?.bytes === 32 * chunk.length)
      await until(() => sender.unsentBytes === 0)
      sender.destroy()
    })
  })
}
