/**
 * Three hearsay and two members of HashiCorp's memberlist, each on a host of its own, all encrypted, survive kill, stop and
 * continue, partitions and the exchange of their key.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildGoProgram } from '../parity/go-program.ts'
import { GO } from '../parity/rig.ts'
import { FiveCluster } from '../support/five-cluster.ts'
import { GoMember, HearsayMember } from '../support/five-members.ts'
import { keyOf, type TestKey } from '../support/gossip-keys.ts'
import { metric } from '../support/mixed-cluster.ts'
import { NET_NAMESPACES } from '../support/net-namespaces.ts'
import { inCi, requirement } from '../support/requirement.ts'
import { untilAsync } from '../support/until-async.ts'
import { printFigures, STORY_TIMEOUT_MS, staysWhole, stories } from './mixed-five-stories.ts'

const OLD = keyOf(1, 16)
const NEW = keyOf(2)
/** Compiling Go's standard library for the first time takes its while. */
const BUILD_TIMEOUT_MS = 180_000
/** Between two members' steps, so that they talk under different keys. */
const STEP_GAP_MS = 50
/** Whoever was cut off by the exchange is declared dead within this time. */
const WATCHED_MS = inCi ? 2500 : 500
const UNREADABLE = ['undecryptable', 'plaintext-refused', 'encrypted-without-key']

const NEEDED = GO.present ? NET_NAMESPACES : GO

requirement(NEEDED)('three hearsay and two members of memberlist survive', () => {
  let five: FiveCluster
  const replicas: HearsayMember[] = []
  const goes: GoMember[] = []

  beforeAll(async () => {
    await buildGoProgram()
    five = new FiveCluster((host, i, folder) => {
      if (i < 3) {
        const replica = new HearsayMember(host, folder, OLD)
        replicas.push(replica)
        return replica
      }
      const go = new GoMember(host, `go-${i}`, OLD)
      goes.push(go)
      return go
    })
    await five.start()
    for (const [i, { ownId }] of goes.entries()) five.require(ownId, 3 + i)
    await five.see(five.all)
    await five.equal()
  }, BUILD_TIMEOUT_MS)

  afterAll(() => five.close())

  stories('memberlist', () => five, true)

  /** Of a counter with one label, over all of hearsay. */
  async function count(name: string, label: string, values: readonly string[]): Promise<number> {
    const counts = replicas.flatMap(({ url }) =>
      values.map((value) => metric(url, name, `{${label}="${value}"}`)),
    )
    return (await Promise.all(counts)).reduce((a, b) => a + b)
  }

  /** What must not grow while keys are exchanged. */
  const harm = async (): Promise<readonly unknown[]> => [
    await count('hearsay_gossip_dropped_total', 'reason', UNREADABLE),
    await count('hearsay_gossip_events_total', 'event', ['member_dead', 'member_left']),
    ...(await Promise.all(goes.map((go) => go.goodbyes()))),
  ]

  async function everywhere(change: 'addKey' | 'useKey' | 'removeKey', key: TestKey): Promise<void> {
    for (const member of five.members) {
      await member[change](key)
      for (const i of five.all) await five.write(i)
      await pause(STEP_GAP_MS)
    }
  }

  it('the exchange of their key, in which no message is lost and nobody declared dead', {
    timeout: STORY_TIMEOUT_MS,
  }, async () => {
    const before = { harm: await harm(), ids: new Set(five.required) }
    const startedAt = performance.now()
    const endTraffic = five.traffic()
    await everywhere('addKey', NEW)
    await everywhere('useKey', NEW)
    await everywhere('removeKey', OLD)
    await endTraffic()
    const exchanged = performance.now() - startedAt
    const equal = await five.equal()
    const written = five.required.filter((id) => !before.ids.has(id))
    for (const go of goes) {
      const complete = async (): Promise<boolean> => (await go.lacksMessages(written)).length === 0
      await untilAsync(complete, `${written.length} messages at ${go.address}`)
    }
    await staysWhole(five, WATCHED_MS)
    expect(await harm()).toEqual(before.harm)
    expect(five.refused).toEqual([])
    printFigures(`hearsay and memberlist, ${written.length} silences written while the key is exchanged`, {
      exchanged,
      'equal after': equal,
    })
  })
})
