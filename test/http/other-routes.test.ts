import { describe, expect, it } from 'vitest'
import { Histogram } from '../../src/base/histogram.ts'
import type { GossipStats } from '../../src/gossip/io/gossip.ts'
import { METRIC_TABLE } from '../../src/http/metrics/metric-table.ts'
import { createMetrics } from '../../src/http/metrics/registry.ts'
import {
  ackSamples,
  buildSamples,
  clockSamples,
  clusterSamples,
  gossipSamples,
  healthSamples,
  replicationSamples,
} from '../../src/http/metrics/sources.ts'
import { testApp } from '../support/http-app.ts'
import { clusterOf, healthOf } from '../support/memory-facades.ts'

describe('sets', () => {
  it('a member is added once, found, listed in order and removed', async () => {
    const { app } = testApp()
    const add = (member: string) => app.inject({ method: 'PUT', url: `/api/v1/sets/on-call/${member}` })
    const first = await add('bo')
    expect([first.statusCode, first.json()]).toEqual([
      201,
      { set: 'on-call', member: 'bo', acked: ['dev-1'] },
    ])
    expect((await add('bo')).statusCode).toBe(200)
    await add('ana')
    expect((await app.inject('/api/v1/sets/on-call')).json()).toEqual({ members: ['ana', 'bo'] })
    expect((await app.inject('/api/v1/sets')).json()).toEqual({ sets: [{ name: 'on-call', count: 2 }] })
    expect((await app.inject('/api/v1/sets/on-call/ana')).json()).toEqual({ set: 'on-call', member: 'ana' })
    const remove = () => app.inject({ method: 'DELETE', url: '/api/v1/sets/on-call/ana' })
    expect([(await remove()).statusCode, (await remove()).statusCode]).toEqual([204, 204])
    const gone = await app.inject('/api/v1/sets/on-call/ana')
    expect([gone.statusCode, gone.json().code]).toEqual([404, 'MEMBER_NOT_FOUND'])
  })

  it.each(['__proto__', '🦊', 'a/b'])('the member %j is an ordinary member', async (member) => {
    const { app } = testApp()
    const url = `/api/v1/sets/${encodeURIComponent(member)}/${encodeURIComponent(member)}`
    expect((await app.inject({ method: 'PUT', url })).statusCode).toBe(201)
    expect((await app.inject(url)).json()).toEqual({ set: member, member })
  })

  it.each([
    ['/api/v1/sets/s/', 400, 'HTTP_PATH_MALFORMED'],
    ['/api/v1/sets//m', 400, 'HTTP_PATH_MALFORMED'],
    ['/api/v1/sets/s/%2e%2E', 400, 'HTTP_PATH_MALFORMED'],
    ['/api/v1/sets/s/m?ack=all', 503, 'ACK_UNREACHABLE'],
    ['/api/v1/sets/s/m?ttl=5m', 400, 'HTTP_QUERY_INVALID'],
  ])('PUT %s is %d %s', async (url, status, code) => {
    const { app } = testApp()
    const answer = await app.inject({ method: 'PUT', url })
    expect([answer.statusCode, answer.json().code]).toEqual([status, code])
    expect((await app.inject('/api/v1/sets')).json()).toEqual({ sets: [] })
  })

  it('an unknown set is an empty one', async () => {
    expect((await testApp().app.inject('/api/v1/sets/none')).json()).toEqual({ members: [] })
  })
})

describe('cluster, status and health', () => {
  it('the cluster view is given as it is', async () => {
    const self = {
      name: 'dev-1',
      state: 'alive',
      address: '127.0.0.1:9094',
      incarnation: 4_294_967_295,
      rttMs: 0.25,
      clockOffsetMs: -3,
      class: 'native',
      isSelf: true,
    } as const
    const answer = await testApp({ cluster: clusterOf(self) }).app.inject('/api/v1/cluster')
    expect(answer.json()).toEqual({
      name: 'dev-1',
      left: false,
      settled: true,
      healthScore: 0,
      lag: { members: 0, ms: 0 },
      warnings: [],
      sharedNames: [],
      lost: [],
      members: [self],
    })
  })

  it('the status is what the replica says', async () => {
    expect((await testApp().app.inject('/api/v1/status')).json()).toEqual({
      name: 'dev-1',
      version: '0.0.0-test',
    })
  })

  it('healthy is about the process, ready names every reason that it is not', async () => {
    const { app } = testApp({
      health: healthOf('the store is not open', 'no exchange with 10.0.0.2:9094 yet'),
    })
    expect((await app.inject('/-/healthy')).payload).toBe('OK\n')
    const answer = await app.inject('/-/ready')
    expect(answer.statusCode).toBe(503)
    expect(answer.payload).toBe('not ready\n- the store is not open\n- no exchange with 10.0.0.2:9094 yet\n')
    expect((await testApp().app.inject('/-/ready')).statusCode).toBe(200)
  })

  it('every route moves under the route prefix', async () => {
    const { app } = testApp({}, { routePrefix: '/alerts' })
    expect((await app.inject('/alerts/-/healthy')).statusCode).toBe(200)
    expect((await app.inject('/alerts/api/v1/kv')).statusCode).toBe(200)
    expect((await app.inject('/-/healthy')).statusCode).toBe(404)
  })
})

