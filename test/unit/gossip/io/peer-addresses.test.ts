import { describe, expect, it } from 'vitest'
import { endpointToText } from '../../../../src/gossip/io/endpoint-text.ts'
import {
  ENDPOINTS_PER_NAME_MAX,
  type NameLookup,
  parsePeerAddress,
  resolvePeerAddress,
  sharedLookup,
} from '../../../../src/gossip/io/peer-addresses.ts'

const never: NameLookup = () => new Promise(() => undefined)
const refuse: NameLookup = () => Promise.reject(new Error('looked up'))
const answers =
  (...ips: string[]): NameLookup =>
  async () =>
    ips

describe('peer addresses', () => {
  it.each([
    ['alert-1.example:9094', 'alert-1.example', 9094],
    ['10.0.0.2:9094', '10.0.0.2', 9094],
    ['[::1]:9094', '::1', 9094],
    [':9094', '', 9094],
  ])('%s is read', (text, host, port) => {
    expect(parsePeerAddress(text)).toEqual({ host, port })
  })

  it.each([
    '',
    'host',
    'host:',
    'host:x',
    'host:65536',
    '::1:9094',
    '[::1]',
    '[host]:1',
    '[1.2.3.4]:1',
    'a b:1',
    'n/h:1',
  ])('%j is GOSSIP_ADDRESS_MALFORMED and quoted', (text) => {
    expect(() => parsePeerAddress(text)).toThrow(
      expect.objectContaining({
        code: 'GOSSIP_ADDRESS_MALFORMED',
        message: expect.stringContaining(JSON.stringify(text)),
      }),
    )
  })

  it('a literal address never asks the resolver, and no host means loopback', async () => {
    const texts = await Promise.all(
      ['10.0.0.2:1', '[2001:db8::1]:2', ':3'].map(async (text) =>
        (await resolvePeerAddress(parsePeerAddress(text), refuse, 1000)).map(endpointToText),
      ),
    )
    expect(texts).toEqual([['10.0.0.2:1'], ['[2001:db8::1]:2'], ['127.0.0.1:3']])
  })

  it('every distinct answer of a name is a peer, IPv4 and IPv6', async () => {
    const found = await resolvePeerAddress(
      { host: 'peers', port: 9094 },
      answers('10.0.0.1', '2001:db8::1', '10.0.0.1', '10.0.0.2'),
      1000,
    )
    expect(found.map(endpointToText)).toEqual(['10.0.0.1:9094', '[2001:db8::1]:9094', '10.0.0.2:9094'])
  })

  it('a name that is being looked up is not asked for again, also when nobody waits any more', async () => {
    const asked: string[] = []
    let answer = (_: readonly string[]): void => undefined
    const lookup = sharedLookup((host) => {
      asked.push(host)
      return new Promise((resolve) => {
        answer = resolve
      })
    })
    const address = { host: 'slow.example', port: 1 }
    await expect(resolvePeerAddress(address, lookup, 1)).rejects.toMatchObject({
      code: 'GOSSIP_NAME_UNRESOLVED',
    })
    const late = resolvePeerAddress(address, lookup, 60_000)
    expect(asked).toEqual(['slow.example'])
    answer(['10.0.0.1'])
    await expect(late).resolves.toHaveLength(1)
    const again = lookup('slow.example')
    expect(asked).toHaveLength(2)
    answer([])
    await again
  })

  it('a failed look-up is not kept', async () => {
    let asked = 0
    const lookup = sharedLookup(() => {
      asked++
      return Promise.reject(new Error('no such name'))
    })
    for (const times of [1, 2]) {
      await expect(lookup('nobody.example')).rejects.toThrow('no such name')
      expect(asked).toBe(times)
    }
  })

  it('an enormous answer is cut', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`)
    const found = await resolvePeerAddress({ host: 'peers', port: 1 }, answers(...many), 1000)
    expect(found.length).toBe(ENDPOINTS_PER_NAME_MAX)
  })

  it.each([
    ['fails', refuse],
    ['never answers', never],
    ['has no answer', answers()],
    ['answers with nonsense', answers('not-an-ip')],
  ])('a lookup that %s is GOSSIP_NAME_UNRESOLVED', async (_, lookupName) => {
    await expect(resolvePeerAddress({ host: 'peers', port: 1 }, lookupName, 5)).rejects.toMatchObject({
      code: 'GOSSIP_NAME_UNRESOLVED',
      message: expect.stringContaining('peers'),
    })
  })
})
