/**
 * The notifier of a replica, wired to its log, its members and its write concern.
 *
 * An entry counts as logged once it is on disk here and the live hearsay members had their time to say that they have it too
 * (alerting/entry-spread.ts). What cannot be written is known to the log all the same (alerting/kept-entries.ts).
 */
import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { admitNotification } from '../alerting/core/notification-admission.ts'
import { type NotificationRequest, sentFlush } from '../alerting/core/notification-rules.ts'
import { type EntrySpreadDeps, spreadEntry } from '../alerting/entry-spread.ts'
import type { NotificationLog } from '../alerting/notification-log.ts'
import type { Clock } from '../base/clock.ts'
import { errorCode } from '../base/errors.ts'
import type { Tally } from '../base/tally.ts'
import type { Member } from '../gossip/core/delegate.ts'
import type { Acknowledgements } from '../store/core/acknowledgement.ts'
import type { Delta } from '../store/core/delta.ts'
import { NotifierDriver } from './notifier-driver.ts'
import type { Replica } from './replica.ts'

export interface ReplicaNotifierDeps {
  readonly name: string
  readonly clock: Clock
  readonly logger: Logger
  readonly peerTimeoutMs: number
  readonly members: () => readonly Member[]
  readonly send: (peer: string, frame: Uint8Array) => void
  readonly settled: () => boolean
  readonly hasLeft: () => boolean
  readonly log: NotificationLog
  readonly acks: Acknowledgements
  /** Joins what has been judged, as if it had come by gossip. */
  readonly receive: (delta: Delta) => void
  /** Counts entries that not all live members had in time, and records that were refused. */
  readonly dropped: Tally
}

export function createNotifierDriver(deps: ReplicaNotifierDeps): NotifierDriver {
  const { name, clock, logger, peerTimeoutMs, members, send, settled, hasLeft, log } = deps
  const driver: NotifierDriver = new NotifierDriver({
    name,
    clock,
    log: logger,
    peerTimeoutMs,
    bootId: randomBytes(6).readUIntBE(0, 6),
    members,
    send,
    settled,
    hasLeft,
    entry: (key) => log.get(key),
    record: (key) => log.recordBytes(key),
    join: (record) => {
      const changed = joinRecord(deps, record)
      if (changed !== undefined) driver.changed(changed)
    },
    writeEntry: async (flush, sent) => {
      await spreadEntry(deps, await logged(deps, sentFlush(flush, sent)))
    },
  })
  log.watch((key) => driver.changed(key))
  return driver
}

/** @returns the key, when it is not in the log yet: the disk may take a while, or not take it at all */
function joinRecord({ log, receive, dropped }: ReplicaNotifierDeps, bytes: Uint8Array): string | undefined {
  const admission = admitNotification(bytes)
  if (admission.verdict === 'refused') {
    dropped.add(admission.reason)
    return undefined
  }
  const { put } = admission
  receive({ puts: [], adds: [], covered: [], records: [put] })
  return log.heard(put.key, put.record) ? put.key : undefined
}

async function logged(
  { log, dropped }: Pick<ReplicaNotifierDeps, 'log' | 'dropped'>,
  request: NotificationRequest,
): Promise<readonly Delta[]> {
  try {
    return (await log.record(request)).deltas
  } catch (error) {
    if (errorCode(error) !== 'NOTIFICATION_TOO_LARGE' || request.receiverData === undefined) throw error
    // Better without data than sent again and again: those of earlier notifications and these are too much together.
    dropped.add('notification_data_too_large')
    const { receiverData: _, ...bare } = request
    return logged({ log, dropped }, bare)
  }
}

/** For entries that are logged other than by the notifier. */
export function entrySpreadDeps({ name, acks, dropped, gossip }: Replica): EntrySpreadDeps {
  const members = () => gossip?.members() ?? []
  return { name, acks, dropped, members, lost: () => gossip?.lostPeers() ?? [] }
}
