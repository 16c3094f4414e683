/**
 * What rides in gossip's user messages and user states, made by somebody who knows the formats and damaged: deltas,
 * frames of anti-entropy, batches, acknowledgements, claims, Alertmanager's parts and states. Nothing throws; what is
 * understood is understood the same when we say it; one message makes us say and hold no more than its length allows;
 * and the state that is left is one that another replica can read.
 *
 * `HEARSAY_FUZZ_SEED` replays a run; a failure names the seed and the bytes.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { AlertmanagerDelegate } from '../../../src/alerting/alertmanager-delegate.ts'
import { SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import { encodeForeignPart, encodeForeignState } from '../../../src/alerting/core/foreign-state.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import { decodeClaimFrame, encodeClaimFrame } from '../../../src/alerting/notifier/claim-frames.ts'
import { HearsayError } from '../../../src/base/errors.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { CausalContext } from '../../../src/crdt/context.ts'
import { encodeBatch } from '../../../src/gossip/core/batch-frame.ts'
import type { Exchange, Member } from '../../../src/gossip/core/delegate.ts'
import { nativeMeta } from '../../../src/gossip/core/native-meta.ts'
import type { Delta, RecordPut } from '../../../src/store/core/delta.ts'
import { decodeDelta, encodeDelta } from '../../../src/store/core/delta-codec.ts'
import { ReplicaState } from '../../../src/store/core/replica-state.ts'
import { DIGEST_BUCKETS } from '../../../src/store/core/syncable.ts'
import { decodeAckFrame, encodeAckFrame } from '../../../src/store/replication/ack-frames.ts'
import { encodeSyncFrame, packHashes, type SyncBody } from '../../../src/store/replication/frames.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import { memorySyncStore } from '../../support/memory-sync-store.ts'
import { inCi } from '../../support/requirement.ts'
import { aSilence, NOW_MS } from '../../support/silences.ts'
import { damaged } from '../gossip/wire/fuzz-frames.ts'
import { FuzzMessages } from '../gossip/wire/fuzz-messages.ts'
import { A, add, B, covered, dot, entry, put, record } from '../store/core/fixtures.ts'

const SEED = Number(process.env.HEARSAY_FUZZ_SEED ?? Date.now() % 1_000_000_000)
const EXECUTIONS = inCi ? 50_000 : 4000
const PER_STRUCTURE = 10
/** Each replica is fed so many structures, then looked at, and another one takes its place. */
const STRUCTURES_PER_REPLICA = 100
const ANSWERS_MAX = 16
const ANSWER_BYTES_MAX = 512 * 1024

let executions = 0
const notes = new Map<string, number>()

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

function member(name: string, native: boolean): Member {
  return {
    name,
    peerClass: native ? 'native' : 'foreign',
    meta: native ? nativeMeta() : new Uint8Array(0),
    endpoint: { addr: Uint8Array.of(127, 0, 0, 1), port: 9094 },
    incarnation: 1,
    liveness: 'alive',
    rttMs: undefined,
    isSelf: false,
  }
}

class Fed {
  readonly state: ReplicaState = new ReplicaState()
  readonly delegate: AlertmanagerDelegate
  readonly #tasks: (() => void)[] = []
  #said = 0
  #saidBytes = 0

  constructor() {
    const records = memoryRecords()
    const members = [member('am', false), member('zz-1', true), member('zz-2', true)]
    const say = (bytes: Uint8Array): void => {
      this.#said++
      this.#saidBytes += bytes.length
    }
    const join = (delta: Delta): Delta => {
      const { effective } = this.state.join(delta, NOW_MS)
      records.merge(effective.records)
      return effective
    }
    this.delegate = new AlertmanagerDelegate({
      name: 'self',
      random: seededRandom(SEED),
      schedule: (task) => void this.#tasks.push(task),
      wallMs: () => NOW_MS,
      requestExchange: () => undefined,
      store: memorySyncStore(this.state, NOW_MS, { join }),
      records,
      broadcaster: {
        broadcast: ({ payload }) => say(payload),
        sendReliable: (_to, payload) => say(payload),
        members: () => members,
      },
      note: (event) => notes.set(event, (notes.get(event) ?? 0) + 1),
      dropped: (reason, count) => notes.set(reason, (notes.get(reason) ?? 0) + count),
    })
  }

