/**
 * The one list of options: flags, environment names, the configuration file, `--help`, validation and
 * docs/reference/flags.md all come from it. The order is that of a first run, and of the help text.
 *
 * The compiler holds the list complete: every field of `ServeOptions` has exactly one entry with a default of its type.
 */
import {
  ALERTS_BYTES_LEAST,
  ALERTS_BYTES_MAX,
  ALERTS_BYTES_MOST,
  ALERTS_MAX,
  ALERTS_MAX_MOST,
} from '../../alerting/alerts.ts'
import { RECORD_BYTES_MAX } from '../../alerting/core/admission.ts'
import { SILENCES_MAX } from '../../alerting/core/silence-limits.ts'
import { DEFAULT_STORE_LIMITS, STORE_LIMITS_MAX, type StoreLimits } from '../../store/store-limits.ts'
import type { OptionName, ServeOptions } from './serve-options.ts'
import { WEB_OPTIONS } from './web-option-schema.ts'

export type OptionGroup = 'Storage' | 'Web' | 'Shutdown' | 'Cluster' | 'Limits' | 'Logging' | 'Configuration'

/** `count` is a whole number; `address-or-empty` is an address that may also be empty; `peer-list` has a `host:port` or a bare name for SRV lookup each, `network-list` CIDR, `origin-list` an origin such as `https://ui.example.org`. */
export type OptionType =
  | 'string'
  | 'key-path'
  | 'duration'
  | 'count'
  | 'bool'
  | 'enum'
  | 'address'
  | 'address-or-empty'
  | 'peer-list'
  | 'network-list'
  | 'origin-list'

export interface OptionDescriptor<T = ServeOptions[OptionName]> {
  readonly type: OptionType
  readonly default: T
  readonly group: OptionGroup
  /** One sentence without a full stop; the default and the environment name are added where it is shown. */
  readonly help: string
  /** Placeholder in the help text. */
  readonly placeholder?: string
  /** Members of an enum. */
  readonly values?: readonly string[]
  /** Least and greatest duration, in ms. */
  readonly minMs?: number
  readonly maxMs?: number
  /** Least and greatest count. */
  readonly min?: number
  readonly max?: number
  /** Longest text, in UTF-8 bytes. */
  readonly bytesMax?: number
}

export type OptionSchema = { readonly [Name in OptionName]: OptionDescriptor<ServeOptions[Name]> }

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const storage = {
  'storage.path': {
    type: 'string',
    default: 'data/',
    group: 'Storage',
    placeholder: 'DIR',
    help: 'Directory for the state; the store lives in its subfolder hearsay/',
  },
  'data.retention': {
    type: 'duration',
    default: 120 * HOUR,
    group: 'Storage',
    minMs: MINUTE,
    maxMs: 3650 * DAY,
    help: 'How long an expired silence is kept',
  },
} as const

const clusterAddresses = {
  'cluster.listen-address': {
    type: 'address-or-empty',
    default: '127.0.0.1:9094',
    group: 'Cluster',
    placeholder: 'HOST:PORT',
    help: 'Where gossip listens, UDP and TCP; empty turns clustering off',
  },
  'cluster.advertise-address': {
    type: 'address',
    default: undefined,
    group: 'Cluster',
    placeholder: 'IP:PORT',
    help: 'What peers dial, when that is not the listen address',
  },
  'cluster.peer': {
    type: 'peer-list',
    default: [],
    group: 'Cluster',
    placeholder: 'HOST:PORT',
    help: 'A peer to join; repeatable. A name without port is looked up as SRV, then as A/AAAA',
  },
  'cluster.peer-name': {
    type: 'string',
    default: undefined,
    group: 'Cluster',
    placeholder: 'NAME',
    bytesMax: 128,
    help: 'Name in the cluster; default a generated one, kept on disk',
  },
  'cluster.label': {
    type: 'string',
    default: '',
    group: 'Cluster',
    placeholder: 'TEXT',
    bytesMax: 255,
    help: 'Packets and streams without this label are dropped, so that clusters do not mix by accident',
  },
  'cluster.allow-plaintext': {
    type: 'bool',
    default: false,
    group: 'Cluster',
    help: 'Gossip beyond loopback without encryption, as Alertmanager clusters do',
  },
} as const

const clusterProtection = {
  'cluster.key-file': {
    type: 'key-path',
    default: undefined,
    group: 'Cluster',
    placeholder: 'FILE',
    help: 'Encrypts gossip: one base64 key a line, the first is primary; read again when it changes. `hearsay keys generate` makes one',
  },
  'cluster.verify-incoming': {
    type: 'bool',
    default: true,
    group: 'Cluster',
    help: 'With a key file: refuse plaintext gossip; off only while a cluster is moved to encryption',
  },
  'cluster.verify-outgoing': {
    type: 'bool',
    default: true,
    group: 'Cluster',
    help: 'With a key file: encrypt what is sent; off only while a cluster is moved to encryption',
  },
  'cluster.allowed-networks': {
    type: 'network-list',
    default: [],
    group: 'Cluster',
    placeholder: 'CIDR',
    help: 'Members with an address outside these networks are not admitted; repeatable',
  },
} as const

