import { describe, expect, it } from 'vitest'
import { type OpenReplicaOptions, openReplica } from '../../../src/index.ts'
import { ANY_PORT, alive, openEmbedded } from '../../support/embedded.ts'
import { keyOf } from '../../support/gossip-keys.ts'
import { until } from '../../support/until.ts'

/** Names that mean something to JavaScript, file systems, terminals or C. */
const NAMES = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '../x',
  '/etc/passwd',
  '',
  '\0',
  'a\0b',
  '\u202eright-to-left',
  'עברית',
  '👩‍🚀🔥',
  'ﬀ',
  'e\u0301',
  ' \t\n',
  '%2e%2e',
]

const NINE_KEYS = Array.from({ length: 9 }, (_, i) => keyOf(i + 1).text)

describe('options', () => {
  it.each<[string, string, object]>([
    ['OPTION_INVALID', 'keys', { keys: [keyOf(1).text] }],
    ['OPTION_INVALID', 'keys', { gossip: ANY_PORT, keys: [] }],
    ['OPTION_INVALID', 'keys', { gossip: ANY_PORT, keys: keyOf(1).text }],
    ['OPTION_INVALID', 'keys', { gossip: ANY_PORT, keys: [keyOf(1).bytes] }],
    ['GOSSIP_KEY_INVALID', 'base64', { gossip: ANY_PORT, keys: ['secret'] }],
    ['GOSSIP_KEYS_TOO_MANY', '8', { gossip: ANY_PORT, keys: NINE_KEYS }],
    ['OPTION_INVALID', 'gossip.verifyIncoming', { gossip: { ...ANY_PORT, verifyIncoming: 'no' } }],
    ['OPTION_INVALID', 'gossip.allowedNetworks', { gossip: { ...ANY_PORT, allowedNetworks: ['10.0.0.1'] } }],
    ['OPTION_INVALID', 'gossip.allowedNetworks', { gossip: { ...ANY_PORT, allowedNetworks: [] } }],
    ['OPTION_INVALID', 'datadir', { datadir: './data' }],
    ['OPTION_INVALID', 'gossip.peer', { gossip: { ...ANY_PORT, peer: ['127.0.0.1:1'] } }],
    ['OPTION_INVALID', 'http.port', { http: { listen: '127.0.0.1:0', port: 1 } }],
    ['OPTION_INVALID', 'name', { name: '' }],
    ['OPTION_INVALID', 'dataDir', { dataDir: '' }],
    ['OPTION_INVALID', 'gossip.foreignState', { gossip: { ...ANY_PORT, foreignState: 'serf' } }],
    ['OPTION_INVALID', 'gossip.delegateVersion', { gossip: { ...ANY_PORT, delegateVersion: [2, 5] } }],
    ['OPTION_INVALID', 'gossip.delegateVersion', { gossip: { ...ANY_PORT, delegateVersion: [2, 5, 6] } }],
    ['OPTION_INVALID', 'gossip.delegateVersion', { gossip: { ...ANY_PORT, delegateVersion: [0, 256, 1] } }],
  ])('are refused as %s, naming %s', async (code, name, options) => {
    const opening = openReplica(options as OpenReplicaOptions)
    await expect(opening).rejects.toMatchObject({ code, message: expect.stringContaining(name) as string })
  })

  it('keep apart members whose delegates have no version in common', async () => {
    const alertmanager = await openEmbedded({ name: 'a', gossip: ANY_PORT })
    const peers = [alertmanager.gossipAddress ?? '']
    const delegateVersion = [2, 5, 5] as const
    const serf = await openEmbedded({ name: 's', gossip: { ...ANY_PORT, peers, delegateVersion } })
    const serfPeers = [serf.gossipAddress ?? '']
    const other = await openEmbedded({
      name: 't',
      gossip: { ...ANY_PORT, peers: serfPeers, delegateVersion },
    })
    await until(() => alive(serf).length === 2 && alive(other).length === 2)
    expect(alive(alertmanager)).toEqual(['a'])
  })

  it('keep clusters with other labels apart', async () => {
    const one = await openEmbedded({ name: 'one', label: 'x', gossip: ANY_PORT })
    const two = await openEmbedded({ name: 'two', label: 'y', gossip: ANY_PORT })
    const joined = await two.join([one.gossipAddress ?? ''])
    expect([joined.contacted, joined.failed.length, alive(one), alive(two)]).toEqual([0, 1, ['one'], ['two']])
  })

  it("share silences among hearsay replicas whatever is shared with others: foreignState 'none'", async () => {
    const gossip = { ...ANY_PORT, foreignState: 'none' } as const
    const one = await openEmbedded({ name: 'one', gossip })
    const silence = {
      matchers: ['a="b"'],
      endsAt: new Date(Date.now() + 60_000),
      createdBy: 'x',
      comment: 'y',
    }
    const before = await one.silences.create(silence)
    const two = await openEmbedded({ name: 'two', gossip: { ...gossip, peers: [one.gossipAddress ?? ''] } })
    await two.ready()
    expect(two.silences.matching({ a: 'b' })).toEqual([before])
    await two.silences.create(silence)
    await until(() => one.silences.matching({ a: 'b' }).length === 2)
  })
})

