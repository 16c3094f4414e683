/**
 * What is noted of peers: all of it is counted, what a person has to know of is a warning, and the rest is logged at debug.
 */
import type { Logger } from 'pino'
import type { Clock } from '../base/clock.ts'
import type { Tally } from '../base/tally.ts'
import { limitedLog } from '../gossip/io/limited-log.ts'
import { roomLog } from './room-log.ts'

const WARNED_EVENTS: ReadonlySet<string> = new Set([
  'replication_state_too_large',
  'replication_wire_version_newer',
  'replication_peer_version_unsupported',
  'silence_quarantined',
])

export type PeerNote = (event: string, fields: Readonly<Record<string, string | number>>) => void

/** @param counts of the events, by name */
export function peerNotes(log: Logger, clock: Clock, counts: Tally): PeerNote {
  const limited = limitedLog(roomLog(log, 'gossip'), clock)
  return (event, fields) => {
    counts.add(event)
    limited[WARNED_EVENTS.has(event) ? 'warn' : 'debug'](event, fields)
  }
}
