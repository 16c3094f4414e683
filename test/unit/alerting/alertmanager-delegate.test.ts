/** What goes to whom: private frames to hearsay, parts to Alertmanagers, both to strangers. */
import { describe, expect, it } from 'vitest'
import { AlertmanagerDelegate, STATE_BYTES_MAX } from '../../../src/alerting/alertmanager-delegate.ts'
import { SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import { decodeForeignState } from '../../../src/alerting/core/foreign-state.ts'
import { nanosToMsCeil } from '../../../src/alerting/core/nanos.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import { seededRandom } from '../../../src/base/random.ts'
import type { Broadcast, Exchange, Member, PeerClass } from '../../../src/gossip/core/delegate.ts'
import { nativeMeta } from '../../../src/gossip/core/native-meta.ts'
import type { Delta, RecordPut } from '../../../src/store/core/delta.ts'
import { ReplicaState } from '../../../src/store/core/replica-state.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import { memorySyncStore } from '../../support/memory-sync-store.ts'
import { aSilence, HOUR_NS, NOW_MS } from '../../support/silences.ts'

function member(name: string, peerClass: PeerClass, meta: Uint8Array = new Uint8Array(0)): Member {
  const endpoint = { addr: Uint8Array.of(127, 0, 0, 1), port: 9094 }
  return {
    name,
    peerClass,
    meta,
    endpoint,
    incarnation: 1,
    liveness: 'alive',
    rttMs: undefined,
    isSelf: false,
  }
}

function setup(
  members: Member[] = [member('am', 'foreign'), member('zz', 'native', nativeMeta())],
  name = 'self',
  foreignState: 'alertmanager' | 'none' = 'alertmanager',
) {
  const state = new ReplicaState()
  const records = memoryRecords()
  const sent: Broadcast[] = []
  const notes: [string, object][] = []
  const join = (delta: Delta): Delta => {
    const { effective } = state.join(delta, NOW_MS)
    records.merge(effective.records)
    return effective
  }
  const reliable: Uint8Array[] = []
  const tasks: (() => void)[] = []
  const delegate = new AlertmanagerDelegate({
    name,
    random: seededRandom(name.length),
    schedule: (task) => void tasks.push(task),
    wallMs: () => NOW_MS,
    requestExchange: () => undefined,
    store: memorySyncStore(state, NOW_MS, { join }),
    records,
    broadcaster: {
      broadcast: (broadcast) => sent.push(broadcast),
      sendReliable: (_to, payload) => void reliable.push(payload),
      members: () => members,
    },
    note: (event, fields) => notes.push([event, fields]),
    dropped: () => undefined,
    foreignState,
  })
  const write = (put: RecordPut): void => {
    const delta = { puts: [], adds: [], covered: [], records: [put] }
    join(delta)
    delegate.committed([delta])
  }
  return { delegate, records, sent, notes, write, reliable, tasks }
}

function put(id: string, comment = 'short'): RecordPut {
  return { table: SILENCE_TABLE, key: id, record: encodeSilence(aSilence({ id, comment })) }
}

function exchange(peerClass: Exchange['peerClass']): Exchange {
  return { join: false, remoteState: undefined, peer: undefined, peerClass }
}

function audiences(sent: readonly Broadcast[]): string[] {
  return sent.map(({ audience }) => audience).sort((a, b) => (a < b ? -1 : 1))
}

describe('a push-pull', () => {
  it.each([
    ['an Alertmanager', 'foreign', 1, false],
    ['a hearsay replica', 'native', 0, true],
    ['somebody unknown', undefined, 1, true],
  ] as const)('with %s holds what it can read, once', (_who, peerClass, silences, framed) => {
    const { delegate, write } = setup()
    write(put('a'))
    const state = decodeForeignState(delegate.localState(exchange(peerClass)))
    expect(state.puts).toHaveLength(silences)
    expect(state.hearsayFrame.length > 0).toBe(framed)
  })

  it('carries silences to another replica, whoever it takes us for', () => {
    for (const peerClass of ['native', 'foreign', undefined] as const) {
      const from = setup([member('b', 'native', nativeMeta())], 'a')
      const to = setup([member('a', 'native', nativeMeta())], 'b')
      from.write(put('a'))
      const offer = from.delegate.localState(exchange(peerClass))
      const answering = { ...exchange(undefined), remoteState: offer }
      const answer = to.delegate.localState(answering)
      to.delegate.mergeRemoteState(offer, answering)
      from.delegate.mergeRemoteState(answer, exchange(peerClass))
      for (let moved = true; moved; ) {
        moved = false
        for (const [self, other] of [
          [from, to],
          [to, from],
        ] as const) {
          for (const task of self.tasks.splice(0)) task()
          for (const payload of self.reliable.splice(0)) {
            other.delegate.userMessage(payload)
            moved = true
          }
          moved ||= self.tasks.length + other.tasks.length > 0
        }
      }
      expect(to.records.get(SILENCE_TABLE, 'a')).toBeDefined()
    }
  })

  it('is answered with a frame and nothing else when it came with one, else with silences and no frame', () => {
    const [caller, called] = [setup(), setup()]
    called.write(put('a'))
    const offer = caller.delegate.localState(exchange('native'))
    const framed = decodeForeignState(
      called.delegate.localState({ ...exchange(undefined), remoteState: offer }),
    )
    expect([framed.puts.length, framed.hearsayFrame.length > 0]).toEqual([0, true])
    const foreign = caller.delegate.localState(exchange('foreign'))
    const plain = decodeForeignState(
      called.delegate.localState({ ...exchange(undefined), remoteState: foreign }),
    )
    expect([plain.puts.length, plain.hearsayFrame.length]).toEqual([1, 0])
  })
})

describe('a state that no peer would take as a whole', () => {
  it('is told in parts that are, another one each time', () => {
    const { delegate, records } = setup()
    const comment = 'x'.repeat(1_000_000)
    const ids = Array.from({ length: 25 }, (_, i) => `id-${i}`)
    records.merge(ids.map((id) => put(id, comment)))
    const told = new Set<string>()
    for (let i = 0; i < 12; i++) {
      const state = delegate.localState(exchange('foreign'))
      expect(state.length).toBeLessThanOrEqual(STATE_BYTES_MAX)
      const { puts, faults } = decodeForeignState(state)
      expect([puts.length, faults.size]).toEqual([9, 0])
      for (const { key } of puts) told.add(key)
    }
    expect(told.size).toBe(25)
  })
})

describe('a silence', () => {
  it('written here goes to both kinds of peers, however large', () => {
    for (const comment of ['short', 'x'.repeat(1000)]) {
      const { sent, write } = setup()
      write(put('a', comment))
      expect(audiences(sent)).toEqual(['foreign', 'native'])
    }
  })

  it('heard from an Alertmanager is passed on, but a large one not to Alertmanagers, who had it from its author', () => {
    for (const [comment, expected] of [
      ['short', ['foreign', 'native']],
      ['x'.repeat(1000), ['native']],
    ] as const) {
      const [author, relay] = [setup(), setup()]
      author.write(put('a', comment))
      const part = author.sent.find(({ audience }) => audience === 'foreign')
      relay.delegate.userMessage(part?.payload ?? new Uint8Array(0))
      expect(audiences(relay.sent)).toEqual(expected)
      relay.sent.length = 0
      relay.delegate.userMessage(part?.payload ?? new Uint8Array(0))
      expect(relay.sent).toEqual([])
    }
  })

  it('that had to be lifted is our own news, so that a large one goes to Alertmanagers too', () => {
    const [author, relay] = [setup(), setup()]
    const comment = 'x'.repeat(1000)
    relay.write(put('a', comment))
    relay.sent.length = 0
    const { updatedAtNs, expiresAtNs } = aSilence()
    const ended = { updatedAtNs: updatedAtNs + 5n, expiresAtNs: expiresAtNs - HOUR_NS }
    author.write({ ...put('a'), record: encodeSilence(aSilence({ id: 'a', comment, ...ended })) })
    const part = author.sent.find(({ audience }) => audience === 'foreign')
    relay.delegate.userMessage(part?.payload ?? new Uint8Array(0))
    expect(audiences(relay.sent)).toEqual(['foreign', 'native'])
    expect(relay.records.get(SILENCE_TABLE, 'a')?.versionNs).toBe(updatedAtNs + 6n)
  })

  it('that a peer made last longer while our own write of it was under way is remembered so long', () => {
    const [author, own] = [setup(), setup()]
    const { updatedAtNs, expiresAtNs } = aSilence()
    own.write(put('a'))
    author.write({
      ...put('a'),
      record: encodeSilence(
        aSilence({ id: 'a', updatedAtNs: updatedAtNs + 1n, expiresAtNs: expiresAtNs + HOUR_NS }),
      ),
    })
    const part = author.sent.find(({ audience }) => audience === 'foreign')
    own.delegate.userMessage(part?.payload ?? new Uint8Array(0))
    own.sent.length = 0
    const ended = aSilence({ id: 'a', endsAtNs: updatedAtNs, updatedAtNs: updatedAtNs + 5n })
    for (let i = 0; i < 2; i++) own.write({ ...put('a'), record: encodeSilence(ended) })
    expect(own.records.get(SILENCE_TABLE, 'a')).toMatchObject({
      versionNs: updatedAtNs + 6n,
      expiresAtMs: nanosToMsCeil(expiresAtNs + HOUR_NS),
    })
    // Each of the two writes, and once the version that outlasts the peer's.
    expect(audiences(own.sent).filter((audience) => audience === 'foreign')).toHaveLength(3)
  })

  it('costs nothing for Alertmanagers where there are none', () => {
    const { sent, write } = setup([member('zz', 'native', nativeMeta())])
    write(put('a'))
    expect(audiences(sent)).toEqual(['native'])
  })
})

describe('a hearsay replica whose private versions we do not read', () => {
  it('is refused by name', () => {
    const { delegate, notes } = setup()
    const newer = member('zz-new', 'foreign', Uint8Array.of(0x68, 0x73, 7, 9))
    delegate.memberEvent({ type: 'join', member: newer })
    delegate.memberEvent({ type: 'join', member: member('am', 'foreign') })
    delegate.memberEvent({ type: 'join', member: member('zz', 'native', nativeMeta()) })
    expect(notes).toEqual([
      ['replication_peer_version_unsupported', { peer: 'zz-new', theirs: '7-9', ours: 1 }],
    ])
  })
})

describe("with foreignState 'none'", () => {
  it('others than hearsay replicas are told nothing, and heard on nothing', () => {
    const quiet = setup(undefined, 'self', 'none')
    const talking = setup()
    talking.write(put('theirs'))
    quiet.write(put('ours'))
    expect(audiences(quiet.sent)).toEqual(['native'])
    expect(quiet.delegate.localState(exchange('foreign'))).toHaveLength(0)
    const toStranger = decodeForeignState(quiet.delegate.localState(exchange(undefined)))
    expect([toStranger.puts.length, toStranger.hearsayFrame.length > 0]).toEqual([0, true])
    const [part] = talking.sent.filter(({ audience }) => audience === 'foreign')
    expect(part).toBeDefined()
    quiet.delegate.userMessage(part?.payload ?? new Uint8Array(0))
    quiet.delegate.mergeRemoteState(talking.delegate.localState(exchange('foreign')), exchange('foreign'))
    expect(quiet.records.get(SILENCE_TABLE, 'theirs')).toBeUndefined()
    expect(quiet.records.get(SILENCE_TABLE, 'ours')).toBeDefined()
  })
})
