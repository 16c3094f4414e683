/** `hearsay serve` in one call: a replica with its HTTP side, from the checked options. */
import { setTimeout } from 'node:timers/promises'
import { Alarms } from '../gossip/io/alarms.ts'
import type { Keyring } from '../gossip/wire/keyring.ts'
import type { StoreLimits } from '../store/store-limits.ts'
import { Encryption } from './encryption.ts'
import { gossipPlace } from './gossip-place.ts'
import { KeyFile } from './key-file.ts'
import { createLogger } from './logger.ts'
import { mustAuthenticate } from './option-rules.ts'
import { effectiveRoutePrefix } from './options.ts'
import { Replica } from './replica.ts'
import type { ReplicaGossipOptions, ReplicaOptions } from './replica-options.ts'
import { roomLog } from './room-log.ts'
import type { ServeOptions } from './serve-options.ts'
import { runShutdown, type ShutdownEnd } from './shutdown.ts'
import { type ShutdownPlan, shutdownSteps } from './shutdown-steps.ts'
import { systemClock } from './system-clock.ts'
import { openWeb } from './web.ts'
import { WebConfig } from './web-config.ts'

export interface RunningReplica {
  readonly url: string
  /** `host:port` that peers dial; undefined without clustering. */
  readonly gossipAddress: string | undefined
  /** For a person: where it listens, what peers dial, whether that is encrypted; undefined without clustering. */
  readonly gossipPlace: string | undefined
  readonly name: string
  /** The orderly stop of shutdown-steps.ts, in the time that the options give it. Never rejects. Idempotent. */
  close(): Promise<ShutdownEnd>
}

/**
 * Resolves when HTTP answers; the replica may still be settling (`/-/ready` says).
 * @throws HearsayError with the code of what failed: see KeyFile.open, openStore, Gossip.start and openWeb; nothing stays
 *   open then
 */
export async function startReplica(options: ServeOptions): Promise<RunningReplica> {
  const keyPath = options['cluster.key-file']
  const file = keyPath === undefined ? undefined : await KeyFile.open(keyPath, systemClock)
  const gossip = gossipOptions(options, file?.ring)
  const config = await openWebConfig(options)
  const replica = await Replica.open(replicaOptions(options, gossip))
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
    const web = await openWeb(replica, {
      listen: options['web.listen-address'],
      externalUrl: options['web.external-url'],
      routePrefix: effectiveRoutePrefix(options),
      encryption,
      ...(config === undefined ? {} : { config }),
    })
    file?.follow(roomLog(replica.log, 'app'))
    config?.follow(roomLog(replica.log, 'app'))
    void replica.settle()
    let stopping: Promise<ShutdownEnd> | undefined
    const close = (): Promise<ShutdownEnd> => {
      stopping ??= stop({ replica, web, rest: () => closeAll([file, config]) }, replica, options)
      return stopping
    }
    return { url: web.url, gossipAddress, gossipPlace: place, name: replica.name, close }
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

function replicaOptions(options: ServeOptions, gossip: ReplicaGossipOptions | undefined): ReplicaOptions {
  const name = options['cluster.peer-name']
  return {
    storagePath: options['storage.path'],
    ...(name === undefined ? {} : { name }),
    retentionMs: options['data.retention'],
    maxClockSkewMs: options['cluster.max-clock-skew'],
    ...(gossip === undefined ? {} : { gossip }),
    settleTimeoutMs: options['cluster.settle-timeout'],
    peerTimeoutMs: options['cluster.peer-timeout'],
    limits: limitsOf(options),
    silenceLimits: {
      silencesMax: options['silences.max-silences'],
      silenceBytesMax: options['silences.max-silence-size-bytes'],
    },
    log: (node) => createLogger({ level: options['log.level'], format: options['log.format'], node }),
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
