/** The doctor's checks, each with what it asks replaced. */
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../../../src/app/doctor/finding.ts'
import { ok } from '../../../../src/app/doctor/finding.ts'
import type { Answer, GossipProbe } from '../../../../src/app/doctor/gossip-probe.ts'
import { type PeerCheckOptions, peerCheck } from '../../../../src/app/doctor/peer-check.ts'
import { type PortCheckOptions, portCheck } from '../../../../src/app/doctor/port-check.ts'
import { processCheck } from '../../../../src/app/doctor/process-check.ts'
import { type ReplicaAnswer, replicaChecks } from '../../../../src/app/doctor/replica-checks.ts'
import { runChecks } from '../../../../src/app/doctor/run-checks.ts'
import { HearsayError } from '../../../../src/base/errors.ts'
import { endpointFromText } from '../../../../src/gossip/io/endpoint-text.ts'
import { exchangeTrouble } from '../../../../src/gossip/io/join-trouble.ts'

/** `fail peer udp 10.0.0.2:9094 | no answer …` */
function line({ verdict, check, subject, detail }: Finding): string {
  return `${verdict} ${check} ${subject} | ${detail}`
}

const MEMBER: Answer = { rttMs: 1.25, clockOffsetMs: undefined }

interface Peer {
  readonly stream?: Answer | string
  readonly unlabelled?: Answer | string
  readonly packetMs?: number | undefined
  readonly options?: Partial<PeerCheckOptions>
}

async function examined({
  stream = MEMBER,
  unlabelled = 'timed out',
  packetMs,
  options = {},
}: Peer): Promise<{
  readonly lines: readonly string[]
  readonly findings: readonly Finding[]
  readonly packets: number
}> {
  let packets = 0
  const outcome = (of: Answer | string): Awaited<ReturnType<GossipProbe['byStream']>> =>
    typeof of === 'string' ? exchangeTrouble(of) : of
  const probe: GossipProbe = {
    byStream: async (_to, label) => outcome(label === '' ? unlabelled : stream),
    byPacket: async () => {
      packets++
      return packetMs
    },
  }
  const check = peerCheck({
    peer: '10.0.0.2:9094',
    resolve: async () => [endpointFromText('10.0.0.2', 9094)],
    probe,
    label: '',
    maxClockSkewMs: 10_000,
    monotonicMs: () => 0,
    ...options,
  })
  const findings = await check.run()
  return { lines: findings.map(line), findings, packets }
}

describe('a peer', () => {
  it('that answers both ways is well, and so is the clock of a replica', async () => {
    const { lines } = await examined({ stream: { rttMs: 1.25, clockOffsetMs: -20 }, packetMs: 0.5 })
    expect(lines).toEqual([
      'ok peer tcp 10.0.0.2:9094 | answers in 1.3 ms',
      'ok peer udp 10.0.0.2:9094 | answers in 0.5 ms',
      'ok peer clock 10.0.0.2:9094 | 0.020 s behind this machine',
    ])
  })

  it('behind a firewall that takes no packets is told from one that is not there', async () => {
    const { findings } = await examined({ packetMs: undefined })
    expect(findings.map(line)).toContain(
      'fail peer udp 10.0.0.2:9094 | no answer to three packets, while TCP works',
    )
    expect(findings[1]?.advice).toBe('let UDP to port 9094 through, and the answers back')
    const absent = await examined({ stream: 'connect ECONNREFUSED 10.0.0.2:9094' })
    expect(absent.lines).toEqual([
      'fail peer tcp 10.0.0.2:9094 | the connection was refused: nobody listens there',
    ])
  })

  it('that streams cannot reach while packets do shows both', async () => {
    const { lines } = await examined({ stream: 'timed out', packetMs: 2 })
    expect(lines).toEqual([
      expect.stringMatching(/^fail peer tcp .* timeout/),
      'ok peer udp 10.0.0.2:9094 | answers in 2.0 ms',
    ])
  })

  it('with another key is told about keys, and is sent no packets that it cannot read', async () => {
    const reason = 'no key could decrypt the reply: the peer uses a gossip key that we do not have'
    const { findings, packets } = await examined({ stream: reason })
    expect(findings.map(line)).toEqual([`fail peer tcp 10.0.0.2:9094 | ${reason}`])
    expect(findings[0]?.advice).toContain('same keys')
    expect(packets).toBe(0)
  })

  it('that has no label where this cluster has one is found by asking without', async () => {
    const { lines } = await examined({
      stream: 'closed without a reply',
      unlabelled: MEMBER,
      options: { label: 'blue' },
    })
    expect(lines).toEqual([
      'fail peer tcp 10.0.0.2:9094 | it has no cluster label, and this replica has "blue"',
    ])
  })

  it.each([
    [900, 'ok', '0.9 s ahead of this machine'],
    [-5000, 'warn', '5.0 s behind this machine'],
    [11_000, 'fail', '11.0 s ahead of this machine; writes beyond --cluster.max-clock-skew are parked'],
  ])('whose clock is %d ms off is judged by what that does', async (clockOffsetMs, verdict, detail) => {
    const { lines } = await examined({ stream: { rttMs: 1, clockOffsetMs }, packetMs: 1 })
    expect(lines.at(-1)).toBe(`${verdict} peer clock 10.0.0.2:9094 | ${detail}`)
  })

  it('by name shows its addresses, or why it has none', async () => {
    const named = { peer: 'am.example:9094' }
    expect((await examined({ packetMs: 1, options: named })).lines[0]).toBe(
      'ok dns am.example:9094 | 10.0.0.2:9094 in 0 ms',
    )
    const cause = Object.assign(new Error('no'), { code: 'ENOTFOUND' })
    const resolve = async (): Promise<never> => {
      throw new HearsayError('GOSSIP_NAME_UNRESOLVED', 'cannot look up am.example', { cause })
    }
    expect((await examined({ options: { ...named, resolve } })).lines).toEqual([
      'fail dns am.example:9094 | cannot look up am.example (name not found)',
    ])
  })
})

