/**
 * One replica's state for items that need the clock in hand: the real store (in memory, or in a directory), silences and
 * notification log over it, and the delegate through which gossip comes in and goes out. Nothing is sent anywhere.
 *
 * The store sweeps on a timer of its own; here `sweep` turns that timer, so that a test never waits for a minute.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import { onTestFinished, vi } from 'vitest'
import { AlertmanagerDelegate } from '../../src/alerting/alertmanager-delegate.ts'
import { FullStateSchema, PartSchema } from '../../src/alerting/core/alertmanager_pb.ts'
import type { Silence } from '../../src/alerting/core/silence.ts'
import { NotificationLog } from '../../src/alerting/notification-log.ts'
import { Silences, type SilencesOptions } from '../../src/alerting/silences.ts'
import { ByteWriter } from '../../src/base/bytes.ts'
import { seededRandom } from '../../src/base/random.ts'
import type { Broadcast } from '../../src/gossip/core/delegate.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { StateStore } from '../../src/store/state-store.ts'
import { member } from '../support/members.ts'
import { NOW_MS } from '../support/silences.ts'

export const RETENTION_MS: number = 120 * 3_600_000
const MINUTE_MS = 60_000

export interface StateRigOptions extends Partial<SilencesOptions> {
  /** A directory; omitted: in memory. */
  readonly path?: string
}

export interface StateRig {
  readonly clock: { nowMs: number }
  readonly store: StateStore
  readonly silences: Silences
  readonly log: NotificationLog
  /** What was handed to gossip so far. */
  readonly broadcasts: readonly Broadcast[]
  /** Why records of peers were left out. */
  readonly dropped: readonly string[]
  /** Records as a push-pull with an Alertmanager brings them. */
  merge(part: 'sil' | 'nfl', ...records: readonly Uint8Array[]): void
  /** @throws when there is none */
  stored(id: string): Silence
  /** Moves the clock to the first sweep at least `ms` from now, and lets it run. */
  sweepAfter(ms: number): Promise<void>
}

export async function openStateRig(options: StateRigOptions = {}): Promise<StateRig> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const clock = { nowMs: NOW_MS }
  const wall = { monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs }
  const { path, ...silenceOptions } = options
  const store = await openStore({ ...(path === undefined ? {} : { path }), clock: wall, randomBytes })
  const retentionMs = options.retentionMs ?? RETENTION_MS
  const silences = new Silences(store.records, wall, { newId: randomUUID, ...silenceOptions, retentionMs })
  const log = new NotificationLog(store.records, wall, { retentionMs })
  const broadcasts: Broadcast[] = []
  const dropped: string[] = []
  const delegate = new AlertmanagerDelegate({
    name: 'self',
    random: seededRandom(1),
    schedule: (task) => void setImmediate(task),
    wallMs: wall.wallMs,
    requestExchange: () => undefined,
    store,
    records: store.records,
    broadcaster: {
      broadcast: (broadcast) => void broadcasts.push(broadcast),
      sendReliable: () => undefined,
      members: () => [member('am', 'foreign')],
    },
    note: () => undefined,
    dropped: (reason) => void dropped.push(reason),
  })
  // The first sweep, of what expired before.
  await turns()
  store.onCommitted((deltas) => delegate.committed(deltas))
  onTestFinished(async () => {
    silences.close()
    await store.close()
    vi.useRealTimers()
  })
  return {
    clock,
    store,
    silences,
    log,
    broadcasts,
    dropped,
    merge: (part, ...records) => {
      const state = foreignState(part, records)
      delegate.mergeRemoteState(state, {
        join: false,
        remoteState: undefined,
        peer: 'am',
        peerClass: 'foreign',
      })
    },
    stored: (id) => {
      const silence = silences.get(id)
      if (silence === undefined) throw new Error(`no silence ${id}`)
      return silence
    },
    sweepAfter: async (ms) => {
      clock.nowMs = Math.ceil((clock.nowMs + ms) / MINUTE_MS) * MINUTE_MS
      vi.advanceTimersByTime(1000)
      await turns()
    },
  }
}

/** What a sweep found is committed in a later turn. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Another reader of the same store, as after a restart. */
export function silencesOf(rig: StateRig): Silences {
  const { store, clock } = rig
  const wall = { monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs }
  return new Silences(store.records, wall, { retentionMs: RETENTION_MS, newId: randomUUID })
}

function foreignState(key: string, records: readonly Uint8Array[]): Uint8Array {
  const data = new ByteWriter()
  for (const record of records) data.bytes(record)
  const parts = [create(PartSchema, { key, data: data.finish() })]
  return toBinary(FullStateSchema, create(FullStateSchema, { parts }))
}
