/**
 * The types of the public API. `expectTypeOf` does nothing at run time: the compiler checks these lines (`npm run check`),
 * and a line below `@ts-expect-error` must be an error, or the compiler complains of that.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type {
  Acknowledged,
  AddResult,
  DeleteResult,
  EmbeddedReplica,
  Gap,
  JoinResult,
  MapChange,
  NotificationEntry,
  NotifyReason,
  OnceResult,
  OpenReplicaOptions,
  OwnerChange,
  ReplicaKey,
  ReplicaMap,
  ReplicaMember,
  ReplicaSet,
  ReplicaSilence,
  SendReceipt,
  SetChange,
  SetResult,
  SilenceFilter,
  SilenceOptions,
  SkipReason,
} from '../../src/index.ts'
import * as hearsay from '../../src/index.ts'

interface Threshold {
  readonly cpu: number
}
type OnCall = 'ana' | 'ben'

/** Never called: for the compiler only. */
async function typed(replica: EmbeddedReplica): Promise<void> {
  const map = replica.map<Threshold>('thresholds')
  const set = replica.set<OnCall>('on-call')
  expectTypeOf(map).toEqualTypeOf<ReplicaMap<Threshold>>()
  expectTypeOf(map.get('k')).toEqualTypeOf<Threshold | undefined>()
  expectTypeOf(map.has('k')).toEqualTypeOf<boolean>()
  expectTypeOf([...map.entries()]).toEqualTypeOf<[key: string, value: Threshold][]>()
  expectTypeOf(
    await map.set('k', { cpu: 1 }, { ttl: '1h', ack: 'majority', timeout: '1s' }),
  ).toEqualTypeOf<SetResult>()
  expectTypeOf(await map.delete('k', { ack: 2 })).toEqualTypeOf<DeleteResult>()
  expectTypeOf<SetResult>().toExtend<Acknowledged>()
  expectTypeOf(set).toEqualTypeOf<ReplicaSet<OnCall>>()
  expectTypeOf(replica.set('s')).toEqualTypeOf<ReplicaSet<string>>()
  expectTypeOf(set.members()).toEqualTypeOf<readonly OnCall[]>()
  expectTypeOf(await set.add('ana', { ack: 'all' })).toEqualTypeOf<AddResult>()
  expectTypeOf(await set.remove('ana')).toEqualTypeOf<DeleteResult>()

  // @ts-expect-error a value of another type
  await map.set('k', { cpu: 'high' })
  // @ts-expect-error a member that is none
  set.has('eve')
  // @ts-expect-error an ack that is none
  await map.set('k', { cpu: 1 }, { ack: 'quorum' })
  // @ts-expect-error a ttl is text, so that its unit is seen
  await map.set('k', { cpu: 1 }, { ttl: 3600 })
  // @ts-expect-error sets have no ttl
  await set.add('ana', { ttl: '1h' })
}

/** Never called: for the compiler only. */
async function watched(replica: EmbeddedReplica, signal: AbortSignal): Promise<void> {
  const changes = replica.map<Threshold>('m').watch({ prefix: 'a', after: 'cursor', signal })
  expectTypeOf(changes).toExtend<AsyncIterable<MapChange<Threshold>>>()
  for await (const change of changes) {
    expectTypeOf(change.cursor).toEqualTypeOf<string>()
    if (change.type === 'put') {
      expectTypeOf(change.value).toEqualTypeOf<Threshold>()
      expectTypeOf(change.version).toEqualTypeOf<string>()
    } else if (change.type === 'delete') {
      expectTypeOf(change.reason).toEqualTypeOf<'deleted' | 'expired' | 'unreadable'>()
      // @ts-expect-error a deletion has no value
      change.value
    } else {
      expectTypeOf(change).toEqualTypeOf<Gap>()
      // @ts-expect-error a gap is of no key
      change.key
    }
  }
  for await (const change of replica.set<OnCall>('s').watch()) {
    expectTypeOf(change).toEqualTypeOf<SetChange<OnCall>>()
    if (change.type !== 'gap') expectTypeOf(change.member).toEqualTypeOf<OnCall>()
  }
  for await (const change of replica.ownerChanges('work', { signal })) {
    expectTypeOf(change).toEqualTypeOf<OwnerChange>()
  }
}