describe('a port', () => {
  async function port(options: Partial<PortCheckOptions>): Promise<readonly string[]> {
    const check = portCheck({
      name: 'gossip port',
      flag: '--cluster.listen-address',
      listen: '10.0.0.1:9094',
      kinds: ['tcp', 'udp'],
      bind: async () => undefined,
      holder: async () => undefined,
      isOurs: async () => undefined,
      ...options,
    })
    return (await check.run()).map(line)
  }

  it('held by a replica that does not run on our data directory is a failure', async () => {
    const held: Partial<PortCheckOptions> = {
      kinds: ['tcp'],
      bind: async () => 'EADDRINUSE',
      holder: async () => ({ who: 'the hearsay replica b', isReplica: true }),
    }
    const [elsewhere = ''] = await port({ ...held, isOurs: async () => false })
    expect(elsewhere).toMatch(
      /^fail gossip port .* in use by the hearsay replica b, which keeps its data elsewhere/,
    )
    for (const known of [true, undefined]) {
      expect((await port({ ...held, isOurs: async () => known }))[0]).toMatch(/^ok .* replica b$/)
    }
  })

  it('is free, or held by a replica, or a failure that names the holder', async () => {
    expect(await port({})).toEqual([
      'ok gossip port 10.0.0.1:9094 tcp | free',
      'ok gossip port 10.0.0.1:9094 udp | free',
    ])
    const bind = async (kind: string): Promise<string | undefined> =>
      kind === 'udp' ? 'EADDRINUSE' : undefined
    const replica = { who: 'the hearsay replica a', isReplica: true }
    expect(await port({ bind, holder: async () => replica })).toContain(
      'ok gossip port 10.0.0.1:9094 udp | in use by the hearsay replica a',
    )
    expect(await port({ bind })).toContain('fail gossip port 10.0.0.1:9094 udp | in use by another program')
    const alertmanager = { who: 'an Alertmanager', isReplica: false }
    expect(await port({ bind, holder: async () => alertmanager })).toContain(
      'fail gossip port 10.0.0.1:9094 udp | in use by an Alertmanager',
    )
  })

  it('on an address of somebody else is told so', async () => {
    expect(await port({ kinds: ['tcp'], bind: async () => 'EADDRNOTAVAIL' })).toEqual([
      'fail gossip port 10.0.0.1:9094 tcp | this machine does not have this address',
    ])
  })
})

describe('the process', () => {
  it('is warned of few files and of a heap beyond its memory, and fails with an old Node', async () => {
    const facts = {
      nodeVersion: '20.18.3',
      openFilesMax: 1024,
      heapBytesMax: 4 * 2 ** 30,
      memoryBytesMax: 2 ** 30,
    }
    const findings = await processCheck(4096, async () => facts).run()
    expect(findings.map(({ verdict, check }) => `${verdict} ${check}`)).toEqual([
      'fail node',
      'warn open files',
      'warn memory',
    ])
    expect(findings[2]?.advice).toBe('set NODE_OPTIONS=--max-old-space-size=717')
    const fine = {
      nodeVersion: '22.1.0',
      openFilesMax: Infinity,
      heapBytesMax: 2 ** 29,
      memoryBytesMax: 2 ** 30,
    }
    const verdicts = (await processCheck(4096, async () => fine).run()).map(({ verdict }) => verdict)
    expect(verdicts).toEqual(['ok', 'ok', 'ok'])
  })
})

