/**
 * What a replica can be told, checked and typed. The name of an option is its flag, everywhere: in code, on the command
 * line, in the environment, in the file and in messages, so that one search finds all of it.
 *
 * Durations are milliseconds. Addresses are `host:port` texts whose form has been checked (base/host-port.ts).
 */

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'
export type LogFormat = 'logfmt' | 'json' | 'pretty'

export interface ServeOptions {
  readonly 'config.file': string | undefined
  readonly 'storage.path': string
  readonly 'data.retention': number
  readonly 'web.listen-address': string
  readonly 'web.external-url': string | undefined
  /** Undefined: the path of `web.external-url`, else `/`. */
  readonly 'web.route-prefix': string | undefined
  readonly 'web.allow-anonymous': boolean
  /** TLS and users, in the format of Prometheus' exporter toolkit. */
  readonly 'web.config.file': string | undefined
  /** Origins whose pages may read and write; empty: none. */
  readonly 'web.cors.origin': readonly string[]
  readonly 'web.max-connections': number
  /** Being answered at once, watches left out. */
  readonly 'web.max-requests': number
  /** Requests a second of one client address; 0 for no limit. */
  readonly 'web.rate-limit': number
  /** Event-loop delay above which requests are shed; 0 sheds none. */
  readonly 'web.max-event-loop-delay': number
  /** For answering one request; watches are left out. */
  readonly 'web.timeout': number
  /** Between no longer being ready and no longer accepting. */
  readonly 'shutdown.drain-delay': number
  /** For an orderly stop, after the drain delay. */
  readonly 'shutdown.timeout': number
  /** Empty: no clustering. */
  readonly 'cluster.listen-address': string
  readonly 'cluster.advertise-address': string | undefined
  readonly 'cluster.peer': readonly string[]
  readonly 'cluster.peer-name': string | undefined
  readonly 'cluster.label': string
  readonly 'cluster.gossip-interval': number
  readonly 'cluster.pushpull-interval': number
  readonly 'cluster.probe-interval': number
  readonly 'cluster.probe-timeout': number
  readonly 'cluster.tcp-timeout': number
  readonly 'cluster.settle-timeout': number
  readonly 'cluster.reconnect-interval': number
  readonly 'cluster.reconnect-timeout': number
  readonly 'cluster.peer-timeout': number
  readonly 'cluster.max-clock-skew': number
  readonly 'cluster.allow-plaintext': boolean
  readonly 'cluster.key-file': string | undefined
  readonly 'cluster.verify-incoming': boolean
  readonly 'cluster.verify-outgoing': boolean
  /** CIDR each; empty: any. */
  readonly 'cluster.allowed-networks': readonly string[]
  readonly 'limits.key-bytes': number
  readonly 'limits.value-bytes': number
  readonly 'limits.batch-ops': number
  readonly 'limits.batch-bytes': number
  readonly 'limits.entries': number
  /** Alerts held here, and their bytes. */
  readonly 'limits.alerts': number
  readonly 'limits.alerts-bytes': number
  /** 0 for none, as the next. */
  readonly 'silences.max-silences': number
  readonly 'silences.max-silence-size-bytes': number
  readonly 'log.level': LogLevel
  readonly 'log.format': LogFormat
}

export type OptionName = keyof ServeOptions
