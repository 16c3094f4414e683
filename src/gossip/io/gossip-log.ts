/** Where gossip tells people things; the application gives it a logger. `event` is a stable kebab-case code. */
export type LogFields = Readonly<Record<string, string | number>>

export interface GossipLog {
  debug(event: string, fields: LogFields): void
  info(event: string, fields: LogFields): void
  warn(event: string, fields: LogFields): void
}