describe('a running replica', () => {
  async function asked(
    pages: Readonly<Record<string, Partial<ReplicaAnswer>>>,
    wallMs = 0,
  ): Promise<string[]> {
    const get = async (path: string): Promise<ReplicaAnswer> => {
      const page = pages[path]
      if (page === undefined) throw new Error('ECONNREFUSED')
      return { status: 200, text: '', dateMs: undefined, ...page }
    }
    const found = await runChecks(replicaChecks({ url: 'http://r', get, wallMs: () => wallMs }))
    return found.map(line)
  }
  const member = {
    name: 'b',
    state: 'alive',
    address: '10.0.0.2:9094',
    incarnation: 1,
    class: 'native',
    isSelf: false,
  }
  const way = (state: string): object => ({ state, since: 'then' })

  it('that nobody reaches is one failure', async () => {
    expect(await asked({})).toEqual(['fail replica http://r | ECONNREFUSED'])
  })

  it('tells why it is not ready, and is told from one that settles', async () => {
    const text = 'not ready\n- settling: calling 1 configured peers\n- store: the disk is full\n'
    expect(await asked({ '/-/ready': { status: 503, text } })).toEqual([
      'fail ready http://r | settling: calling 1 configured peers',
      'fail ready http://r | store: the disk is full',
    ])
  })

  it('tells of its clock by the date it answers with', async () => {
    const at = (wallMs: number): Promise<string[]> => asked({ '/-/ready': { dateMs: 100_000 } }, wallMs)
    expect(await at(100_900)).toContain('ok clock http://r | within 2 s of this machine')
    expect(await at(90_500)).toContain('warn clock http://r | 10 s ahead of this machine')
  })

  it('tells of members that are doubted, lost, off in time, of another release, or reached one way only', async () => {
    const page = {
      name: 'a',
      lag: { members: 1, ms: 90_000 },
      warnings: ['something is odd'],
      members: [
        { ...member, name: 'a', isSelf: true, version: '0.1.0' },
        { ...member, version: '0.2.0', clockOffsetMs: 3000, udp: way('failing'), tcp: way('ok') },
        { ...member, name: 'c', state: 'suspect' },
        { ...member, name: 'd', state: 'left' },
      ],
      lost: [{ name: 'e', state: 'lost', address: '10.0.0.5:9094', since: 'then' }],
    }
    expect(await asked({ '/-/ready': {}, '/api/v1/cluster': { text: JSON.stringify(page) } })).toEqual([
      'ok ready http://r | it is ready',
      'fail member b | UDP to 10.0.0.2:9094 fails',
      'warn member b | its clock is 3.0 s off that of the replica asked',
      'fail member c | suspect at 10.0.0.2:9094',
      'warn member e | lost at 10.0.0.5:9094 since then',
      'warn releases 0.1.0, 0.2.0 | members run different releases',
      'warn state a | 1 member has differed from it for 90 s',
      'warn warning a | something is odd',
    ])
  })

  it('that is cut off, or would not start again, is a failure, with where to read on', async () => {
    const warnings = [
      'this replica is alone: the one peer it calls cannot be joined: x:1: refused',
      '2 peers cannot be joined: y:1: timeout',
      'the key file cannot be used: bad; gossip goes on with the 1 key it had, and a restart would fail',
      'the web config cannot be used: bad; HTTP goes on with what it had, and a restart would fail',
      'the last reload was refused: bad; the options are as they were, and a restart would fail',
      '1 of 3 known members is unreachable: b',
    ]
    const text = JSON.stringify({ name: 'a', members: [], warnings })
    const get = async (path: string): Promise<ReplicaAnswer> => ({
      status: 200,
      text: path === '/api/v1/cluster' ? text : '',
      dateMs: undefined,
    })
    const found = await runChecks(replicaChecks({ url: 'http://r', get, wallMs: () => 0 }))
    expect(found.slice(1).map(({ verdict, advice }) => `${verdict} ${advice}`)).toEqual([
      'fail docs/clustering.md',
      'warn docs/clustering.md',
      'fail docs/encryption.md',
      'fail docs/reference/web-config.md',
      'fail docs/reference/lifecycle.md',
      'warn docs/clustering.md',
    ])
  })

  it('tells of an event loop that is late, and of files that run out', async () => {
    const text = 'nodejs_eventloop_lag_p99_seconds 0.25\nprocess_open_fds 95\nprocess_max_fds 100\n'
    const lines = await asked({ '/-/ready': {}, '/metrics': { text } })
    expect(lines.slice(1)).toEqual([
      'warn event loop http://r | 99 % within 250 ms',
      'warn open files http://r | 95 of 100',
    ])
  })
})

describe('checks that hang or throw', () => {
  it('are failures of their own, and hold up no other', async () => {
    let ring: () => void = () => undefined
    const late = new Promise<void>((resolve) => {
      ring = resolve
    })
    const running = runChecks(
      [
        { name: 'slow', subject: 'a', run: () => new Promise(() => undefined) },
        { name: 'quick', subject: 'b', run: async () => [ok('quick', 'b', 'well')] },
        {
          name: 'broken',
          subject: 'c',
          run: async () => {
            throw new Error('a fault')
          },
        },
      ],
      () => late,
    )
    ring()
    expect((await running).map(line)).toEqual([
      'fail slow a | no result within 5 s',
      'ok quick b | well',
      'fail broken c | Error: a fault',
    ])
  })
})
