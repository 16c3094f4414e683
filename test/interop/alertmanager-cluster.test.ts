/**
 * Real Alertmanagers and real hearsay processes in one cluster on loopback: membership both ways, silences both ways, by
 * HTTP and by amtool, and an Alertmanager log at level debug that complains of nothing.
 */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { ALERTMANAGER, type Alertmanager, amtool, startAlertmanager } from '../support/alertmanager.ts'
import {
  complaintsIn,
  fetchJson,
  peerNames,
  postSilence,
  seen,
  silenceState,
} from '../support/mixed-cluster.ts'
import { type ReplicaOptions, ReplicaProcess } from '../support/replica-process.ts'
import { inCi, inLong, requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const PROBING_MS = inLong ? 60_000 : inCi ? 15_000 : 8_000

interface ClusterPage {
  readonly name: string
  readonly healthScore: number
  readonly members: readonly { readonly name: string; readonly state: string; readonly class: string }[]
}

async function healthScore(alertmanager: Alertmanager): Promise<number> {
  const text = await (await fetch(`${alertmanager.url}/metrics`)).text()
  return Number(/^alertmanager_cluster_health_score (\S+)$/m.exec(text)?.[1] ?? Number.NaN)
}

requirement(ALERTMANAGER)('a cluster of two Alertmanagers and two hearsay replicas', () => {
  let first: Alertmanager
  let second: Alertmanager
  const running: ReplicaProcess[] = []

  async function replica(options: Partial<ReplicaOptions> = {}): Promise<ReplicaProcess> {
    const started = await ReplicaProcess.start({
      storagePath: tempDir(),
      peers: [first.clusterAddress, ...running.map(({ gossipAddress }) => gossipAddress)],
      ...options,
    })
    running.push(started)
    return started
  }

  beforeAll(async () => {
    first = await startAlertmanager()
    second = await startAlertmanager({ peers: [first.clusterAddress] })
    await untilAsync(async () => (await peerNames(first.url)).length === 2, 'two Alertmanagers')
  })

  afterEach(async () => {
    await Promise.all(running.splice(0).map((process) => process.stop()))
    await untilAsync(
      async () => (await peerNames(first.url)).length === 2,
      'only the Alertmanagers left',
      30_000,
    )
  })

  afterAll(async () => {
    const log = first.log() + second.log()
    await Promise.all([first.stop(), second.stop()])
    expect(complaintsIn(log)).toEqual([])
  })

  it('lists every member on every side', async () => {
    const one = await replica()
    const two = await replica()
    for (const { url } of [first, second, one, two]) {
      await untilAsync(async () => (await peerNames(url)).length === 4, `four members at ${url}`)
    }
    const page = await fetchJson<ClusterPage>(`${one.url}/api/v1/cluster`)
    expect(page.members.map((member) => member.class).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      'foreign',
      'foreign',
      'native',
      'native',
    ])
    expect(page.members.every(({ state }) => state === 'alive')).toBe(true)
    // A generated name takes the last position, so that no Alertmanager waits for us.
    expect((await peerNames(first.url)).at(-1)).toMatch(/^zz-/)
  })

  it('shares a silence from any member with all others, by broadcast', async () => {
    const one = await replica()
    const two = await replica()
    const all = [first.url, second.url, one.url, two.url]
    for (const url of all)
      await untilAsync(async () => (await peerNames(url)).length === 4, `four members at ${url}`)
    for (const [index, origin] of all.entries()) {
      const id = await postSilence(origin, `host-${index}`)
      for (const url of all) await seen(url, id, 'active')
      const deleter = all[(index + 1) % all.length] ?? origin
      expect((await fetch(`${deleter}/api/v2/silence/${id}`, { method: 'DELETE' })).status).toBe(200)
      for (const url of all) await seen(url, id, 'expired')
    }
  })

  it('shares a silence that is larger than a packet, both ways', async () => {
    const one = await replica()
    const two = await replica()
    const all = [first.url, second.url, one.url, two.url]
    for (const url of all)
      await untilAsync(async () => (await peerNames(url)).length === 4, `four members at ${url}`)
    for (const origin of [one.url, second.url]) {
      for (const length of [900, 20_000]) {
        const id = await postSilence(origin, 'big', { comment: 'x'.repeat(length) })
        for (const url of all) await seen(url, id, 'active')
      }
    }
  })

  it('gives a joining replica, and a joining Alertmanager, what was there before', async () => {
    const early = await postSilence(first.url, 'early')
    const one = await replica()
    await seen(one.url, early, 'active')
    const ours = await postSilence(one.url, 'ours')
    const third = await startAlertmanager({ peers: [one.gossipAddress] })
    try {
      await seen(third.url, early, 'active')
      await seen(third.url, ours, 'active')
      expect(complaintsIn(third.log())).toEqual([])
    } finally {
      await third.stop()
    }
  })

  it('works with amtool on either side', async () => {
    const one = await replica()
    await untilAsync(async () => (await peerNames(first.url)).length === 3, 'three members')
    for (const [here, there] of [
      [one.url, first.url],
      [first.url, one.url],
    ] as const) {
      const added = await amtool(
        here,
        'silence',
        'add',
        'alertname=DiskFull',
        'job=~node.*',
        '--comment=swap',
        '--author=ana',
      )
      expect(added).toMatchObject({ code: 0, stderr: '' })
      const id = added.stdout.trim()
      await seen(there, id, 'active')
      const queried = await amtool(there, 'silence', 'query', 'alertname=DiskFull')
      expect(queried.stdout).toContain(id)
      expect((await amtool(there, 'silence', 'expire', id)).code).toBe(0)
      await seen(here, id, 'expired')
      expect((await amtool(here, 'silence', 'query', 'alertname=DiskFull')).stdout).not.toContain(id)
    }
    expect((await amtool(one.url, 'cluster', 'show')).stdout).toContain('ready')
  })

  it('sees a graceful leave at once, and notices a killed replica', async () => {
    const leaver = await replica()
    await untilAsync(async () => (await peerNames(second.url)).length === 3, 'the leaver listed')
    const leaving = leaver.stop()
    const goneMs = await untilAsync(async () => (await peerNames(first.url)).length === 2, 'the leaver gone')
    await leaving
    expect(goneMs).toBeLessThan(1000)

    const killed = await replica()
    await untilAsync(async () => (await peerNames(second.url)).length === 3, 'the victim listed')
    await killed.kill()
    await untilAsync(async () => (await peerNames(second.url)).length === 2, 'the victim noticed', 30_000)
  })

  it('keeps health score 0 on both sides while they probe each other', {
    timeout: PROBING_MS + 30_000,
  }, async () => {
    const one = await replica()
    await untilAsync(async () => (await peerNames(first.url)).length === 3, 'three members')
    // A failed probe of an earlier test's victim may still weigh on it.
    await untilAsync(async () => (await healthScore(first)) === 0, 'an Alertmanager at ease', 30_000)
    const endMs = performance.now() + PROBING_MS
    while (performance.now() < endMs) {
      const page = await fetchJson<ClusterPage>(`${one.url}/api/v1/cluster`)
      expect(page.healthScore).toBe(0)
      expect(page.members.filter(({ state }) => state === 'alive').length).toBe(3)
      expect(await healthScore(first)).toBe(0)
      expect(await peerNames(first.url)).toHaveLength(3)
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  })

  it('keeps an acknowledged silence through kill -9 and gives it back to emptied Alertmanagers', async () => {
    const storagePath = tempDir()
    const one = await replica({ storagePath })
    const id = await postSilence(one.url, 'durable')
    await one.kill()
    // At the same address: memberlist takes a known name at another one for an impostor until it has forgotten it.
    const gossipPort = Number(one.gossipAddress.split(':')[1])
    const again = await replica({ storagePath, gossipPort })
    expect(await silenceState(again.url, id)).toBe('active')
    const empty = await startAlertmanager({ peers: [again.gossipAddress] })
    try {
      await seen(empty.url, id, 'active')
    } finally {
      await empty.stop()
    }
  })
})
