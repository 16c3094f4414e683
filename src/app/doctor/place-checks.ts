/**
 * What the doctor looks at where a replica runs, or is to run, by the options that it has: place, ports, peers and process.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { counted } from '../../base/counted.ts'
import { parseHostPort } from '../../base/host-port.ts'
import { aesGcm } from '../../gossip/io/aes-gcm.ts'
import type { Framing } from '../../gossip/io/framing.ts'
import { resolvePeerAddress, systemLookup } from '../../gossip/io/peer-addresses.ts'
import { resolvePeerName, systemServiceLookup } from '../../gossip/io/peer-names.ts'
import { Keyring } from '../../gossip/wire/keyring.ts'
import { storeFolderAt } from '../../store/store-folder.ts'
import { keysOfText } from '../key-file-text.ts'
import type { ServeOptions } from '../options/serve-options.ts'
import { peerAddress, readPeerFile } from '../peer-file.ts'
import { loadWebConfig } from '../web-config/web-config-files.ts'
import { dataDirectoryCheck } from './data-directory-check.ts'
import { type Check, type Finding, fail, ok } from './finding.ts'
import { NamelessPings } from './gossip-probe.ts'
import { httpHolder } from './http-holder.ts'
import { peerCheck } from './peer-check.ts'
import { type PortHolder, type PortKind, portCheck, tryBind } from './port-check.ts'
import { holdsPort } from './port-owner.ts'
import { processCheck } from './process-check.ts'
import { storeHolder } from './store-lock.ts'

/** With a stream and packets after it within the time of a check. */
const RESOLVE_TIMEOUT_MS = 2000
/** Of an earlier run, the likeliest to be there first. */
const REMEMBERED_MAX = 8

/** @throws nothing: what cannot be read is a check that fails */
export async function placeChecks(options: ServeOptions, clock: Clock): Promise<readonly Check[]> {
  const monotonicMs = (): number => clock.monotonicMs()
  return [
    dataDirectoryCheck(options['storage.path'], monotonicMs),
    portCheck({
      name: 'http port',
      flag: '--web.listen-address',
      listen: options['web.listen-address'],
      kinds: ['tcp'],
      bind: tryBind,
      holder: (host, port) => httpHolder(options['web.config.file'] !== undefined, host, port),
      isOurs: (kind, port) => isOurs(options, kind, port),
    }),
    ...webConfigChecks(options['web.config.file']),
    ...(options['cluster.listen-address'] === '' ? [] : await gossipChecks(options, clock)),
    processCheck(options['web.max-connections']),
  ]
}

function webConfigChecks(path: string | undefined): readonly Check[] {
  if (path === undefined || path === '') return []
  const name = 'web config'
  const run = (): Promise<readonly Finding[]> =>
    loadWebConfig(path).then(
      () => [ok(name, path, 'valid')],
      (error: Error) => [fail(name, path, error.message, 'correct it (docs/reference/web-config.md)')],
    )
  return [{ name, subject: path, run }]
}

async function gossipChecks(options: ServeOptions, clock: Clock): Promise<readonly Check[]> {
  const { 'cluster.listen-address': listen, 'cluster.label': label, 'cluster.key-file': keyFile } = options
  const keys = await keyringOf(keyFile)
  if ('check' in keys) return [keys.check]
  const encryption = keys.ring && {
    keyring: keys.ring,
    aead: aesGcm,
    verifyIncoming: options['cluster.verify-incoming'],
    verifyOutgoing: options['cluster.verify-outgoing'],
  }
  const framing: Framing = { label, compress: false, encryption }
  const probe = new NamelessPings(clock, framing)
  const gossipHolder = async (host: string, port: number): Promise<PortHolder | undefined> => {
    const [endpoint] = await resolvePeerAddress({ host, port }, systemLookup, RESOLVE_TIMEOUT_MS)
    const answer = endpoint === undefined ? undefined : await probe.byStream(endpoint)
    if (answer === undefined || !('rttMs' in answer)) return undefined
    const isReplica = answer.clockOffsetMs !== undefined
    return { who: isReplica ? 'a hearsay replica' : 'a gossip member that is none of hearsay', isReplica }
  }
  const lookups = {
    lookup: systemLookup,
    lookupService: systemServiceLookup,
    ownPort: parseHostPort(listen).port,
    timeoutMs: RESOLVE_TIMEOUT_MS,
  }
  const peers = await peersOf(options)
  return [
    portCheck({
      name: 'gossip port',
      flag: '--cluster.listen-address',
      listen,
      kinds: ['tcp', 'udp'],
      bind: tryBind,
      holder: gossipHolder,
      isOurs: (kind, port) => isOurs(options, kind, port),
    }),
    ...(keyFile === undefined ? [] : [keysCheck(keyFile, keys.ring)]),
    ...peers.map((peer) =>
      peerCheck({
        peer,
        resolve: (text) => resolvePeerName(text, lookups),
        probe,
        label,
        maxClockSkewMs: options['cluster.max-clock-skew'],
        monotonicMs: () => clock.monotonicMs(),
      }),
    ),
  ]
}

async function isOurs(options: ServeOptions, kind: PortKind, port: number): Promise<boolean | undefined> {
  const holder = await storeHolder(options['storage.path'])
  if (holder === undefined) return undefined
  return holder !== 'none' && (await holdsPort(holder, kind, port))
}

/** Those configured; without any, those of the last run. */
async function peersOf(options: ServeOptions): Promise<readonly string[]> {
  if (options['cluster.peer'].length > 0) return options['cluster.peer']
  const file = await readPeerFile(storeFolderAt(join(options['storage.path'], 'hearsay')).peersPath)
  if (file === 'absent' || 'reason' in file || file.label !== options['cluster.label']) return []
  return [...new Set([...file.seeds, ...file.peers.slice(0, REMEMBERED_MAX).map(peerAddress)])]
}

async function keyringOf(
  path: string | undefined,
): Promise<{ readonly ring: Keyring | undefined } | { readonly check: Check }> {
  if (path === undefined) return { ring: undefined }
  try {
    return { ring: new Keyring(keysOfText(path, await readFile(path, 'utf8'))) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const finding = fail('gossip keys', path, reason, 'correct the file; hearsay keys generate makes a key')
    return { check: { name: 'gossip keys', subject: path, run: async () => [finding] } }
  }
}

function keysCheck(path: string, ring: Keyring | undefined): Check {
  const count = ring?.keys.length ?? 0
  const finding = ok('gossip keys', path, counted(count, 'key'))
  return { name: 'gossip keys', subject: path, run: async () => [finding] }
}