describe('names of maps, sets, keys and members', () => {
  it('are opaque texts: they round-trip, everywhere, and pollute nothing', async () => {
    const replica = await openEmbedded()
    for (const name of NAMES) {
      const map = replica.map<string>(name)
      const set = replica.set(name)
      const [entries, members] = [map.watch(), set.watch()]
      for (const key of NAMES) {
        await map.set(key, `value of ${key}`)
        await set.add(key)
        expect((await entries.next()).value).toMatchObject({ type: 'put', key, value: `value of ${key}` })
        expect((await members.next()).value).toMatchObject({ type: 'add', member: key })
        expect([map.get(key), map.has(key), set.has(key)]).toEqual([`value of ${key}`, true, true])
      }
      const sorted = [...NAMES].sort((a, b) => (a < b ? -1 : 1))
      expect([...map.entries()]).toEqual(sorted.map((key) => [key, `value of ${key}`]))
      expect(set.members()).toEqual(sorted)
      expect((await map.delete('__proto__')).existed).toBe(true)
      expect([map.has('__proto__'), map.has('constructor')]).toEqual([false, true])
    }
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(replica.map('toString').get('toString')).toBeUndefined()
  })

  it('with half of a surrogate pair are refused by name', async () => {
    const replica = await openEmbedded()
    const malformed = { code: 'STORE_KEY_MALFORMED' }
    await expect(replica.map('m').set('\ud800', 1)).rejects.toMatchObject(malformed)
    await expect(replica.map('\udfff').set('k', 1)).rejects.toMatchObject(malformed)
    await expect(replica.set('s').add('a\ud800b')).rejects.toMatchObject(malformed)
  })
})

describe('a ttl', () => {
  it.each(['0', '0s', '900000h'])('of %s is refused by name', async (ttl) => {
    const map = (await openEmbedded()).map<number>('m')
    await expect(map.set('k', 1, { ttl })).rejects.toMatchObject({ code: 'STORE_EXPIRY_MALFORMED' })
    expect(map.has('k')).toBe(false)
  })
})

describe('values over HTTP', () => {
  it('are JSON where JSON says the same, else the bytes with their type', async () => {
    const replica = await openEmbedded({ http: ANY_PORT })
    const map = replica.map<unknown>('m')
    const fetched = async (value: unknown): Promise<string> => {
      await map.set('k', value)
      const answer = await fetch(`${replica.url}/api/v1/kv/m/k`)
      const type = answer.headers.get('content-type')?.split(';', 1)[0] ?? ''
      return type === 'application/json' ? await answer.text() : type
    }
    expect(await fetched({ a: [1, 'ü', null, true] })).toBe('{"a":[1,"ü",null,true]}')
    for (const value of [1n, Number.NaN, new Date(0), undefined, { a: undefined }, Uint8Array.of(1)]) {
      expect(await fetched(value)).toBe('application/vnd.msgpack')
    }
    for (const value of [-0, new Map(), new Set([1]), JSON.parse('{"__proto__":1}')]) {
      expect(await fetched(value)).toBe('application/vnd.hearsay.tagged+msgpack')
      expect(map.get('k')).toEqual(value)
    }
    const page = (await (await fetch(`${replica.url}/api/v1/kv/m`)).json()) as { items: object[] }
    expect(page.items).toMatchObject([{ key: 'k', contentType: 'application/vnd.hearsay.tagged+msgpack' }])
  })
})
