/** Three whole replicas over loopback, one of them on a machine whose clock is two minutes off. */
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Replica } from '../../../src/app/replica.ts'
import { systemClock } from '../../../src/app/system-clock.ts'
import { openWeb } from '../../../src/app/web.ts'
import { untilAsync } from '../../support/until-async.ts'

const TWO_MINUTES_MS = 120_000

interface Node {
  readonly url: string
  readonly replica: Replica
  /** How far its wall clock is ahead of this machine's. */
  aheadMs: number
}

async function started(name: string, peers: readonly string[], aheadMs = 0): Promise<Node> {
  const node = { aheadMs }
  const replica = await Replica.open({
    name,
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 30_000,
    clock: {
      monotonicMs: () => systemClock.monotonicMs(),
      wallMs: () => systemClock.wallMs() + node.aheadMs,
    },
    gossip: {
      listen: '127.0.0.1:0',
      peers,
      config: { gossipIntervalMs: 20, probeIntervalMs: 50, probeTimeoutMs: 40 },
    },
    log: () => pino({ level: 'silent' }),
  })
  const web = await openWeb(replica, { listen: '127.0.0.1:0', externalUrl: undefined, routePrefix: '/' })
  onTestFinished(async () => {
    await Promise.all([replica.close(), web.close()])
  })
  replica.settle()
  return Object.assign(node, { replica, url: web.url })
}

function put(node: Node, key: string): Promise<Response> {
  const body = JSON.stringify(key)
  return fetch(`${node.url}/api/v1/kv/m/${key}`, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/json' },
  })
}

function get(node: Node, key: string): Promise<Response> {
  return fetch(`${node.url}/api/v1/kv/m/${key}`)
}

/** Clock offsets of its peers in ms, by name; of those it has heard. */
async function offsetsSeenBy(node: Node): Promise<Readonly<Record<string, number>>> {
  const { members } = (await (await fetch(`${node.url}/api/v1/cluster`)).json()) as {
    members: { name: string; clockOffsetMs?: number }[]
  }
  const heard = members.flatMap(({ name, clockOffsetMs }) =>
    clockOffsetMs === undefined ? [] : [[name, clockOffsetMs] as const],
  )
  return Object.fromEntries(heard)
}

describe('a replica whose clock is two minutes off', () => {
  it('refuses writes and says so, while its reads and the other replicas are as ever', {
    timeout: 30_000,
  }, async () => {
    const right = await started('right', [])
    const address = right.replica.gossipAddress ?? ''
    const other = await started('other', [address])
    const off = await started('off', [address], TWO_MINUTES_MS)
    await untilAsync(async () => (await put(off, 'refused')).status === 503, 'a write is refused')

    const refused = await put(off, 'refused')
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toMatchObject({
      code: 'STORE_CLOCK_OFF',
      detail: 'the clock of this machine is 120 s ahead of 2 of 2 peers; set it right',
    })
    const readiness = await fetch(`${off.url}/-/ready`)
    expect(readiness.status).toBe(503)
    expect(await readiness.text()).toContain(
      '- clock: the clock of this machine is 120 s ahead of 2 of 2 peers',
    )
    expect(await (await fetch(`${off.url}/metrics`)).text()).toContain('hearsay_clock_fenced 1\n')

    for (const node of [right, other]) {
      expect((await put(node, `by-${node.replica.name}`)).status).toBe(201)
      await untilAsync(
        async () => (await fetch(`${node.url}/-/ready`)).status === 200,
        'the others are ready',
      )
      await untilAsync(
        async () => (await get(off, `by-${node.replica.name}`)).status === 200,
        'what the others write is read here',
      )
    }
    await untilAsync(async () => Object.keys(await offsetsSeenBy(right)).length === 2, 'clocks are heard')
    const offsets = await offsetsSeenBy(right)
    expect(Math.abs(offsets.other ?? Number.NaN)).toBeLessThan(5000)
    expect(Math.abs((offsets.off ?? Number.NaN) - TWO_MINUTES_MS)).toBeLessThan(5000)

    off.aheadMs = 0
    expect((await put(off, 'accepted')).status).toBe(201)
    await untilAsync(async () => (await get(right, 'accepted')).status === 200, 'its writes are seen again')
    await untilAsync(async () => (await fetch(`${off.url}/-/ready`)).status === 200, 'it is ready')
  })
})
