/**
 * hearsay as a library: a replica inside the caller's process, with the same state, gossip and durability as `serve`.
 *
 * Nothing happens on import. Several replicas may live in one process; `close()` leaves the process free to exit.
 */
import { pino } from 'pino'
import { parseDuration } from '../base/duration.ts'
import { lanDefaults } from '../gossip/core/config.ts'
import type { Keyring } from '../gossip/wire/keyring.ts'
import {
  alertLimits,
  checkOptions,
  embeddedRing,
  type GossipSettings,
  type OpenReplicaOptions,
  peerTimeoutMs,
  silenceLimits,
  storeLimits,
} from './embed-options.ts'
import { EmbeddedReplica } from './embedded-replica.ts'
import { Encryption } from './encryption.ts'
import { Replica } from './replica.ts'
import type { ReplicaGossipOptions } from './replica-options.ts'
import { roomLog } from './room-log.ts'
import { systemClock } from './system-clock.ts'
import { openWeb, type Web } from './web.ts'
import { WebConfig } from './web-config/web-config.ts'

const RETENTION = '120h'
const MAX_CLOCK_SKEW = '10s'
const SETTLE_TIMEOUT = '60s'

/**
 * Resolves when the state is read and sockets are bound; `ready()` when peers have been heard.
 * @throws HearsayError with the code of what failed: `OPTION_INVALID`, `GOSSIP_KEY_INVALID`, `STORE_LOCKED`,
 *   `OPTIONS_INVALID` (the web config), `STORE_NOT_OURS`, `STORE_DAMAGED`, `STORE_UNREADABLE`, `GOSSIP_PORT_BUSY`, `HTTP_PORT_BUSY`, ...; nothing is left
 *   open then
 */
export async function openReplica(options: OpenReplicaOptions = {}): Promise<EmbeddedReplica> {
  checkOptions(options)
  const { dataDir, name, label = '', keys, gossip, http, limits, log = pino({ level: 'silent' }) } = options
  const ring = keys === undefined ? undefined : embeddedRing(keys)
  const { verifyIncoming = true, verifyOutgoing = true } = gossip ?? {}
  const config = await webConfig(http)
  const replica = await Replica.open({
    ...(dataDir === undefined ? {} : { storagePath: dataDir }),
    ...(name === undefined ? {} : { name }),
    retentionMs: parseDuration(RETENTION),
    maxClockSkewMs: parseDuration(MAX_CLOCK_SKEW),
    settleTimeoutMs: parseDuration(SETTLE_TIMEOUT),
    ...(limits === undefined
      ? {}
      : {
          limits: storeLimits(limits),
          silenceLimits: silenceLimits(limits),
          alertLimits: alertLimits(limits),
        }),
    ...(gossip === undefined ? {} : { gossip: gossipOptions(gossip, label, ring) }),
    ...(gossip?.foreignState === undefined ? {} : { foreignState: gossip.foreignState }),
    ...(gossip?.peerTimeout === undefined ? {} : { peerTimeoutMs: peerTimeoutMs(gossip.peerTimeout) }),
    log: (node) => log.child({ node }),
  })
  try {
    const web =
      http === undefined
        ? undefined
        : await openWeb(replica, {
            listen: http.listen,
            ...(config === undefined ? {} : { config }),
            externalUrl: undefined,
            routePrefix: '/',
            encryption: new Encryption({
              ring,
              verifyIncoming,
              verifyOutgoing,
              ...(gossip === undefined ? {} : { listen: gossip.listen }),
            }),
          })
    config?.follow(roomLog(replica.log, 'app'))
    return new EmbeddedReplica(replica, withConfig(web, config), ring, replica.settle())
  } catch (error) {
    await replica.close()
    throw error
  }
}

async function webConfig(http: OpenReplicaOptions['http']): Promise<WebConfig | undefined> {
  if (http?.webConfigFile === undefined) return undefined
  return await WebConfig.open({ path: http.webConfigFile, clock: systemClock, mustAuthenticate: false })
}

/** One end for both. */
function withConfig(web: Web | undefined, config: WebConfig | undefined): Web | undefined {
  if (web === undefined || config === undefined) return web
  const close = async (): Promise<void> => void (await Promise.all([web.close(), config.close()]))
  return { ...web, close }
}

function gossipOptions(
  gossip: GossipSettings,
  label: string,
  keyring: Keyring | undefined,
): ReplicaGossipOptions {
  const { listen, peers, advertise, delegateVersion, verifyIncoming, verifyOutgoing, allowedNetworks } =
    gossip
  return {
    listen,
    label,
    ...(keyring === undefined ? {} : { keyring }),
    ...(verifyIncoming === undefined ? {} : { verifyIncoming }),
    ...(verifyOutgoing === undefined ? {} : { verifyOutgoing }),
    ...(allowedNetworks === undefined ? {} : { allowedNetworks }),
    ...(peers === undefined ? {} : { peers }),
    ...(advertise === undefined ? {} : { advertise }),
    ...(delegateVersion === undefined
      ? {}
      : { config: { vsn: Uint8Array.of(...lanDefaults().vsn.subarray(0, 3), ...delegateVersion) } }),
  }
}
