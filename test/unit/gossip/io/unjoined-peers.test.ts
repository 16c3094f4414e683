/** What a person hears of peers that cannot be joined, and of those that cannot be read. */
import { afterEach, describe, expect, it } from 'vitest'
import type { MemberEvent } from '../../../../src/gossip/core/delegate.ts'
import { endpointFromText } from '../../../../src/gossip/io/endpoint-text.ts'
import { exchangeTrouble } from '../../../../src/gossip/io/join-trouble.ts'
import { TURNED_AWAY_MAX, TurnedAwayList } from '../../../../src/gossip/io/turned-away.ts'
import { UNJOINED_MAX, UnjoinedPeers } from '../../../../src/gossip/io/unjoined-peers.ts'
import { Keyring } from '../../../../src/gossip/wire/keyring.ts'
import { until } from '../../../support/until.ts'
import { GossipRig } from './gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

const REFUSED = exchangeTrouble('connect ECONNREFUSED 10.0.0.2:9094')
const SHUT = exchangeTrouble('closed without a reply')
const keyOf = (byte: number): Keyring => new Keyring([new Uint8Array(32).fill(byte)])

function listened() {
  let nowMs = 0
  const lines: { level: string; event: string; fields: object }[] = []
  const write = (level: string) => (event: string, fields: object) =>
    void lines.push({ level, event, fields })
  return {
    clock: { monotonicMs: () => nowMs, wallMs: () => nowMs },
    log: { info: write('info'), warn: write('warn') },
    lines,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

describe('peers that cannot be joined', () => {
  it('are told of by address and reason, ever less often, and once when it works', () => {
    const { clock, log, lines, pass } = listened()
    const peers = new UnjoinedPeers(clock, log)
    for (let i = 0; i < 720; i++) {
      peers.note('10.0.0.2:9094', SHUT)
      pass(15_000)
    }
    // 0, 1, 3, 7, 15, 31, 63 and 123 minutes.
    expect(lines.length).toBe(8)
    expect(lines[0]).toEqual({
      level: 'warn',
      event: 'peer_not_joined',
      fields: { peer: '10.0.0.2:9094', reason: expect.stringContaining('label') },
    })
    peers.note('10.0.0.2:9094', undefined)
    peers.note('10.0.0.2:9094', undefined)
    expect(lines.slice(8)).toEqual([
      { level: 'info', event: 'peer_joined', fields: { peer: '10.0.0.2:9094' } },
    ])
    expect(peers.list()).toEqual([])
  })

  it('get no line in the first second when nobody is there: replicas that start together find each other', () => {
    const { clock, log, lines, pass } = listened()
    const peers = new UnjoinedPeers(clock, log)
    peers.note('a:1', REFUSED)
    expect(peers.list()).toEqual([{ ...REFUSED, address: 'a:1', sinceMs: 0 }])
    expect(lines).toEqual([])
    pass(1000)
    peers.note('a:1', REFUSED)
    peers.note('a:1', SHUT)
    expect(lines.map(({ event }) => event)).toEqual(['peer_not_joined', 'peer_not_joined'])
  })

  it('get no line when it is us who stop', () => {
    const { clock, log, lines, pass } = listened()
    const peers = new UnjoinedPeers(clock, log)
    pass(5000)
    peers.note('a:1', exchangeTrouble('stopped'))
    expect([lines, peers.list()]).toEqual([[], []])
  })

  const event = (type: 'join' | 'leave', liveness: 'alive' | 'dead' | 'left'): MemberEvent => ({
    type,
    member: {
      name: 'b',
      endpoint: endpointFromText('10.0.0.2', 9094),
      meta: new Uint8Array(0),
      liveness,
      incarnation: 1,
      peerClass: 'native',
      isSelf: false,
      rttMs: undefined,
    },
  })

  it('because they left in order are no trouble, until they come back or are there and shut', () => {
    const { clock, log, lines, pass } = listened()
    const peers = new UnjoinedPeers(clock, log)
    pass(5000)
    peers.found('b.example:9094', ['10.0.0.2:9094'])
    peers.observe(event('leave', 'left'))
    peers.note('10.0.0.2:9094', SHUT)
    pass(3_600_000)
    peers.note('10.0.0.2:9094', REFUSED)
    peers.note('b.example:9094', { reason: 'cannot look up b.example', isThere: false })
    expect([lines, peers.list()]).toEqual([[], []])
    peers.note('10.0.0.2:9094', SHUT)
    expect(peers.list()).toMatchObject([{ address: '10.0.0.2:9094' }])
    peers.observe(event('join', 'alive'))
    peers.observe(event('leave', 'dead'))
    peers.note('10.0.0.2:9094', REFUSED)
    peers.note('b.example:9094', { reason: 'cannot look up b.example', isThere: false })
    expect(peers.list().map(({ address }) => address)).toEqual(['10.0.0.2:9094', 'b.example:9094'])
  })

  it('are not told of any more once we leave', () => {
    const { clock, log, lines, pass } = listened()
    const peers = new UnjoinedPeers(clock, log, () => false)
    pass(5000)
    peers.note('a:1', REFUSED)
    expect([lines, peers.list()]).toEqual([[], []])
  })

  it('a peer that left is called on quietly, and joined when it comes back', async () => {
    const a = await rig.started('a')
    const at = a.at()
    const b = await rig.started('b', { peers: [at], refreshIntervalMs: 50 })
    await b.gossip.join([at])
    await until(() => a.sees('b') === 'alive')
    await a.gossip.leave(1000)
    await a.gossip.stop()
    await until(() => b.sees('a') === 'left')
    const calls = (): number => b.gossip.stats().events.refresh_failed ?? 0
    const before = calls()
    await until(() => calls() > before + 1)
    expect(b.gossip.troubles().unjoined).toEqual([])
    expect(b.logged.filter(({ event: name }) => name === 'peer_not_joined')).toEqual([])
    await rig.started('a2', { listen: at })
    await until(() => b.sees('a2') === 'alive')
  })

  it('are forgotten when nobody calls them any more, and are bounded', () => {
    const { clock, log, pass } = listened()
    const peers = new UnjoinedPeers(clock, log)
    for (let i = 0; i <= UNJOINED_MAX; i++) peers.note(`10.0.0.2:${i}`, REFUSED)
    expect(peers.list().length).toBe(UNJOINED_MAX)
    expect(peers.list()[0]?.address).toBe('10.0.0.2:1')
    pass(60_001)
    expect(peers.list()).toEqual([])
  })

  it.each([
    ['connect ECONNREFUSED 127.0.0.1:9', 'refused', false],
    ['connect EHOSTUNREACH 10.0.0.1:9', 'route', false],
    ['timed out', 'timeout', false],
    ['read ECONNRESET', 'label', true],
    ['closed without a reply', 'label', true],
    ['the peer refused: too busy', 'too busy', true],
  ])('%s is put into words', (said, words, isThere) => {
    expect(exchangeTrouble(said)).toEqual({ reason: expect.stringContaining(words), isThere })
  })
})

describe('who cannot be read', () => {
  it('is known by address and reason for a minute, in one line of the log a minute', () => {
    const { clock, log, lines, pass } = listened()
    const list = new TurnedAwayList(clock, log)
    const stranger = endpointFromText('10.0.0.9', 5)
    for (let i = 0; i < 1000; i++) list.note('undecryptable', stranger)
    list.note('truncated', endpointFromText('10.0.0.8', 5))
    expect(list.list()).toEqual([{ address: '10.0.0.9', reason: expect.stringContaining('key') }])
    expect(lines.length).toBe(1)
    pass(60_000)
    list.note('undecryptable', stranger)
    expect(lines[1]?.fields).toMatchObject({ from: '10.0.0.9', suppressed: 999 })
    pass(60_001)
    expect(list.list()).toEqual([])
  })

  it('is bounded, however many addresses are forged', () => {
    const { clock, log, lines } = listened()
    const list = new TurnedAwayList(clock, log)
    for (let i = 0; i < 1000; i++)
      list.note('label-mismatch', endpointFromText(`10.0.${i >> 8}.${i & 255}`, 5))
    expect(list.list().length).toBe(TURNED_AWAY_MAX)
    expect(list.list()[0]?.address).toBe('10.0.3.231')
    expect(lines.length).toBe(1)
  })
})

describe('a newcomer that does not fit', () => {
  it.each([
    ['another key', { keyring: keyOf(2) }, 'no key could decrypt', 'key that is not ours'],
    ['no key', {}, 'encrypted and no key is set here', 'not encrypted'],
    [
      'another label',
      { keyring: keyOf(1), label: 'other' },
      'another cluster label',
      'another cluster label',
    ],
  ])('with %s says so, and so does the member', async (_, options, said, heard) => {
    const member = await rig.started('member', { keyring: keyOf(1) })
    const newcomer = await rig.started('newcomer', options)
    const { failed } = await newcomer.gossip.join([member.at()])
    expect(failed).toEqual([{ address: member.at(), reason: expect.stringContaining(said), isThere: true }])
    expect(newcomer.gossip.troubles().unjoined).toMatchObject([{ address: member.at(), isThere: true }])
    expect(newcomer.logged).toContainEqual({
      level: 'warn',
      event: 'peer_not_joined',
      fields: { peer: member.at(), reason: expect.stringContaining(said) },
    })
    expect(member.gossip.troubles().turnedAway).toEqual([
      { address: '127.0.0.1', reason: expect.stringContaining(heard) },
    ])
    expect(member.logged).toContainEqual({
      level: 'warn',
      event: 'traffic_not_readable',
      fields: { from: '127.0.0.1', reason: expect.stringContaining(heard) },
    })
  })

  it('and a peer that does not exist are told apart, and the words are those of a person', async () => {
    const lookup = (): Promise<never> => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }))
    const alone = await rig.started('alone', {}, { lookup })
    const { failed } = await alone.gossip.join(['127.0.0.1:1', 'no-such-host.invalid:9094'])
    expect([...failed].sort((a, b) => (a.address < b.address ? -1 : 1))).toEqual([
      { address: '127.0.0.1:1', reason: expect.stringContaining('refused'), isThere: false },
      {
        address: 'no-such-host.invalid:9094',
        reason: 'cannot look up no-such-host.invalid (name not found)',
        isThere: false,
      },
    ])
  })

  it('a lost member that comes back with another key is told of with the reason', async () => {
    const a = await rig.started('a', { keyring: keyOf(1), reconnectIntervalMs: 50 })
    const b = await rig.started('b', { keyring: keyOf(1) })
    const at = b.at()
    await b.gossip.join([a.at()])
    await until(() => a.sees('b') === 'alive')
    await b.gossip.stop()
    await until(() => a.sees('b') === 'dead')
    await rig.started('b', { keyring: keyOf(2), listen: at })
    await until(() => a.gossip.troubles().unjoined.length > 0)
    expect(a.gossip.troubles().unjoined).toMatchObject([
      { address: at, reason: expect.stringContaining('key') },
    ])
  })
})
