/** `hearsay serve` in one call: a replica with its HTTP side, from the checked options. */
import { setTimeout } from 'node:timers/promises'
import { HearsayError } from '../base/errors.ts'
import { Alarms } from '../gossip/io/alarms.ts'
import type { Keyring } from '../gossip/wire/keyring.ts'
import type { ReloadReport } from '../http/routes/reload.ts'
import type { StoreLimits } from '../store/store-limits.ts'
import { Encryption } from './encryption.ts'
import { gossipPlace } from './gossip-place.ts'
import { KeyFile } from './key-file.ts'
import { LiveLog } from './live-log.ts'
import { guardLimits } from './options/guard-options.ts'
import { LiveOptions } from './options/live-options.ts'
import { mustAuthenticate } from './options/option-rules.ts'
import { effectiveRoutePrefix, type ResolvedOptions } from './options/options.ts'
import type { ServeOptions } from './options/serve-options.ts'
import { Reload, type ReloadDeps } from './reload.ts'
import { Replica } from './replica.ts'
import { nameSoFar } from './replica-memory.ts'
import type { ReplicaGossipOptions, ReplicaOptions } from './replica-options.ts'
import { roomLog } from './room-log.ts'
import { runShutdown, type ShutdownEnd } from './shutdown.ts'
import { type ShutdownPlan, shutdownSteps } from './shutdown-steps.ts'
import { tellListening, tellStarting } from './start-lines.ts'
import { systemClock } from './system-clock.ts'
import { openWeb } from './web.ts'
import { WebConfig } from './web-config/web-config.ts'

export interface RunningReplica {
  readonly url: string
  /** `host:port` that peers dial; undefined without clustering. */
  readonly gossipAddress: string | undefined
  /** For a person: where it listens, what peers dial, whether that is encrypted; undefined without clustering. */
  readonly gossipPlace: string | undefined
  readonly name: string
  /** How long a stop waits, as the options are now, before it takes no more connections. */
  drainDelayMs(): number
  /** Reads the configuration again. @throws HearsayError `CONFIG_INVALID`, as `Reload.run`; at once without `reread` */
  reload(): Promise<ReloadReport>
  /** The orderly stop of shutdown-steps.ts, in the time that the options give it. Never rejects. Idempotent. */
  close(): Promise<ShutdownEnd>
}

/**
 * Resolves when HTTP answers; the replica may still be settling (`/-/ready` says).
 * @throws HearsayError with the code of what failed: see KeyFile.open, openStore, Gossip.start and openWeb; nothing stays
 *   open then
 * @param reread the options as their sources are now, for a reload; default: as they were
 */
export async function startReplica(
  options: ServeOptions,
  reread: () => ResolvedOptions = () => ({ options, origins: new Map(), warnings: [] }),
): Promise<RunningReplica> {
  const live = new LiveOptions(options)
  const log = new LiveLog({ level: options['log.level'], format: options['log.format'] })
  const startedMs = systemClock.monotonicMs()
  const early = await nameSoFar(options['cluster.peer-name'], options['storage.path'])
  tellStarting(roomLog(log.logger(early), 'app'), options)
  const keyPath = options['cluster.key-file']
  const file = keyPath === undefined ? undefined : await KeyFile.open(keyPath, systemClock)
  const gossip = gossipOptions(options, file?.ring)
  const config = await openWebConfig(options)
  const replica = await Replica.open(replicaOptions(live, gossip, log))
  try {
    const protection = {
      ring: file?.ring,
      verifyIncoming: options['cluster.verify-incoming'],
      verifyOutgoing: options['cluster.verify-outgoing'],
    }
    const encryption = new Encryption({
      ...protection,
      ...(gossip === undefined ? {} : { listen: gossip.listen }),
      ...(file === undefined ? {} : { file }),
    })
    const { gossipAddress } = replica
    const place =
      gossip === undefined || gossipAddress === undefined
        ? undefined
        : gossipPlace(gossip.listen, gossipAddress, gossip.advertise !== undefined, protection)
    encryption.tell(roomLog(replica.log, 'app'))
    const reload = new Reload({ ...reloading(replica, live, log, file, config), resolve: reread })
    const web = await openWeb(replica, {
      listen: options['web.listen-address'],
      externalUrl: options['web.external-url'],
      routePrefix: effectiveRoutePrefix(options),
      guards: guardLimits(options),
      encryption,
      ...(config === undefined ? {} : { config }),
      reload,
    })
    file?.follow(roomLog(replica.log, 'app'))
    config?.follow(roomLog(replica.log, 'app'))
    tellListening(replica, web.url, startedMs)
    void replica.settle()
    let stopping: Promise<ShutdownEnd> | undefined
    const close = (): Promise<ShutdownEnd> => {
      stopping ??= stop({ replica, web, rest: () => closeAll([file, config]) }, replica, live.now)
      return stopping
    }
    const { name } = replica
    return {
      url: web.url,
      gossipAddress,
      gossipPlace: place,
      name,
      drainDelayMs: () => live.now['shutdown.drain-delay'],
      reload: () => reload.run(),
      close,
    }
  } catch (error) {
    await replica.close()
    throw error
  }
}

