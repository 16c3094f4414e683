/**
 * What an embedded replica can be told, and the checks of it. JavaScript callers are not held by the types, and an option
 * that is misspelt would leave a replica in memory only, or unencrypted; so unknown names are refused.
 */
import type { Logger } from 'pino'
import { ALERTS_BYTES_LEAST, ALERTS_BYTES_MOST, ALERTS_MAX_MOST } from '../alerting/alerts.ts'
import { RECORD_BYTES_MAX } from '../alerting/core/admission.ts'
import { SILENCES_MAX, type SilenceLimits } from '../alerting/core/silence-limits.ts'
import { parseDuration } from '../base/duration.ts'
import { isNetwork } from '../gossip/io/allowed-networks.ts'
import { Keyring } from '../gossip/wire/keyring.ts'
import { STORE_LIMITS_MAX, type StoreLimits } from '../store/store-limits.ts'
import { parseKey } from './gossip-key.ts'
import { checkOptionNames, optionInvalid } from './option-names.ts'
import type { AlertLimits } from './replica-options.ts'

/** Versions of a delegate's own protocol that peers must have in common: lowest, highest, spoken. */
export type DelegateVersion = readonly [min: number, max: number, current: number]

/** How a replica takes part in gossip. */
export interface GossipSettings {
  /** `host:port`; port 0 draws a free one. What listens beyond loopback can be read and written by whoever reaches it. */
  readonly listen: string
  /** `host:port` each; all addresses behind a name are tried. */
  readonly peers?: readonly string[]
  /**
   * Whether plaintext is refused while there are `keys`; false only while a cluster is being moved to encryption. Default
   * true, as the next.
   */
  readonly verifyIncoming?: boolean
  /** Whether what is sent is encrypted while there are `keys`. */
  readonly verifyOutgoing?: boolean
  /** Networks such as `10.0.0.0/8`: members with an address outside them are not admitted. Default: any. */
  readonly allowedNetworks?: readonly string[]
  /** IP that others dial, when it is not the one listened on. */
  readonly advertise?: string
  /** What is shared with members that are no hearsay replicas: silences with Alertmanagers (the default), or nothing. */
  readonly foreignState?: 'alertmanager' | 'none'
  /** Default `[0, 0, 0]`, as Alertmanager's. Members whose versions exclude each other's do not see one another. */
  readonly delegateVersion?: DelegateVersion
  /**
   * While an Alertmanager is a live member: what each member that sorts before this one costs in waiting before a
   * notification, such as `5s`. Default `15s`; as `--cluster.peer-timeout` of the Alertmanagers.
   */
  readonly peerTimeout?: string
}

/** How a replica serves HTTP. */
export interface HttpSettings {
  /** `host:port`; port 0 draws a free one. Anybody who reaches it may read and write, unless `webConfigFile` says otherwise. */
  readonly listen: string
  /** TLS and users, in the format of Prometheus' exporter toolkit; followed while the replica runs. */
  readonly webConfigFile?: string
}

/** Bounds on what is written at this replica; sizes are bytes. */
export interface LimitSettings {
  /** Keys and set members, as UTF-8. */
  readonly keyBytes?: number
  readonly valueBytes?: number
  /** Operations of one batch. */
  readonly batchOps?: number
  /** Keys and values of one batch. */
  readonly batchBytes?: number
  /** Values, set members and records, beyond which no new one is taken. */
  readonly entries?: number
  /** Silences, expired ones among them, beyond which none is created; 0, the default, for no limit. */
  readonly silences?: number
  /** Record of a silence created here, without the second copy of its matchers; 0, the default, for no limit. */
  readonly silenceBytes?: number
  /** Alerts held, resolved ones among them, beyond which no new one is taken. */
  readonly alerts?: number
  /** What these may take. */
  readonly alertsBytes?: number
}

