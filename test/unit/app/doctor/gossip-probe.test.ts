/** Nameless pings at real replicas: what is told, and that nobody hears of who asked. */
import { randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { NamelessPings } from '../../../../src/app/doctor/gossip-probe.ts'
import type { EmbeddedReplica } from '../../../../src/app/embedded-replica.ts'
import { systemClock } from '../../../../src/app/system-clock.ts'
import { parseHostPort } from '../../../../src/base/host-port.ts'
import type { Endpoint } from '../../../../src/gossip/core/endpoint.ts'
import { aesGcm } from '../../../../src/gossip/io/aes-gcm.ts'
import { endpointFromText } from '../../../../src/gossip/io/endpoint-text.ts'
import { Keyring } from '../../../../src/gossip/wire/keyring.ts'
import { type OpenReplicaOptions, openReplica } from '../../../../src/index.ts'

async function open(options: OpenReplicaOptions = {}): Promise<readonly [EmbeddedReplica, Endpoint]> {
  const replica = await openReplica({ gossip: { listen: '127.0.0.1:0' }, ...options })
  onTestFinished(() => replica.close())
  const { host, port } = parseHostPort(replica.gossipAddress ?? '')
  return [replica, endpointFromText(host, port)]
}

function pings(label = '', keys: readonly Uint8Array[] = []): NamelessPings {
  const keyring = new Keyring(keys)
  const encryption = { keyring, aead: aesGcm, verifyIncoming: true, verifyOutgoing: true }
  return new NamelessPings(systemClock, { label, compress: false, ...(keys.length > 0 && { encryption }) })
}

/** Carries streams to a gossip port, on a port where no packet arrives. */
async function streamsOnly(to: Endpoint): Promise<Endpoint> {
  const server = createServer((socket) => {
    const onward = connect(to.port, '127.0.0.1')
    for (const end of [socket, onward]) end.on('error', () => undefined)
    socket.pipe(onward).pipe(socket)
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return endpointFromText('127.0.0.1', typeof address === 'object' ? (address?.port ?? 0) : 0)
}

describe('a nameless ping', () => {
  it('is answered by a replica both ways, with its clock, and leaves no trace', async () => {
    const [replica, at] = await open()
    const answer = await pings().byStream(at)
    expect(answer).toMatchObject({ rttMs: expect.any(Number) })
    // The same clock; the round trip is the error.
    expect(Math.abs('rttMs' in answer ? (answer.clockOffsetMs ?? Number.NaN) : Number.NaN)).toBeLessThan(5000)
    expect(await pings().byPacket(at)).toBeGreaterThan(0)
    expect(replica.members()).toHaveLength(1)
  })

  it('finds the same key, and tells another one, none, and one too many apart', async () => {
    const [key, other] = [randomBytes(32), randomBytes(32)].map((bytes) => new Uint8Array(bytes))
    if (key === undefined || other === undefined) throw new Error('no keys')
    const [, encrypted] = await open({ keys: [Buffer.from(key).toString('base64')] })
    const [, plaintext] = await open()
    expect(await pings('', [key]).byStream(encrypted)).toMatchObject({ rttMs: expect.any(Number) })
    expect(await pings('', [key]).byPacket(encrypted)).toBeGreaterThan(0)
    const reasonOf = async (probe: NamelessPings, at: Endpoint): Promise<string> => {
      const answer = await probe.byStream(at)
      return 'reason' in answer ? answer.reason : 'answered'
    }
    expect(await reasonOf(pings('', [other]), encrypted)).toMatch(/^no key could decrypt the reply/)
    expect(await reasonOf(pings(), encrypted)).toMatch(/^the reply is encrypted and no key is set here/)
    expect(await reasonOf(pings('', [key]), plaintext)).toMatch(/^the peer answers in plaintext/)
  })

  it('under another label is closed on without a word, and can be asked without one', async () => {
    const [, at] = await open()
    expect(await pings('blue').byStream(at)).toMatchObject({
      isThere: true,
      reason: expect.stringContaining('another cluster label'),
    })
    expect(await pings('blue').byStream(at, '')).toMatchObject({ rttMs: expect.any(Number) })
  })

  it('goes by stream where no packet arrives', async () => {
    const [, at] = await open()
    const half = await streamsOnly(at)
    expect(await pings().byStream(half)).toMatchObject({ rttMs: expect.any(Number) })
    expect(await pings().byPacket(half)).toBeUndefined()
  })

  it('where nobody listens is refused', async () => {
    const [replica, at] = await open()
    await replica.close()
    expect(await pings().byStream(at)).toEqual({
      isThere: false,
      reason: 'the connection was refused: nobody listens there',
    })
  })
})