async function openWebConfig(options: ServeOptions): Promise<WebConfig | undefined> {
  const path = options['web.config.file']
  if (path === undefined || path === '') return undefined
  return await WebConfig.open({ path, clock: systemClock, mustAuthenticate: mustAuthenticate(options) })
}

async function closeAll(files: readonly ({ close(): Promise<void> } | undefined)[]): Promise<void> {
  await Promise.all(files.map((file) => file?.close()))
}

function stop(plan: ShutdownPlan, { clock, log }: Replica, options: ServeOptions): Promise<ShutdownEnd> {
  const [delayMs, timeoutMs] = [options['shutdown.drain-delay'], options['shutdown.timeout']]
  const drainDelay = async (): Promise<void> => await setTimeout(delayMs)
  return runShutdown(shutdownSteps({ ...plan, timeoutMs, ...(delayMs > 0 && { drainDelay }) }), {
    capMs: delayMs + timeoutMs,
    clock,
    alarms: new Alarms(clock, true),
    log: roomLog(log, 'app'),
  })
}

/** What of a reload is this replica's. */
function reloading(
  replica: Replica,
  live: LiveOptions,
  log: LiveLog,
  file: KeyFile | undefined,
  config: WebConfig | undefined,
): Omit<ReloadDeps, 'resolve'> {
  const rereadKeys = async (): Promise<void> => {
    await file?.check()
    if (file?.status.error !== undefined) throw new HearsayError('KEY_FILE_MALFORMED', file.status.error)
  }
  return {
    clock: replica.clock,
    log: roomLog(replica.log, 'app'),
    live,
    files: [
      ...(file === undefined ? [] : [{ option: 'cluster.key-file' as const, reread: rereadKeys }]),
      ...(config === undefined
        ? []
        : [{ option: 'web.config.file' as const, reread: () => config.reload() }]),
    ],
    fixed: new Set(replica.gossip === undefined ? ['cluster.peer'] : []),
    changed: (names, now) => {
      log.change({ level: now['log.level'], format: now['log.format'] })
      replica.store.changeLimits(limitsOf(now))
      if (names.has('cluster.peer')) replica.changePeers(now['cluster.peer'])
    },
  }
}

function replicaOptions(
  live: LiveOptions,
  gossip: ReplicaGossipOptions | undefined,
  log: LiveLog,
): ReplicaOptions {
  const options = live.now
  const name = options['cluster.peer-name']
  return {
    storagePath: options['storage.path'],
    ...(name === undefined ? {} : { name }),
    get retentionMs() {
      return live.now['data.retention']
    },
    maxClockSkewMs: options['cluster.max-clock-skew'],
    ...(gossip === undefined ? {} : { gossip }),
    settleTimeoutMs: options['cluster.settle-timeout'],
    peerTimeoutMs: options['cluster.peer-timeout'],
    limits: limitsOf(options),
    get silenceLimits() {
      return {
        silencesMax: live.now['silences.max-silences'],
        silenceBytesMax: live.now['silences.max-silence-size-bytes'],
      }
    },
    get alertLimits() {
      return { alertsMax: live.now['limits.alerts'], bytesMax: live.now['limits.alerts-bytes'] }
    },
    log: (node) => log.logger(node),
  }
}

function limitsOf(options: ServeOptions): Partial<StoreLimits> {
  return {
    keyBytesMax: options['limits.key-bytes'],
    valueBytesMax: options['limits.value-bytes'],
    batchOpsMax: options['limits.batch-ops'],
    batchBytesMax: options['limits.batch-bytes'],
    entriesMax: options['limits.entries'],
  }
}

function gossipOptions(
  options: ServeOptions,
  keyring: Keyring | undefined,
): ReplicaGossipOptions | undefined {
  const listen = options['cluster.listen-address']
  if (listen === '') return undefined
  const advertise = options['cluster.advertise-address']
  return {
    listen,
    ...(advertise === undefined ? {} : { advertise }),
    peers: options['cluster.peer'],
    label: options['cluster.label'],
    ...(keyring === undefined ? {} : { keyring }),
    verifyIncoming: options['cluster.verify-incoming'],
    verifyOutgoing: options['cluster.verify-outgoing'],
    ...(options['cluster.allowed-networks'].length === 0
      ? {}
      : { allowedNetworks: options['cluster.allowed-networks'] }),
    tcpTimeoutMs: options['cluster.tcp-timeout'],
    reconnectIntervalMs: options['cluster.reconnect-interval'],
    reconnectTimeoutMs: options['cluster.reconnect-timeout'],
    config: {
      gossipIntervalMs: options['cluster.gossip-interval'],
      pushPullIntervalMs: options['cluster.pushpull-interval'],
      probeIntervalMs: options['cluster.probe-interval'],
      probeTimeoutMs: options['cluster.probe-timeout'],
    },
  }
}