  /** @param bytes also as the first half of a push-pull, which we answer */
  hear(bytes: Uint8Array, asState: boolean): void {
    this.#said = 0
    this.#saidBytes = 0
    const before = this.state.digest.count
    if (asState) {
      const exchange: Exchange = { join: false, remoteState: bytes, peer: 'zz-1', peerClass: 'native' }
      this.#saidBytes += this.delegate.localState(exchange).length
      this.delegate.mergeRemoteState(bytes, exchange)
    } else this.delegate.userMessage(bytes)
    for (let run = 0; this.#tasks.length > 0; run++) {
      must(run < 1000, 'what it started comes to an end')
      this.#tasks.shift()?.()
    }
    must(this.#said <= ANSWERS_MAX + bytes.length / 4, `${this.#said} messages of ${bytes.length} bytes`)
    must(
      this.#saidBytes <= ANSWER_BYTES_MAX + 4 * bytes.length,
      `${this.#saidBytes} bytes of ${bytes.length}`,
    )
    must(this.state.digest.count - before <= bytes.length / 4, 'no more entries than there are bytes for')
    must((this.delegate.syncStats().sessions ?? 0) <= 2, 'a session for each member')
  }

  /** Another replica can read what this one holds. */
  handOver(): void {
    const heir = new ReplicaState()
    const { puts, adds, records } = this.state.fullState()
    heir.join(decodeDelta(encodeDelta({ puts, adds, records, covered: [] })), NOW_MS)
    // Not the same: who lies about dots makes states that depend on what came first.
    must(heir.digest.count <= this.state.digest.count, 'nothing comes out that was not held')
  }
}

const context = new CausalContext()
context.addInterval(A, { first: 1, last: 30 })
context.add(dot(7, B))

function silence(id: string): RecordPut {
  return { table: SILENCE_TABLE, key: id, record: encodeSilence(aSilence({ id })) }
}

function deltaOf(fuzz: FuzzMessages): Delta {
  const n = 1 + fuzz.below(40)
  const actor = fuzz.pick([A, B])
  const ms = fuzz.pick([1, NOW_MS, NOW_MS + 5, NOW_MS + 86_400_000, 2 ** 47])
  const stamp = { epoch: fuzz.below(2), ms, logical: fuzz.below(3), actor }
  const value = fuzz.below(4) === 0 ? undefined : 'v'.repeat(fuzz.below(200))
  const expiresAtMs = fuzz.pick([undefined, 0, NOW_MS + 1000])
  switch (fuzz.below(4)) {
    case 0:
      return add(fuzz.pick(['a', '', '__proto__']), n, actor)
    case 1:
      return covered(dot(n, actor), dot(n + 1, actor))
    case 2:
      return {
        ...covered(),
        records: [{ table: 'nfl', key: `k${n}`, record: record(BigInt(n), 'x') }, silence(`s${n}`)],
      }
    default:
      return put(
        fuzz.pick(['k', '', '\0', 'toString']),
        entry(n, ms, value, { dot: dot(n, actor), stamp, expiresAtMs }),
      )
  }
}

function framed(kind: number, body: Uint8Array): Uint8Array {
  return Uint8Array.of(0xf1, fuzzedVersion, kind, ...body)
}
const fuzzedVersion = 1

function syncOf(fuzz: FuzzMessages): Uint8Array {
  const hashes = packHashes(
    Array.from({ length: fuzz.below(20) }, () => ({ hi: fuzz.below(9), lo: fuzz.below(9) })),
  )
  const covers = new Uint8Array(DIGEST_BUCKETS / 8).fill(fuzz.below(256))
  const part = fuzz.below(3)
  const last = fuzz.below(2) === 0
  const opening = part === 0 ? { context, covers } : undefined
  const state = {
    root: fuzz.randomBytes(16),
    count: fuzz.below(1000),
    contextHash: fuzz.randomBytes(8),
    context: fuzz.pick([undefined, context]),
    sketch: undefined,
  }
  const bodies: readonly SyncBody[] = [
    { kind: 'offer', state },
    { kind: 'done', state },
    { kind: 'swap', count: fuzz.below(5), context },
    { kind: 'ask-sketch' },
    { kind: 'listing', part, last, opening, items: hashes },
    {
      kind: 'want',
      part,
      last,
      nothingComes: last,
      context: part === 0 ? context : undefined,
      contested: hashes,
      items: hashes,
    },
    { kind: 'chunk', sequence: fuzz.below(5), last, delta: encodeDelta(deltaOf(fuzz)) },
    { kind: 'ack', of: fuzz.pick(['want', 'chunk'] as const), number: fuzz.below(9) },
    { kind: 'ask-listing', buckets: new Uint32Array(DIGEST_BUCKETS * 2).fill(fuzz.below(3)) },
    { kind: 'refuse', reason: 'superseded' },
  ]
  return encodeSyncFrame({
    sender: fuzz.pick(['zz-1', 'zz-2', 'am', 'self', 'nobody']),
    session: fuzz.below(4) + 1,
    body: fuzz.pick(bodies),
  })
}

function message(fuzz: FuzzMessages): Uint8Array {
  switch (fuzz.below(6)) {
    case 0:
      return encodeForeignPart(silence(`s${fuzz.below(50)}`)) ?? new Uint8Array(1)
    case 1:
      return encodeForeignState(
        (table) =>
          table === SILENCE_TABLE ? [1, 2, 3].map((i) => [`s${i}`, silence(`s${i}`).record] as const) : [],
        syncOf(fuzz),
      )
    case 2:
      return encodeBatch(
        Array.from({ length: 1 + fuzz.below(4) }, () => framed(0x44, encodeDelta(deltaOf(fuzz)))),
      )
    case 3:
      return framed(0x44, encodeDelta(deltaOf(fuzz)))
    default:
      return syncOf(fuzz)
  }
}

function fuzz(
  purpose: number,
  wanted: number,
  make: (fuzz: FuzzMessages) => Uint8Array,
  run: (bytes: Uint8Array, round: number) => void,
): void {
  let other: Uint8Array = new Uint8Array(1)
  for (let done = 0, round = 0; done < wanted; round++) {
    const messages = new FuzzMessages(seededRandom(SEED ^ (purpose << 28) ^ round), 0)
    const whole = make(messages)
    for (let i = 0; i < PER_STRUCTURE; i++, done++, executions++) {
      const bytes = i === 0 ? whole : damaged(messages, whole, other)
      try {
        run(bytes, round)
      } catch (error) {
        const hex = Buffer.from(bytes.subarray(0, 4096)).toString('hex')
        throw new Error(`HEARSAY_FUZZ_SEED=${SEED}, ${purpose}, round ${round}.${i}: ${hex}`, {
          cause: error,
        })
      }
    }
    other = whole
  }
}

/** The decoders of these throw, and their callers count; nothing but a HearsayError is for them to catch. */
function decodedOrRefused<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof HearsayError) return undefined
    throw error
  }
}

