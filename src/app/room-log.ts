/** Gives a room its small log interface over pino, each line marked with the room and the event. */
import type { Logger } from 'pino'

type Fields = Readonly<Record<string, string | number>>

export interface RoomLog {
  debug(event: string, fields: Fields): void
  info(event: string, fields: Fields): void
  warn(event: string, fields: Fields): void
}

/** @param log or who knows it, asked for each line: a room may be older than the replica's name */
export function roomLog(log: Logger | (() => Logger), component: string): RoomLog {
  const now = typeof log === 'function' ? log : (): Logger => log
  return {
    debug: (event, fields) => now().debug({ component, event, ...renamed(fields) }),
    info: (event, fields) => now().info({ component, event, ...renamed(fields) }),
    warn: (event, fields) => now().warn({ component, event, ...renamed(fields) }),
  }
}

/** `node` is who logs, on every line; the gossip machine's `node` is the member it talks about. */
function renamed(fields: Fields): Fields {
  const { node, ...others } = fields
  return node === undefined ? fields : { ...others, member: node }
}