/** What `openReplica` takes; all of it optional. */
export interface OpenReplicaOptions {
  /** Where the state lives, in a subfolder `hearsay`. Omitted: in memory only. */
  readonly dataDir?: string
  /** Name among the peers; unique. Default: generated once and kept in `dataDir`. */
  readonly name?: string
  /** Keeps clusters apart by mistake; not a secret. Alertmanager's `--cluster.label`. */
  readonly label?: string
  /**
   * Gossip encryption keys, base64 of 16, 24 or 32 bytes each: the first encrypts, all of them open. The same on all
   * members; `replica.keys` rotates them. Omitted: plaintext.
   */
  readonly keys?: readonly string[]
  /** Omitted: no peers, no sockets. */
  readonly gossip?: GossipSettings
  /** The HTTP API in this process. Omitted: none. */
  readonly http?: HttpSettings
  /** Of what is written here; see docs/reference/flags.md for the defaults and how far they go. */
  readonly limits?: LimitSettings
  /** A pino logger. Default: nothing is logged. */
  readonly log?: Logger
}

const PEER_TIMEOUT_MS_MAX = 3_600_000
const OPTIONS = ['dataDir', 'name', 'label', 'keys', 'gossip', 'http', 'limits', 'log']
const GOSSIP_OPTIONS = [
  'listen',
  'peers',
  'verifyIncoming',
  'verifyOutgoing',
  'allowedNetworks',
  'advertise',
  'foreignState',
  'delegateVersion',
  'peerTimeout',
]
const HTTP_OPTIONS = ['listen', 'webConfigFile']

const STORE_LIMITS = {
  keyBytes: 'keyBytesMax',
  valueBytes: 'valueBytesMax',
  batchOps: 'batchOpsMax',
  batchBytes: 'batchBytesMax',
  entries: 'entriesMax',
} as const satisfies Readonly<Partial<Record<keyof LimitSettings, keyof StoreLimits>>>
/** Least and most. */
const ALERT_LIMITS = {
  alerts: [1, ALERTS_MAX_MOST],
  alertsBytes: [ALERTS_BYTES_LEAST, ALERTS_BYTES_MOST],
} as const satisfies Readonly<Partial<Record<keyof LimitSettings, readonly [number, number]>>>
const SILENCE_LIMITS_MAX = { silences: SILENCES_MAX, silenceBytes: RECORD_BYTES_MAX } as const

/** What the settings mean to the store. */
export function storeLimits(settings: LimitSettings): Partial<StoreLimits> {
  const names = Object.keys(STORE_LIMITS) as (keyof typeof STORE_LIMITS)[]
  return Object.fromEntries(
    names.filter((name) => settings[name] !== undefined).map((name) => [STORE_LIMITS[name], settings[name]]),
  )
}

/** What they mean to silences. */
export function silenceLimits({ silences = 0, silenceBytes = 0 }: LimitSettings): SilenceLimits {
  return { silencesMax: silences, silenceBytesMax: silenceBytes }
}

/** What they mean to alerts. */
export function alertLimits({ alerts, alertsBytes }: LimitSettings): AlertLimits {
  return {
    ...(alerts === undefined ? {} : { alertsMax: alerts }),
    ...(alertsBytes === undefined ? {} : { bytesMax: alertsBytes }),
  }
}

