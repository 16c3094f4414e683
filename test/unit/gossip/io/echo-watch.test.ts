/** A host without a key that says back what it is told. */
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { EchoWatch } from '../../../../src/gossip/io/echo-watch.ts'
import { Keyring } from '../../../../src/gossip/wire/keyring.ts'
import { GossipRig } from './gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

describe('a mirror at the address of a seed', () => {
  it.each([
    ['', 1 << 16],
    ['', 1],
    ['label', 1 << 16],
  ])('is no member: label %j, %i bytes at a time', async (label, pieceBytes) => {
    const mirror = createServer((socket) => {
      // The label is left out, as answers have none.
      let skip = label === '' ? 0 : 2 + label.length
      socket.on('error', () => undefined)
      socket.on('data', (data) => {
        const bytes = data.subarray(skip)
        skip = 0
        for (let at = 0; at < bytes.length; at += pieceBytes)
          socket.write(bytes.subarray(at, at + pieceBytes))
      })
    })
    await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void mirror.close())
    const { port } = mirror.address() as AddressInfo
    const a = await rig.started('a', { label, keyring: new Keyring([new Uint8Array(32).fill(7)]) })
    const { contacted, failed } = await a.gossip.join([`127.0.0.1:${port}`])
    expect([contacted, failed.map(({ reason }) => reason)]).toEqual([
      0,
      ['the peer says back what we sent: it is no member of this cluster'],
    ])
    expect([a.delegate.merged, a.gossip.stats().drops.echoed]).toEqual([[], 1])
  })
})

describe('an echo', () => {
  const frame = (nonce: number): Uint8Array => Uint8Array.of(10, 0, 0, 0, 29, 1, ...Array(12).fill(nonce), 99)

  it('begins with our nonce, and what begins with another is none', () => {
    expect(new EchoWatch(frame(1), 0).push(frame(1))).toBe(true)
    expect(new EchoWatch(frame(1), 0).push(frame(2))).toBe(false)
    const watch = new EchoWatch(frame(1), 0)
    expect([watch.push(frame(1).subarray(0, 17)), watch.push(frame(2).subarray(17))]).toEqual([false, false])
    expect(watch.push(frame(1))).toBe(false)
  })

  it('in plaintext cannot be told', () => {
    const plain = frame(1).fill(6, 0, 1)
    expect(new EchoWatch(plain, 0).push(plain)).toBe(false)
  })
})
