import { getEventListeners } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { EmbeddedReplica, OwnerChange } from '../../../src/index.ts'
import { ANY_PORT, alive, openCluster, openEmbedded } from '../../support/embedded.ts'
import { until } from '../../support/until.ts'

const WORK = Array.from({ length: 60 }, (_, n) => `work-${n}`)

function owners(replica: EmbeddedReplica): ReadonlyMap<string, string> {
  return new Map(WORK.map((key) => [key, replica.owner(key)]))
}

describe('three replicas in one process', () => {
  it('hold the same maps, sets and silences, and close one by one', async () => {
    const [ana, ben, eve] = await openCluster('ana', 'ben', 'eve')
    await ana.map<number>('m').set('k', 1)
    await ben.set('s').add('x')
    const id = await eve.silences.create({
      matchers: ['alertname=~"Disk.*"'],
      endsAt: new Date(Date.now() + 60_000),
      createdBy: 'ana',
      comment: 'swap',
    })
    const everywhere = (replica: EmbeddedReplica): boolean =>
      replica.map('m').get('k') === 1 &&
      replica.set('s').has('x') &&
      replica.silences.matching({ alertname: 'DiskFull' })[0] === id
    await until(() => [ana, ben, eve].every(everywhere))
    await eve.close()
    await until(() => alive(ana).length === 2 && alive(ben).length === 2)
    await ben.map<number>('m').set('k', 2)
    await until(() => ana.map('m').get('k') === 2)
  })

  it('acknowledge a write as asked, and say when it was not reached', async () => {
    const [ana, ben, eve] = await openCluster('ana', 'ben', 'eve')
    const map = ana.map<number>('m')
    const all = await map.set('k', 1, { ack: 'all' })
    expect([all.reached, all.acked[0], [...all.acked].sort((a, b) => (a < b ? -1 : 1))]).toEqual([
      true,
      'ana',
      ['ana', 'ben', 'eve'],
    ])
    expect([ben.map('m').get('k'), eve.map('m').get('k')]).toEqual([1, 1])
    expect((await ana.set('s').add('x', { ack: 'majority' })).acked.length).toBeGreaterThanOrEqual(2)
    expect(await map.delete('k', { ack: 3 })).toMatchObject({ existed: true, reached: true })
    await expect(map.set('k', 2, { ack: 4 })).rejects.toMatchObject({ code: 'ACK_UNREACHABLE' })
    expect(map.get('k')).toBeUndefined()
    await expect(map.set('k', 2, { ack: 1.5 })).rejects.toMatchObject({ code: 'ACK_MALFORMED' })
    await expect(map.set('k', 2, { timeout: 'soon' })).rejects.toMatchObject({ code: 'DURATION_MALFORMED' })
    const late = await map.set('k', 3, { ack: 'all', timeout: '1ms' })
    expect([late.reached, late.acked[0], map.get('k')]).toEqual([late.acked.length === 3, 'ana', 3])
  })

  it('agree on the owner of each piece of work; what one who leaves had goes to the others, and no more', async () => {
    const [ana, ben, eve] = await openCluster('ana', 'ben', 'eve')
    const before = owners(ana)
    expect(owners(ben)).toEqual(before)
    expect(owners(eve)).toEqual(before)
    expect(new Set(before.values())).toEqual(new Set(['ana', 'ben', 'eve']))
    expect(WORK.filter((key) => eve.isOwner(key))).toEqual(WORK.filter((key) => before.get(key) === 'eve'))
    await eve.close()
    await until(() => alive(ana).length === 2 && alive(ben).length === 2)
    const after = owners(ana)
    expect(owners(ben)).toEqual(after)
    const moved = WORK.filter((key) => after.get(key) !== before.get(key))
    expect(moved).toEqual(WORK.filter((key) => before.get(key) === 'eve'))
  })

  it('tell who follows a piece of work when its owner changes', async () => {
    const [ana, ben] = await openCluster('ana', 'ben')
    const key = WORK.find((work) => ana.owner(work) === 'ben') ?? ''
    const kept = WORK.find((work) => ana.owner(work) === 'ana') ?? ''
    const heard: OwnerChange[] = []
    const others: OwnerChange[] = []
    const follow = async (work: string, into: OwnerChange[]): Promise<void> => {
      for await (const change of ana.ownerChanges(work)) into.push(change)
    }
    const loops = Promise.all([follow(key, heard), follow(kept, others)])
    await until(() => heard.length === 1 && others.length === 1)
    await ben.close()
    await until(() => heard.length === 2)
    await openEmbedded({ name: 'ben', gossip: { ...ANY_PORT, peers: [ana.gossipAddress ?? ''] } })
    await until(() => heard.length === 3)
    await ana.close()
    await loops
    expect(heard).toEqual([
      { owner: 'ben', isSelf: false },
      { owner: 'ana', isSelf: true },
      { owner: 'ben', isSelf: false },
    ])
    expect(others).toEqual([{ owner: 'ana', isSelf: true }])
  })
})

