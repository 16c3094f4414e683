/** Parity: who joins whom, under which versions and addresses (memberlist-wire.md section 12). */
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { at, names, parity, untilSees, untilTold } from './rig.ts'

/** Nobody is suspected for a machine's slowness, or for an address where nobody is. */
const CALM = { probeIntervalMs: 60_000, probeTimeoutMs: 500 }

const hasIPv6Loopback = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
)

/** Takes connections and says nothing. */
async function muteServer(): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined))
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return port
}

parity('joining', (stage) => {
  it('item 46: a join yields two members on both sides', async () => {
    const ana = await stage.peer({ name: 'ana' })
    const ben = await stage.peer({ name: 'ben' })
    expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
    expect(await names(ben)).toEqual(['ana', 'ben'])
    await untilSees(ana, ['ana', 'ben'])
  })

  describe.each([
    ['item 53: a node at the default protocol and one at 5', 2, 5],
    ['item 61: nodes at protocols 2 and 1', 2, 1],
    ['item 61: nodes at protocols 2 and 3', 2, 3],
    ['item 61: nodes at protocols 3 and 2', 3, 2],
    ['item 61: nodes at protocols 3 and 1', 3, 1],
  ])('%s', (_title, first, second) => {
    it('join each other', async () => {
      const ana = await stage.peer({ name: 'ana', protocolVersion: first })
      const ben = await stage.peer({ name: 'ben', protocolVersion: second })
      expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
      expect(await names(ben)).toEqual(['ana', 'ben'])
      await untilSees(ana, ['ana', 'ben'])
    })
  })

  it('item 60: a peer that takes the connection and says nothing fails the join within the timeout', async () => {
    const ana = await stage.peer({ name: 'ana', tcpTimeoutMs: 50 })
    const mute = `127.0.0.1:${await muteServer()}`
    const startedAt = performance.now()
    const { contacted, error } = await ana.join([mute])
    expect(contacted).toBe(0)
    expect(error).not.toBeUndefined()
    // Far above the timeout, for slow machines, and far below the default of 10 s.
    expect(performance.now() - startedAt).toBeLessThan(5000)
    expect(await names(ana)).toEqual(['ana'])
  })

  it('item 63: others see the advertised address and port, not the bound ones', async () => {
    const advertisePort = await freePort()
    const ana = await stage.peer({ name: 'ana', advertiseAddr: '127.0.0.77', advertisePort, ...CALM })
    const ben = await stage.peer({ name: 'ben', ...CALM })
    expect(ana.port).not.toBe(advertisePort)
    expect(await ben.join([at(ana)])).toEqual({ contacted: 1 })
    for (const peer of [ana, ben]) {
      const seen = (await peer.members()).find(({ name }) => name === 'ana')
      expect(seen).toMatchObject({ addr: '127.0.0.77', port: advertisePort })
    }
  })

  it('item 64: the same name at another address is a conflict on both sides, and the join counts', async () => {
    const ana = await stage.peer({ name: 'ana', ...CALM })
    const other = await stage.peer({ name: 'ana', ...CALM })
    expect(await other.join([at(ana)])).toEqual({ contacted: 1 })
    await untilTold(ana, 'conflict', ({ name, otherPort }) => name === 'ana' && otherPort === other.port)
    await untilTold(other, 'conflict', ({ name, otherPort }) => name === 'ana' && otherPort === ana.port)
    for (const peer of [ana, other]) {
      expect(await peer.members()).toMatchObject([{ name: 'ana', port: peer.port }])
    }
  })

  if (hasIPv6Loopback) {
    it('item 62: peers on the IPv6 loopback join each other', async () => {
      const ana = await stage.peer({ name: 'ana', bindAddr: '::1' })
      const ben = await stage.peer({ name: 'ben', bindAddr: '::1' })
      expect(await ben.join([`[::1]:${ana.port}`])).toEqual({ contacted: 1 })
      await untilSees(ana, ['ana', 'ben'])
      expect(await ben.members()).toMatchObject([{ addr: '::1' }, { addr: '::1' }])
      await ana.broadcast(Buffer.from('over IPv6'))
      await untilTold(ben, 'user')
    })
  } else process.stderr.write('skipped: item 62: this machine has no IPv6 loopback\n')
})
