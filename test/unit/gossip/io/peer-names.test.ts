import { describe, expect, it } from 'vitest'
import { endpointToText } from '../../../../src/gossip/io/endpoint-text.ts'
import type { NameLookup } from '../../../../src/gossip/io/peer-addresses.ts'
import { parsePeerName, resolvePeerName, type ServiceLookup } from '../../../../src/gossip/io/peer-names.ts'

const SRV: Readonly<Record<string, readonly { readonly name: string; readonly port: number }[]>> = {
  '_gossip._tcp.alerts': [
    { name: 'am-0', port: 9094 },
    { name: 'am-1', port: 9194 },
    { name: 'gone', port: 9094 },
    { name: 'am-0', port: 9094 },
  ],
  'not-here': [{ name: '.', port: 0 }],
  'all-gone': [{ name: 'gone', port: 1 }],
  many: Array.from({ length: 100 }, (_, i) => ({ name: 'am-0', port: i + 1 })),
}
const A: Readonly<Record<string, readonly string[]>> = {
  'am-0': ['10.0.0.1', '2001:db8::1'],
  'am-1': ['10.0.0.2'],
  'not-here': ['10.0.0.3'],
  plain: ['10.0.0.4', '10.0.0.5'],
}

const lookup: NameLookup = (host) =>
  A[host] === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(A[host])
const lookupService: ServiceLookup = (name) =>
  SRV[name] === undefined ? Promise.reject(new Error('ENODATA')) : Promise.resolve(SRV[name])
const never: ServiceLookup = () => new Promise(() => undefined)

async function resolve(text: string, service = lookupService, timeoutMs = 1000): Promise<string[]> {
  const lookups = { lookup, lookupService: service, ownPort: 7000, timeoutMs }
  return (await resolvePeerName(text, lookups)).map(endpointToText)
}

describe('peers by name', () => {
  it('without a port are what their SRV records say: every host, every address, each once', async () => {
    expect(await resolve('_gossip._tcp.alerts')).toEqual([
      '10.0.0.1:9094',
      '[2001:db8::1]:9094',
      '10.0.0.2:9194',
    ])
  })

  it.each(['plain', 'not-here'])(
    'without a port and SRV target (%s) are their addresses at our own port',
    async (name) => {
      expect(await resolve(name)).toEqual((A[name] ?? []).map((ip) => `${ip}:7000`))
    },
  )

  it('with a port are never asked for as a service', async () => {
    expect(await resolve('not-here:1', () => Promise.reject(new Error('asked')))).toEqual(['10.0.0.3:1'])
    expect(await resolve('all-gone:1').catch(({ code }: { code: string }) => code)).toBe(
      'GOSSIP_NAME_UNRESOLVED',
    )
  })

  it.each([
    ['10.0.0.9', '10.0.0.9:7000'],
    ['[2001:db8::9]', '[2001:db8::9]:7000'],
  ])('that are addresses without a port (%s) ask no resolver', async (text, endpoint) => {
    expect(await resolve(text, () => Promise.reject(new Error('asked')))).toEqual([endpoint])
  })

  it('are found by address when nobody answers the question for a service', async () => {
    expect(await resolve('plain', never, 30)).toEqual(['10.0.0.4:7000', '10.0.0.5:7000'])
  })

  it('whose SRV records name nobody that has an address are unresolved, and the reason says so', async () => {
    await expect(resolve('all-gone')).rejects.toMatchObject({
      code: 'GOSSIP_NAME_UNRESOLVED',
      message: 'the SRV records of all-gone name 1 hosts, and none of them has an address',
    })
  })

  it('use at most 64 SRV records', async () => {
    expect((await resolve('many')).length).toBe(2 * 64)
  })

  it.each(['', '::1', '[host]', 'a b', 'n/h', 'host:', 'host:65536'])('%j is no peer', (text) => {
    expect(() => parsePeerName(text)).toThrow(expect.objectContaining({ code: 'GOSSIP_ADDRESS_MALFORMED' }))
  })
})