describe('one replica', () => {
  it('without gossip owns everything, is ready at once, and joins nobody', async () => {
    const replica = await openEmbedded({ name: 'solo' })
    await replica.ready()
    expect([replica.owner('work'), replica.isOwner('work')]).toEqual(['solo', true])
    expect(await replica.join(['127.0.0.1:1'])).toEqual({ contacted: 0, reached: [], failed: [] })
    await expect(replica.map('m').set('k', 1, { ack: 2 })).rejects.toMatchObject({ code: 'ACK_UNREACHABLE' })
    expect(await replica.map('m').set('k', 1, { ack: 'all' })).toMatchObject({
      reached: true,
      acked: ['solo'],
    })
  })

  it('stops waiting when told to: for peers, for joins, for acks, for owners', async () => {
    // A peer that takes connections and never answers.
    const silent = await openSilentPort()
    const replica = await openEmbedded({ name: 'solo', gossip: { ...ANY_PORT, peers: [silent] } })
    const controller = new AbortController()
    const { signal } = controller
    const owner = replica.ownerChanges('work', { signal })
    expect((await owner.next()).value).toEqual({ owner: 'solo', isSelf: true })
    const waits = [replica.ready({ signal }), replica.join([silent], { signal }), owner.next()]
    const ends = Promise.allSettled(waits)
    const reason = new Error('enough')
    controller.abort(reason)
    const rejected = { status: 'rejected', reason }
    expect(await ends).toEqual([rejected, rejected, rejected])
    const map = replica.map<number>('m')
    await expect(map.set('k', 1, { signal })).rejects.toBe(reason)
    expect([map.has('k'), getEventListeners(signal, 'abort')]).toEqual([false, []])
    const ready = replica.ready()
    const closing = replica.close()
    await expect(ready).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    await closing
  })

  it('stops waiting for acknowledgements when told to; the write stands', async () => {
    const [ana, ben] = await openCluster('ana', 'ben')
    const controller = new AbortController()
    const map = ana.map<number>('m')
    const write = map.set('k', 1, { ack: 'all', timeout: '1m', signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(write).rejects.toBe(reason)
    await until(() => map.get('k') === 1 && ben.map('m').get('k') === 1)
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })
})

describe('silences of an embedded replica', () => {
  const ends = { endsAt: new Date(Date.now() + 60_000), createdBy: 'ana', comment: 'swap' }

  it('match alerts by all their matchers, from start to end', async () => {
    const { silences } = await openEmbedded()
    const disk = await silences.create({ matchers: ['alertname=~"Disk.*"', 'severity!="page"'], ...ends })
    const later = { startsAt: new Date(Date.now() + 30_000).toISOString() }
    await silences.create({ matchers: ['alertname="DiskFull"'], ...ends, ...later })
    expect(silences.matching({ alertname: 'DiskFull', severity: 'warn' })).toEqual([disk])
    expect(silences.matching({ alertname: 'DiskFull' })).toEqual([disk])
    expect(silences.matching({ alertname: 'DiskFull', severity: 'page' })).toEqual([])
    expect(silences.matching({ alertname: 'XDisk' })).toEqual([])
    expect(silences.matching({})).toEqual([])
    await silences.expire(disk)
    // At its very end, in whole milliseconds, a silence still holds.
    await until(() => silences.matching({ alertname: 'DiskFull' }).length === 0)
    await expect(silences.expire('no such')).rejects.toMatchObject({ code: 'SILENCE_NOT_FOUND' })
  })

  it('treat labels that every object seems to have as absent', async () => {
    const { silences } = await openEmbedded()
    await silences.create({ matchers: ['constructor=~".+"'], ...ends })
    expect(silences.matching({ alertname: 'x' })).toEqual([])
  })

  it.each<[string, object]>([
    ['MATCHER_MALFORMED', { matchers: ['alertname'] }],
    ['MATCHER_MALFORMED', { matchers: ['alertname=~"("'] }],
    ['SILENCE_INVALID', { matchers: [] }],
    ['SILENCE_INVALID', { matchers: ['a=~".*"'] }],
    ['SILENCE_INVALID', { matchers: ['a="b"'], endsAt: new Date(0) }],
    ['DATE_MALFORMED', { matchers: ['a="b"'], endsAt: new Date(Number.NaN) }],
    ['DATE_MALFORMED', { matchers: ['a="b"'], endsAt: 'tomorrow' }],
    ['DATE_MALFORMED', { matchers: ['a="b"'], startsAt: '' }],
  ])('are refused by code: %s for %j', async (code, changes) => {
    const { silences } = await openEmbedded()
    const options = { matchers: [], ...ends, ...changes }
    await expect(silences.create(options)).rejects.toMatchObject({ code })
  })
})

async function openSilentPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}
