/**
 * What an embedded replica can be told, and the checks of it. JavaScript callers are not held by the types, and an option
 * that is misspelt would leave a replica in memory only, or unencrypted; so unknown names are refused.
 */
import type { Logger } from 'pino'
import { HearsayError } from '../base/errors.ts'
import { STORE_LIMITS_MAX, type StoreLimits } from '../store/store-limits.ts'

/** Versions of a delegate's own protocol that peers must have in common: lowest, highest, spoken. */
export type DelegateVersion = readonly [min: number, max: number, current: number]

/** How a replica takes part in gossip. */
export interface GossipSettings {
  /** `host:port`; port 0 draws a free one. What listens beyond loopback can be read and written by whoever reaches it. */
  readonly listen: string
  /** `host:port` each; all addresses behind a name are tried. */
  readonly peers?: readonly string[]
  /** IP that others dial, when it is not the one listened on. */
  readonly advertise?: string
  /** What is shared with members that are no hearsay replicas: silences with Alertmanagers (the default), or nothing. */
  readonly foreignState?: 'alertmanager' | 'none'
  /** Default `[0, 0, 0]`, as Alertmanager's. Members whose versions exclude each other's do not see one another. */
  readonly delegateVersion?: DelegateVersion
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
}

/** What `openReplica` takes; all of it optional. */
export interface OpenReplicaOptions {
  /** Where the state lives, in a subfolder `hearsay`. Omitted: in memory only. */
  readonly dataDir?: string
  /** Name among the peers; unique. Default: generated once and kept in `dataDir`. */
  readonly name?: string
  /** Keeps clusters apart by mistake; not a secret. Alertmanager's `--cluster.label`. */
  readonly label?: string
  /** Gossip encryption keys, base64. Not available yet: refused as `OPTION_UNAVAILABLE`, rather than ignored. */
  readonly keys?: readonly string[]
  /** Omitted: no peers, no sockets. */
  readonly gossip?: GossipSettings
  /** The HTTP API in this process, on `host:port`. Omitted: none. Anybody who reaches it may read and write. */
  readonly http?: { readonly listen: string }
  /** Of what is written here; see docs/reference/flags.md for the defaults and how far they go. */
  readonly limits?: LimitSettings
  /** A pino logger. Default: nothing is logged. */
  readonly log?: Logger
}

const OPTIONS = ['dataDir', 'name', 'label', 'keys', 'gossip', 'http', 'limits', 'log']
const GOSSIP_OPTIONS = ['listen', 'peers', 'advertise', 'foreignState', 'delegateVersion']
const HTTP_OPTIONS = ['listen']

const LIMITS: Readonly<Record<keyof LimitSettings, keyof StoreLimits>> = {
  keyBytes: 'keyBytesMax',
  valueBytes: 'valueBytesMax',
  batchOps: 'batchOpsMax',
  batchBytes: 'batchBytesMax',
  entries: 'entriesMax',
}

/** What the settings mean to the store. */
export function storeLimits(settings: LimitSettings): Partial<StoreLimits> {
  const names = Object.keys(settings) as (keyof LimitSettings)[]
  return Object.fromEntries(names.map((name) => [LIMITS[name], settings[name]]))
}

/** @throws HearsayError `OPTION_INVALID`, `OPTION_UNAVAILABLE`, naming the option */
export function checkOptions(options: OpenReplicaOptions): void {
  const { gossip, http, keys, limits } = options
  checkNames('', options, OPTIONS)
  if (gossip !== undefined) checkNames('gossip.', gossip, GOSSIP_OPTIONS)
  if (http !== undefined) checkNames('http.', http, HTTP_OPTIONS)
  if (limits !== undefined) checkLimits(limits)
  if (keys !== undefined) {
    throw new HearsayError('OPTION_UNAVAILABLE', 'keys: encryption of gossip comes with a later version')
  }
  if (options.name === '') throw invalid('name', 'must not be empty')
  if (options.dataDir === '') throw invalid('dataDir', 'must not be empty; leave it out for memory only')
  if (gossip === undefined) return
  if (gossip.foreignState !== undefined && !['alertmanager', 'none'].includes(gossip.foreignState)) {
    throw invalid('gossip.foreignState', "must be 'alertmanager' or 'none'")
  }
  if (gossip.delegateVersion !== undefined) checkVersion(gossip.delegateVersion)
}

function checkLimits(limits: LimitSettings): void {
  checkNames('limits.', limits, Object.keys(LIMITS))
  for (const [name, limit] of Object.entries(limits)) {
    const max = STORE_LIMITS_MAX[LIMITS[name as keyof LimitSettings]]
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= max)) {
      throw invalid(`limits.${name}`, `must be a whole number from 1 to ${max}`)
    }
  }
}

function checkNames(prefix: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw invalid(
      `${prefix}${unknown}`,
      `is no option; there are ${known.map((name) => prefix + name).join(', ')}`,
    )
  }
}

function checkVersion(version: readonly number[]): void {
  const [min = 0, max = 0, current = 0] = version
  const isByte = version.every((part) => Number.isInteger(part) && part >= 0 && part <= 255)
  if (version.length !== 3 || !isByte || min > current || current > max) {
    throw invalid('gossip.delegateVersion', 'must be [min, max, current], bytes with min <= current <= max')
  }
}

function invalid(option: string, what: string): HearsayError {
  return new HearsayError('OPTION_INVALID', `${option} ${what}`)
}
