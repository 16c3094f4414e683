/** Random schedules: who flushes when, how long frames, sends and log entries take, who dies, what is cut off. */
import { describe, expect, it } from 'vitest'
import {
  type Answer,
  NotifierCluster,
  type NotifierClusterOptions,
} from '../../../support/notifier-cluster.ts'

const ALL = ['ana', 'bo', 'cy', 'di', 'ed']
const GROUPS = 6
const TIMEOUT_MS = 90_000
const RUNS = 150

interface Schedule {
  readonly cluster: NotifierCluster
  /** Replicas that flush, by group; never none. */
  readonly flushers: readonly (readonly string[])[]
}

/** Each group is flushed by some of two to five replicas, up to 3 s apart. */
function schedule(seed: number, options: Partial<NotifierClusterOptions> = {}): Schedule {
  const count = 2 + (seed % 4)
  const names = ALL.slice(0, count)
  const cluster = new NotifierCluster({ names, seed, latencyMs: [0.2, 1 + (seed % 40)], ...options })
  const { random } = cluster
  const isEarly = random.next() < 0.5
  const flushers = Array.from({ length: GROUPS }, (_, group) => {
    const some = names.filter(() => random.next() < 0.8)
    const chosen = some.length === 0 ? names.slice(0, 1) : some
    const groupKey = `{}:{group="${group}"}`
    for (const name of chosen) {
      const startMs = (isEarly ? 0 : 1000) + random.next() * (random.next() < 0.5 ? 30 : 3000)
      cluster.at(startMs, () => {
        const replica = cluster.replica(name)
        replica.act(() => replica.start({ groupKey, timeoutMs: TIMEOUT_MS, flushedAtNs: cluster.wallNs() }))
      })
    }
    return chosen
  })
  return { cluster, flushers }
}

/** SWIM in small: each other member suspects a dead one after a second or two and buries it some seconds later. */
function killAt(cluster: NotifierCluster, atMs: number, name: string): void {
  cluster.at(atMs, () => {
    cluster.kill(name)
    for (const other of cluster.replicas.values()) {
      if (other.name === name) continue
      cluster.at(cluster.nowMs + 1000 + cluster.random.next() * 1000, () => other.sees(name, 'suspect'))
      cluster.at(cluster.nowMs + 4000 + cluster.random.next() * 1000, () => other.sees(name, 'dead'))
    }
  })
}

function arrived({ sends }: NotifierCluster, group: number): number {
  return sends.filter(({ work }) => work.includes(`group="${group}"`)).length
}

/** Whatever happened: each flush of a replica that lives has ended, once, and nothing is kept. */
function expectOver(cluster: NotifierCluster, seed: number): void {
  for (const { name, isUp, flushes, results, notifier } of cluster.replicas.values()) {
    if (!isUp) continue
    expect([...results.keys()].length, `results of ${name}, seed ${seed}`).toBe(flushes.size)
    const { contenders, claims_own, claims_peers } = notifier.stats
    expect({ contenders, claims_own, claims_peers }, `tables of ${name}, seed ${seed}`).toEqual({
      contenders: 0,
      claims_own: 0,
      claims_peers: 0,
    })
  }
}

function eachSeed(check: (seed: number) => void): void {
  for (let seed = 1; seed <= RUNS; seed++) check(seed)
}

