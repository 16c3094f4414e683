/** What the log says of a start: what this process is and was told to do, and where it can be reached, after how long. */
import type { ServeOptions } from './options/serve-options.ts'
import type { Replica } from './replica.ts'
import { type RoomLog, roomLog } from './room-log.ts'
import { VERSION } from './version.ts'

/** @param log in the name that was given or made at an earlier start, if one was */
export function tellStarting(log: Pick<RoomLog, 'info'>, options: ServeOptions): void {
  const peers = options['cluster.peer']
  log.info('starting', {
    version: VERSION,
    nodeVersion: process.version,
    pid: process.pid,
    storage: options['storage.path'],
    ...(peers.length === 0 ? {} : { peers: peers.join(',') }),
  })
}

/** @param startedMs when the start began, monotonic */
export function tellListening(replica: Replica, url: string, startedMs: number): void {
  const { entries, records } = replica.store.status()
  const log = roomLog(replica.log, 'app')
  log.info('listening', {
    url,
    gossip: replica.gossipAddress ?? 'off',
    entries,
    records,
    tookMs: Math.round(replica.clock.monotonicMs() - startedMs),
  })
}