/** @throws HearsayError `OPTION_INVALID`, naming the option; `GOSSIP_KEY_INVALID`, `GOSSIP_KEYS_TOO_MANY` */
export function checkOptions(options: OpenReplicaOptions): void {
  const { gossip, http, keys, limits } = options
  checkOptionNames('', options, OPTIONS)
  if (gossip !== undefined) checkOptionNames('gossip.', gossip, GOSSIP_OPTIONS)
  if (http !== undefined) checkOptionNames('http.', http, HTTP_OPTIONS)
  if (limits !== undefined) checkLimits(limits)
  if (keys !== undefined) {
    if (gossip === undefined) throw optionInvalid('keys', 'encrypt gossip, and there is no gossip')
    embeddedRing(keys)
  }
  if (options.name === '') throw optionInvalid('name', 'must not be empty')
  if (options.dataDir === '')
    throw optionInvalid('dataDir', 'must not be empty; leave it out for memory only')
  if (gossip === undefined) return
  if (gossip.foreignState !== undefined && !['alertmanager', 'none'].includes(gossip.foreignState)) {
    throw optionInvalid('gossip.foreignState', "must be 'alertmanager' or 'none'")
  }
  for (const name of ['verifyIncoming', 'verifyOutgoing'] as const) {
    if (!['boolean', 'undefined'].includes(typeof gossip[name]))
      throw optionInvalid(`gossip.${name}`, 'must be true or false')
  }
  if (gossip.allowedNetworks !== undefined) checkNetworks(gossip.allowedNetworks)
  if (gossip.delegateVersion !== undefined) checkVersion(gossip.delegateVersion)
  if (gossip.peerTimeout !== undefined) peerTimeoutMs(gossip.peerTimeout)
}

/** @throws HearsayError `OPTION_INVALID`, `DURATION_MALFORMED` */
export function peerTimeoutMs(text: string): number {
  const timeoutMs = typeof text === 'string' ? parseDuration(text) : Number.NaN
  if (timeoutMs <= PEER_TIMEOUT_MS_MAX) return timeoutMs
  throw optionInvalid('gossip.peerTimeout', 'must be text such as 15s, and at most 1h')
}

/**
 * The ring of `keys`. No keys at all are refused, since a list that came out empty by mistake would mean plaintext.
 * @throws HearsayError `OPTION_INVALID`, `GOSSIP_KEY_INVALID`, `GOSSIP_KEYS_TOO_MANY`
 */
export function embeddedRing(keys: readonly string[]): Keyring {
  if (!isTexts(keys) || keys.length === 0) {
    throw optionInvalid('keys', 'must be a list of at least one base64 text; leave it out for plaintext')
  }
  return new Keyring(keys.map(parseKey))
}

function checkNetworks(networks: readonly string[]): void {
  const form = 'must be a list of networks such as 10.0.0.0/8'
  if (!isTexts(networks) || networks.length === 0) throw optionInvalid('gossip.allowedNetworks', form)
  for (const network of networks) {
    if (!isNetwork(network)) throw optionInvalid('gossip.allowedNetworks', form)
  }
}

function isTexts(list: unknown): boolean {
  return Array.isArray(list) && list.every((item) => typeof item === 'string')
}

function checkLimits(limits: LimitSettings): void {
  const bounds = new Map<string, readonly [min: number, max: number]>([
    ...Object.entries(STORE_LIMITS).map(([name, bound]) => [name, [1, STORE_LIMITS_MAX[bound]]] as const),
    ...Object.entries(SILENCE_LIMITS_MAX).map(([name, max]) => [name, [0, max]] as const),
    ...Object.entries(ALERT_LIMITS),
  ])
  checkOptionNames('limits.', limits, [...bounds.keys()])
  for (const [name, [min, max]] of bounds) {
    if (!Object.hasOwn(limits, name)) continue
    const limit = limits[name as keyof LimitSettings] ?? Number.NaN
    if (!(Number.isInteger(limit) && limit >= min && limit <= max)) {
      throw optionInvalid(`limits.${name}`, `must be a whole number from ${min} to ${max}`)
    }
  }
}

function checkVersion(version: readonly number[]): void {
  const [min = 0, max = 0, current = 0] = version
  const isByte = version.every((part) => Number.isInteger(part) && part >= 0 && part <= 255)
  if (version.length !== 3 || !isByte || min > current || current > max) {
    throw optionInvalid(
      'gossip.delegateVersion',
      'must be [min, max, current], bytes with min <= current <= max',
    )
  }
}