describe('metrics', () => {
  it('totals are read from their sources at each scrape, not added up', async () => {
    const metrics = createMetrics({ processMetrics: false })
    metrics.addSource(() => [{ name: 'hearsay_store_batches_total', value: 7 }])
    await metrics.scrape()
    expect(await metrics.scrape()).toContain('hearsay_store_batches_total 7\n')
  })

  it('members are counted by state and class, never by name', async () => {
    const metrics = createMetrics({ processMetrics: false })
    const member = {
      address: 'a',
      incarnation: 1,
      rttMs: undefined,
      clockOffsetMs: undefined,
      isSelf: false,
    } as const
    const cluster = clusterOf(
      { ...member, name: 'x', state: 'alive', class: 'native' },
      { ...member, name: 'y', state: 'alive', class: 'native' },
      { ...member, name: 'z', state: 'suspect', class: 'foreign' },
    )
    metrics.addSource(() => clusterSamples(cluster))
    const text = await metrics.scrape()
    expect(text).toContain('hearsay_cluster_members{state="alive",class="native"} 2')
    expect(text).toContain('hearsay_cluster_members{state="suspect",class="foreign"} 1')
    expect(text).not.toContain('"x"')
  })

  it('writes that wait for other replicas are counted by what became of them', async () => {
    const metrics = createMetrics({ processMetrics: false })
    metrics.addSource(() => ackSamples({ waiting: 4, reached: 3, notReached: 2, late: 1 }))
    const text = await metrics.scrape()
    for (const line of [
      'hearsay_acks_waiting 4',
      'hearsay_acks_total{outcome="reached"} 3',
      'hearsay_acks_total{outcome="not_reached"} 2',
      'hearsay_acks_total{outcome="late_answer"} 1',
    ]) {
      expect(text).toContain(`${line}\n`)
    }
  })

  it('clocks of peers come out by name, and are gone with the peer', async () => {
    const metrics = createMetrics({ processMetrics: false })
    const offsets = new Map([['dev-2', -1500]])
    metrics.addSource(() => clockSamples(true, offsets))
    const text = await metrics.scrape()
    expect(text).toContain('hearsay_clock_fenced 1\n')
    expect(text).toContain('hearsay_peer_clock_offset_seconds{peer="dev-2"} -1.5\n')
    offsets.clear()
    expect(await metrics.scrape()).not.toContain('dev-2')
  })

  it('requests are counted by method, problems by code', async () => {
    const { app } = testApp()
    await app.inject('/api/v1/kv')
    await app.inject('/api/v1/kv/m/none')
    await app.inject('/api/v1/kv/m/none')
    const scraped = await app.inject('/metrics')
    expect(scraped.headers['content-type']).toContain('text/plain')
    expect(scraped.payload).toContain('hearsay_http_requests_total{method="GET"} 4')
    expect(scraped.payload).toContain('hearsay_http_problems_total{code="KEY_NOT_FOUND"} 2')
  })

  it('gossip numbers come out by direction, type and reason', async () => {
    const metrics = createMetrics({ processMetrics: false })
    const queue = { messages: 1, bytes: 2, dropped: 3, oldestAtMs: 4000 }
    const stats: GossipStats = {
      machine: {
        healthScore: 0,
        members: { alive: 1, suspect: 0, dead: 0, left: 0 },
        queues: { membership: queue, native: queue, foreign: queue },
        probeSeconds: new Histogram([0.1]),
      },
      packets: { sent: 5, 'sent-bytes': 500 },
      streams: { accepted: 2, 'received-bytes': 70 },
      inboundOpen: 1,
      outboundOpen: 0,
      streamMemoryBytes: 4096,
      sent: { ping: 4 },
      received: { ack: 3 },
      sentBytes: { user: 10 },
      receivedBytes: {},
      drops: { 'crc-wrong': 9 },
      events: { refuted: 1 },
      memberEvents: {},
      pushPullSeconds: new Histogram([0.1]),
      outbox: { messages: 0, bytes: 0 },
      remembered: 2,
      encryption: { sends: true, requires: true },
    }
    metrics.addSource(() => [...gossipSamples(stats, 5500), ...replicationSamples([['record-malformed', 6]])])
    const lines = (await metrics.scrape()).split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'hearsay_gossip_packets_total{outcome="sent"} 5',
        'hearsay_gossip_bytes_total{transport="udp",direction="sent"} 500',
        'hearsay_gossip_bytes_total{transport="tcp",direction="received"} 70',
        'hearsay_gossip_messages_total{direction="sent",type="ping"} 4',
        'hearsay_gossip_messages_total{direction="received",type="ack"} 3',
        'hearsay_gossip_dropped_total{reason="crc-wrong"} 9',
        'hearsay_gossip_queue_dropped_total{queue="native"} 3',
        'hearsay_gossip_queue_oldest_seconds{queue="native"} 1.5',
        'hearsay_gossip_lost_peers 2',
        'hearsay_replication_dropped_total{reason="record-malformed"} 6',
      ]),
    )
    expect(lines.join()).not.toContain('outcome="sent-bytes"')
  })

  it('two registries in one process do not share numbers, and process metrics can be had', async () => {
    const [one, other] = [createMetrics({ processMetrics: true }), createMetrics({ processMetrics: false })]
    one.addSource(() => [...buildSamples('1.2.3'), ...healthSamples(healthOf('x'))])
    const text = await one.scrape()
    expect(text).toContain(`hearsay_build_info{version="1.2.3",node_version="${process.version}"} 1`)
    expect(text).toContain('hearsay_ready 0')
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds')
    expect(await other.scrape()).not.toContain('1.2.3')
  })

  it('counters end in _total, gauges do not', () => {
    for (const [name, { type }] of Object.entries(METRIC_TABLE)) {
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
    }
  })
})