/** An option for a length of time in the cluster group. */
function timing(help: string, defaultMs: number, minMs: number, maxMs: number): OptionDescriptor<number> {
  return { type: 'duration', default: defaultMs, group: 'Cluster', help, minMs, maxMs }
}

const clusterTimes = {
  'cluster.gossip-interval': timing('Between two rounds of gossip', 200, 10, MINUTE),
  'cluster.pushpull-interval': timing(
    'Between two exchanges of state with one random peer; 0 turns them off',
    MINUTE,
    0,
    DAY,
  ),
  'cluster.probe-interval': timing('Between two probes of a peer', SECOND, 50, HOUR),
  'cluster.probe-timeout': timing('Wait for a direct ack before other peers are asked', 500, 10, HOUR),
  'cluster.tcp-timeout': timing('Longest dial, read or write of a stream', 10 * SECOND, 100, HOUR),
  'cluster.settle-timeout': timing(
    'Longest wait for a first exchange with every reachable peer before the replica is ready',
    MINUTE,
    0,
    HOUR,
  ),
  'cluster.reconnect-interval': timing(
    'Longest wait between two calls on a lost peer',
    10 * SECOND,
    100,
    DAY,
  ),
  'cluster.reconnect-timeout': timing(
    'How long a lost peer is tried, and counts for ack=majority and all',
    6 * HOUR,
    0,
    365 * DAY,
  ),
  'cluster.peer-timeout': timing(
    'How long a notifier waits for each peer before it in order',
    15 * SECOND,
    0,
    HOUR,
  ),
  'cluster.max-clock-skew': timing(
    'Entries stamped further ahead than this are parked until due',
    10 * SECOND,
    0,
    HOUR,
  ),
} as const

/** An option for a bound on what is stored. */
function limit(help: string, bound: keyof StoreLimits): OptionDescriptor<number> {
  const max = STORE_LIMITS_MAX[bound]
  return { type: 'count', default: DEFAULT_STORE_LIMITS[bound], group: 'Limits', help, min: 1, max }
}

function silenceLimit(help: string, max: number): OptionDescriptor<number> {
  return { type: 'count', default: 0, group: 'Limits', help, min: 0, max }
}

const limits = {
  'limits.key-bytes': limit('Longest key or set member, in bytes of UTF-8', 'keyBytesMax'),
  'limits.value-bytes': limit('Largest value, in bytes', 'valueBytesMax'),
  'limits.batch-ops': limit('Most operations of one batch', 'batchOpsMax'),
  'limits.batch-bytes': limit('Most bytes of keys and values of one batch', 'batchBytesMax'),
  'limits.entries': limit(
    'Values, set members and records beyond which no new one is taken by this replica',
    'entriesMax',
  ),
  'limits.alerts': {
    type: 'count',
    default: ALERTS_MAX,
    group: 'Limits',
    min: 1,
    max: ALERTS_MAX_MOST,
    help: 'Alerts that this replica holds in memory; further ones are refused',
  },
  'limits.alerts-bytes': {
    type: 'count',
    default: ALERTS_BYTES_MAX,
    group: 'Limits',
    min: ALERTS_BYTES_LEAST,
    max: ALERTS_BYTES_MOST,
    help: 'Bytes that they may take',
  },
  'silences.max-silences': silenceLimit(
    'Silences, expired ones among them, beyond which this replica creates none; 0 for no limit',
    SILENCES_MAX,
  ),
  'silences.max-silence-size-bytes': silenceLimit(
    'Largest silence that this replica creates, in bytes of its record; 0 for no limit',
    RECORD_BYTES_MAX,
  ),
} as const

const logging = {
  'log.level': {
    type: 'enum',
    default: 'info',
    group: 'Logging',
    values: ['trace', 'debug', 'info', 'warn', 'error'],
    help: 'Least severity that is logged',
  },
  'log.format': {
    type: 'enum',
    default: 'logfmt',
    group: 'Logging',
    values: ['logfmt', 'json', 'pretty'],
    help: 'Form of a log line',
  },
} as const

export const OPTION_SCHEMA: OptionSchema = {
  ...storage,
  ...WEB_OPTIONS,
  ...clusterAddresses,
  ...clusterProtection,
  ...clusterTimes,
  ...limits,
  ...logging,
  'config.file': {
    type: 'string',
    default: undefined,
    group: 'Configuration',
    placeholder: 'FILE',
    help: 'YAML file with these flags as nested keys (not an Alertmanager routing file)',
  },
}

export const OPTION_NAMES: readonly OptionName[] = Object.keys(OPTION_SCHEMA) as OptionName[]

/** `cluster.peer-name` gives `HEARSAY_CLUSTER_PEER_NAME`. */
export function environmentName(name: OptionName): string {
  return `HEARSAY_${name.replaceAll(/[.-]/g, '_').toUpperCase()}`
}

/** Whether it takes several texts: a repeated flag, commas, a list in the file. */
export function isListOption(name: OptionName): boolean {
  return OPTION_SCHEMA[name].type.endsWith('-list')
}

export function isOptionName(text: string): text is OptionName {
  return Object.hasOwn(OPTION_SCHEMA, text)
}