describe('over many schedules', () => {
  it('without faults each flush is sent exactly once', () => {
    eachSeed((seed) => {
      const { cluster, flushers } = schedule(seed)
      cluster.run(TIMEOUT_MS + 20_000)
      flushers.forEach((_, group) => {
        expect(arrived(cluster, group), `group ${group}, seed ${seed}`).toBe(1)
      })
      expectOver(cluster, seed)
    })
  })

  it('also when frames come twice and log entries reach others by denials alone', () => {
    eachSeed((seed) => {
      const { cluster, flushers } = schedule(seed)
      cluster.duplication = 0.3
      cluster.spreads = false
      cluster.run(TIMEOUT_MS + 20_000)
      flushers.forEach((_, group) => {
        expect(arrived(cluster, group), `group ${group}, seed ${seed}`).toBe(1)
      })
      expectOver(cluster, seed)
    })
  })

  it('also when sends take many seconds', () => {
    eachSeed((seed) => {
      const receiver = (): Answer => ({ afterMs: 20_000 * cluster.random.next(), outcome: { ok: true } })
      const { cluster, flushers } = schedule(seed, { receiver })
      cluster.run(TIMEOUT_MS + 20_000)
      flushers.forEach((_, group) => {
        expect(arrived(cluster, group), `group ${group}, seed ${seed}`).toBe(1)
      })
      expectOver(cluster, seed)
    })
  })

  it('a receiver that fails for a minute hears of each flush from one replica only', () => {
    eachSeed((seed) => {
      const receiver = ({ atMs }: { atMs: number }): Answer => {
        if (atMs > 60_000) return { afterMs: 10, outcome: { ok: true } }
        return { afterMs: 10, outcome: { ok: false, retry: true, detail: '500' } }
      }
      const { cluster, flushers } = schedule(seed, { receiver })
      cluster.run(TIMEOUT_MS + 20_000)
      flushers.forEach((_, group) => {
        const of = cluster.sends.filter(({ work }) => work.includes(`group="${group}"`))
        expect(new Set(of.map(({ by }) => by)).size, `group ${group}, seed ${seed}`).toBe(1)
        expect(new Set(of.map(({ order }) => order.notificationId)).size).toBe(1)
        expect(of.at(-1)?.atMs).toBeGreaterThan(60_000)
      })
      expectOver(cluster, seed)
    })
  })

  it('replicas that stall for seconds, and read or ring first when they go on, still send once', () => {
    eachSeed((seed) => {
      const receiver = (): Answer => ({ afterMs: 300 * cluster.random.next(), outcome: { ok: true } })
      const { cluster, flushers } = schedule(seed, { receiver })
      for (const name of cluster.options.names) {
        let atMs = 0
        while (atMs < 10_000) {
          const startMs = atMs + cluster.random.next() * 2000
          atMs = startMs + cluster.random.next() * 4000
          cluster.at(startMs, () => cluster.stop(name))
          cluster.at(atMs, () => cluster.goOn(name, cluster.random.next() < 0.5))
        }
      }
      cluster.run(TIMEOUT_MS + 20_000)
      flushers.forEach((_, group) => {
        expect(arrived(cluster, group), `group ${group}, seed ${seed}`).toBe(1)
      })
      expectOver(cluster, seed)
    })
  })

  it('one that dies at any moment costs at most one more, and no flush of the living', () => {
    eachSeed((seed) => {
      const receiver = (): Answer => ({ afterMs: 300 * cluster.random.next(), outcome: { ok: true } })
      const { cluster, flushers } = schedule(seed, { receiver })
      const victim = cluster.options.names[seed % cluster.options.names.length] ?? 'ana'
      killAt(cluster, cluster.random.next() * 3500, victim)
      cluster.run(TIMEOUT_MS + 20_000)
      flushers.forEach((names, group) => {
        const count = arrived(cluster, group)
        expect(count, `group ${group}, seed ${seed}`).toBeLessThanOrEqual(2)
        if (names.some((name) => name !== victim)) {
          expect(count, `group ${group}, seed ${seed}`).toBeGreaterThanOrEqual(1)
        }
      })
      expectOver(cluster, seed)
    })
  })

  it('each half of a partition sends at most once', () => {
    eachSeed((seed) => {
      const { cluster, flushers } = schedule(seed)
      const { names } = cluster.options
      const half = 1 + (seed % (names.length - 1))
      const sides = [names.slice(0, half), names.slice(half)] as const
      cluster.at(cluster.random.next() * 1000, () => {
        cluster.partition(...sides)
        for (const [side, other] of [sides, [sides[1], sides[0]]] as const) {
          for (const name of side) {
            for (const lost of other) {
              cluster.at(cluster.nowMs + 5000 + cluster.random.next() * 1000, () =>
                cluster.replica(name).sees(lost, 'dead'),
              )
            }
          }
        }
      })
      cluster.run(TIMEOUT_MS + 20_000)
      flushers.forEach((_, group) => {
        const by = cluster.sends.filter(({ work }) => work.includes(`group="${group}"`)).map(({ by }) => by)
        for (const side of sides) {
          expect(
            by.filter((name) => side.includes(name)).length,
            `group ${group}, seed ${seed}`,
          ).toBeLessThanOrEqual(1)
        }
        expect(by.length).toBeGreaterThanOrEqual(1)
      })
      expectOver(cluster, seed)
    })
  })

  it('lost frames cost little: at most one of a hundred is sent twice where one frame of twenty is lost', () => {
    let sent = 0
    let groups = 0
    eachSeed((seed) => {
      const { cluster, flushers } = schedule(seed)
      cluster.loss = 0.05
      cluster.run(TIMEOUT_MS + 20_000)
      flushers.forEach((_, group) => {
        groups++
        const count = arrived(cluster, group)
        expect(count, `group ${group}, seed ${seed}`).toBeGreaterThanOrEqual(1)
        sent += count
      })
      expectOver(cluster, seed)
    })
    expect((sent - groups) / groups).toBeLessThanOrEqual(0.01)
  })
})