afterAll(() => {
  const found = [...notes].sort((a, b) => b[1] - a[1]).map(([name, times]) => `${name} ${times}`)
  process.stdout.write(
    `delegate fuzz: ${executions} executions, HEARSAY_FUZZ_SEED=${SEED}: ${found.join(', ')}\n`,
  )
})

describe('whatever a user message or a user state holds', { timeout: 120_000 }, () => {
  it('does what it may and no more, and leaves a state that another replica can read', () => {
    let fed = new Fed()
    fuzz(1, EXECUTIONS * 0.7, message, (bytes, round) => {
      if (round % STRUCTURES_PER_REPLICA === 0) {
        fed.handOver()
        fed = new Fed()
      }
      fed.hear(bytes, round % 3 === 0)
    })
    fed.handOver()
    expect([...notes.keys()]).toEqual(
      expect.arrayContaining(['replication_frame_malformed', 'replication_frame_unknown', 'PART_MALFORMED']),
    )
  })

  it('is a claim that reads the same when we say it, or none', () => {
    const about = { sender: 'zz-1', boot: 7, work: 'w'.repeat(20), seq: 3 }
    const make = (messages: FuzzMessages): Uint8Array =>
      encodeClaimFrame(
        messages.pick([
          { kind: 'ask', ...about, held: true, version: undefined },
          { kind: 'announce', sender: 'zz-1', boot: 7, receivers: ['a', 'b'.repeat(50)] },
        ] as const),
      )
    let read = 0
    fuzz(2, EXECUTIONS * 0.15, make, (bytes) => {
      const frame = decodeClaimFrame(bytes)
      if (frame === undefined) return
      read++
      const said = encodeClaimFrame(frame)
      const again = decodeClaimFrame(said)
      must(again !== undefined && Buffer.compare(encodeClaimFrame(again), said) === 0, 'another claim')
    })
    expect(read).toBeGreaterThan(EXECUTIONS * 0.01)
  })

  it('is an acknowledgement that reads the same when we say it, or none', () => {
    const make = (messages: FuzzMessages): Uint8Array =>
      encodeAckFrame({
        kind: 'ask',
        sender: 'zz-1',
        request: messages.below(1000),
        deltas: [deltaOf(messages), deltaOf(messages)],
      })
    let read = 0
    fuzz(3, EXECUTIONS * 0.15, make, (bytes) => {
      const frame = decodedOrRefused(() => decodeAckFrame(bytes))
      if (frame === undefined) return
      read++
      const said = encodeAckFrame(frame)
      must(Buffer.compare(encodeAckFrame(decodeAckFrame(said)), said) === 0, 'another acknowledgement')
    })
    expect(read).toBeGreaterThan(EXECUTIONS * 0.01)
  })
})
