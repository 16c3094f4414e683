import { expect, it } from 'vitest'
import { type ClusterAnswer, clusterText } from '../../../src/cli/cluster.ts'

const member = { state: 'alive', address: '10.0.0.1:9094', incarnation: 3, class: 'native' } as const
const ok = { state: 'ok' } as const

const answer: ClusterAnswer = {
  name: 'a',
  settled: true,
  healthScore: 0,
  lag: { members: 1, ms: 2480 },
  warnings: ['UDP to b fails, TCP works: check the firewall for UDP 9094, both ways'],
  members: [
    { ...member, name: 'a', isSelf: true },
    {
      ...member,
      name: 'b',
      isSelf: false,
      rttMs: 0.25,
      version: '0.1.0',
      sameState: false,
      udp: { state: 'failing' },
      tcp: ok,
    },
  ],
}

it('members are shown with the ways to them, and warnings below', () => {
  expect(clusterText(answer).split('\n')).toEqual([
    'NAME  STATE  ADDRESS        INCARNATION  RTT     CLASS   VERSION  DATA     UDP      TCP',
    'a *   alive  10.0.0.1:9094  3            -       native  -        -        -        -',
    'b     alive  10.0.0.1:9094  3            0.3 ms  native  0.1.0    differs  failing  ok',
    '',
    '* a: settled, health score 0 (0 is healthy), 1 member differs for 2.5 s',
    'warning: UDP to b fails, TCP works: check the firewall for UDP 9094, both ways',
  ])
})

it('members that gossip has dropped from its list are shown as lost, and since when', () => {
  const since = '2026-11-21T12:01:07.000Z'
  const lost = [{ name: 'c', state: 'lost', address: '10.0.0.3:9094', since }]
  const lines = clusterText({ ...answer, lost }).split('\n')
  expect(lines[3]).toMatch(/^c +lost since 2026-11-21T12:01:07.000Z +10.0.0.3:9094 +-/)
})

it('one that has left says so', () => {
  expect(clusterText({ ...answer, left: true, lag: { members: 0, ms: 0 } })).toContain(
    '* a: left, health score 0 (0 is healthy)\n',
  )
})

it('a replica of an older version has none of both', () => {
  const { warnings: _, lag: __, ...older } = answer
  expect(clusterText({ ...older, members: answer.members.slice(0, 1) })).not.toContain('warning')
})