/** Never called: for the compiler only. */
async function waited(replica: EmbeddedReplica, signal: AbortSignal): Promise<void> {
  expectTypeOf(await replica.ready({ signal })).toEqualTypeOf<void>()
  expectTypeOf(await replica.join(['h:1'], { signal })).toEqualTypeOf<JoinResult>()
  expectTypeOf(replica.owner('work')).toEqualTypeOf<string>()
  expectTypeOf(replica.isOwner('work')).toEqualTypeOf<boolean>()
  expectTypeOf(replica.members()).toEqualTypeOf<readonly ReplicaMember[]>()
  expectTypeOf(replica.readiness().reasons).toEqualTypeOf<readonly string[]>()
  expectTypeOf(await replica.silences.create({} as SilenceOptions)).toEqualTypeOf<string>()
  expectTypeOf(replica.silences.matching({ alertname: 'x' })).toEqualTypeOf<readonly string[]>()
  expectTypeOf(replica.silences.get('x')).toEqualTypeOf<ReplicaSilence | undefined>()
  expectTypeOf(replica.silences.query({} as SilenceFilter)).toEqualTypeOf<readonly ReplicaSilence[]>()
  expectTypeOf(await replica.silences.update('x', { comment: 'c' })).toEqualTypeOf<string>()
  expectTypeOf(replica).toExtend<AsyncDisposable>()
  expectTypeOf(replica.keys.list()).toEqualTypeOf<readonly ReplicaKey[]>()
  expectTypeOf(replica.keys.add('a2V5')).toEqualTypeOf<boolean>()
  // @ts-expect-error the end is required
  await replica.silences.create({ matchers: ['a="b"'], createdBy: 'a', comment: 'c' })
  await hearsay.openReplica({ gossip: { listen: 'h:1', foreignState: 'none', delegateVersion: [2, 5, 5] } })
  // @ts-expect-error misspelt
  await hearsay.openReplica({ datadir: './data' })
  // @ts-expect-error not among the choices
  await hearsay.openReplica({ gossip: { listen: 'h:1', foreignState: 'serf' } })
  // @ts-expect-error where to listen is required
  await hearsay.openReplica({ gossip: {} })
  expectTypeOf<OpenReplicaOptions['keys']>().toEqualTypeOf<readonly string[] | undefined>()
}

/** Never called: for the compiler only. */
async function notified(replica: EmbeddedReplica): Promise<void> {
  const { notifications } = replica
  const flush = {
    groupKey: 'g',
    receiver: { groupName: 'ops', integration: 'webhook' },
    alerts: [{ labels: { alertname: 'a' }, summary: 'mine' }],
    repeatInterval: '4h',
  } as const
  // Whatever the send gives is taken, such as the answer of fetch.
  const result = await notifications.once(flush, async ({ firing, signal }) => {
    expectTypeOf(firing[0]?.summary).toEqualTypeOf<'mine' | undefined>()
    return fetch('http://h', { signal })
  })
  expectTypeOf(result).toEqualTypeOf<OnceResult>()
  if (result.outcome === 'failed') expectTypeOf(result.detail).toEqualTypeOf<string>()
  // @ts-expect-error only a failure has a detail
  else result.detail
  const { notify, reason, last } = notifications.decide(flush)
  expectTypeOf(last).toEqualTypeOf<NotificationEntry | undefined>()
  expectTypeOf(notify).toEqualTypeOf<boolean>()
  expectTypeOf(reason).toEqualTypeOf<NotifyReason | SkipReason>()
  expectTypeOf(await notifications.log(flush, { ack: 'all' })).toExtend<Acknowledged>()
  expectTypeOf(notifications.labelHash({ a: 'b' })).toEqualTypeOf<bigint>()
  const receipt: SendReceipt = { receiverData: { thread: 'T1', count: 2n } }
  await notifications.once(flush, (): SendReceipt => receipt)
  // @ts-expect-error a receiver has a name
  await notifications.once({ ...flush, receiver: { integration: 'webhook' } }, () => undefined)
  // @ts-expect-error an interval is required
  notifications.decide({ groupKey: 'g', receiver: flush.receiver, alerts: [] })
}

describe('the public API', () => {
  it('has these values at run time, and no others', () => {
    expect(Object.keys(hearsay).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      'HearsayError',
      'errorCode',
      'openReplica',
      'parseDuration',
    ])
    expect([typed, watched, waited, notified].every((check) => typeof check === 'function')).toBe(true)
  })

  it('documents every symbol it exports, where it is declared', () => {
    const exports = [
      ...readFileSync('src/index.ts', 'utf8').matchAll(/^export (?:type )?\{([^}]*)\} from '\.\/([^']+)'/gm),
    ]
    const undocumented: string[] = []
    for (const [, names = '', file = ''] of exports) {
      const text = readFileSync(`src/${file}`, 'utf8')
      for (const name of names
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')) {
        const isReExported = new RegExp(`export type \\{[^}]*\\b${name}\\b[^}]*\\}`).test(text)
        const documented = new RegExp(
          `\\*/\\nexport (?:async )?(?:interface|class|function|type) ${name}\\b`,
        ).test(text)
        if (!documented && !isReExported) undocumented.push(`${file}: ${name}`)
      }
    }
    expect(exports.length).toBeGreaterThan(5)
    expect(undocumented).toEqual([])
  })
})
