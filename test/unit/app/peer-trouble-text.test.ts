import { expect, it } from 'vitest'
import { peerWarnings, unlistedPeers } from '../../../src/app/peer-trouble-text.ts'
import type { Member } from '../../../src/gossip/core/delegate.ts'
import type { NodeLiveness } from '../../../src/gossip/core/messages.ts'
import { endpointFromText } from '../../../src/gossip/io/endpoint-text.ts'

const NONE = { lost: [], unjoined: [], turnedAway: [] }
const clock = { monotonicMs: () => 60_000, wallMs: () => Date.parse('2026-11-21T12:02:07Z') }
const endpoint = endpointFromText('10.0.0.1', 9094)

function member(name: string, liveness: NodeLiveness, isSelf = false): Member {
  return {
    name,
    liveness,
    isSelf,
    endpoint,
    meta: new Uint8Array(0),
    incarnation: 1,
    peerClass: 'native',
    rttMs: undefined,
  }
}

it('a cluster that is whole gives nothing to say, nor does a member that left on purpose', () => {
  expect(peerWarnings(clock, [member('a', 'alive', true), member('b', 'left')], NONE)).toEqual([])
})

it('the dead and the lost are unreachable, each once and since when', () => {
  const members = [member('a', 'alive', true), member('b', 'dead')]
  const lost = ['c', 'b'].map((name) => ({ name, endpoint, sinceMs: 0 }))
  expect(peerWarnings(clock, members, { ...NONE, lost })).toEqual([
    '2 of 3 known members are unreachable: c at 10.0.0.1:9094 (since 12:01:07 UTC), b at 10.0.0.1:9094 (since 12:01:07 UTC)',
  ])
  expect(unlistedPeers(members, lost).map(({ name }) => name)).toEqual(['c'])
})

it('a member that is back is not unreachable, whatever is remembered of it', () => {
  const lost = [{ name: 'b', endpoint, sinceMs: 0 }]
  expect(peerWarnings(clock, [member('a', 'alive', true), member('b', 'alive')], { ...NONE, lost })).toEqual(
    [],
  )
})

it('of many the first five are named', () => {
  const lost = Array.from({ length: 9 }, (_, i) => ({ name: `n${i}`, endpoint, sinceMs: 0 }))
  const [warning] = peerWarnings(clock, [member('a', 'alive', true)], { ...NONE, lost })
  expect(warning).toMatch(/^9 of 10 known members are unreachable: n0 .*, n4 at [^,]*, and 4 more$/)
})

it('who cannot be joined, and who cannot be read, is told with the reason', () => {
  const unjoined = ['x:1', 'y:1'].map((address) => ({ address, reason: 'shut', isThere: true, sinceMs: 0 }))
  const turnedAway = [{ address: '10.0.0.9', reason: 'of another cluster label' }]
  const self = member('a', 'alive', true)
  expect(peerWarnings(clock, [self], { ...NONE, unjoined, turnedAway })).toEqual([
    'this replica is alone: none of the 2 peers it calls can be joined: x:1: shut; y:1: shut',
    'in the last minute traffic was dropped that cannot be read here: 10.0.0.9: of another cluster label',
  ])
  expect(peerWarnings(clock, [self, member('b', 'alive')], { ...NONE, unjoined })).toEqual([
    '2 peers cannot be joined: x:1: shut; y:1: shut',
  ])
})
