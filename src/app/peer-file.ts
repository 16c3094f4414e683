/**
 * The file of known peers, `<storage.path>/hearsay/peers`: whom to look for after a restart when nobody tells, or what was
 * told is out of date.
 *
 * Format: two lines of text, as the actor file has them. One JSON object, then `crc32 ` and the CRC-32 of the first line as 8
 * hex digits. Replaced as a whole (store/atomic-file.ts). On it depends how soon peers are found, and of how many replicas a
 * write concern counts parts before they are; a file that is damaged, foreign or newer is reported and counts as none.
 *
 * Numbers: at most 256 peers and 64 configured names; a longer file than 512 KiB is not read.
 */
import { promises as fs } from 'node:fs'
import { crc32 } from 'node:zlib'
import { errorCode, HearsayError } from '../base/errors.ts'
import type { KnownPeer } from '../gossip/core/reconnect.ts'
import { endpointFromText, endpointToText } from '../gossip/io/endpoint-text.ts'
import { parsePeerAddress } from '../gossip/io/peer-addresses.ts'

const FORMAT = 1
const FILE_BYTES_MAX = 512 * 1024
export const PEERS_MAX = 256
const SEEDS_MAX = 64
/** Longer names are not kept: those of hearsay and Alertmanager have 15 and 26 characters. */
const NAME_LENGTH_MAX = 255

export interface PeerFile {
  /** Of the cluster; peers of another one are none of ours. */
  readonly label: string
  /** As they were configured. */
  readonly seeds: readonly string[]
  /** The likeliest to be there first. */
  readonly peers: readonly KnownPeer[]
}

export function formatPeerFile({ label, seeds, peers }: PeerFile): string {
  const kept = peers.filter(({ name }) => name.length <= NAME_LENGTH_MAX).slice(0, PEERS_MAX)
  const line = JSON.stringify({
    format: FORMAT,
    label,
    seeds: seeds.slice(0, SEEDS_MAX),
    peers: kept.map(({ name, endpoint, isReplica = false }) => ({
      name,
      address: endpointToText(endpoint),
      ...(isReplica ? { replica: true } : {}),
    })),
  })
  return `${line}\n${checkLine(line)}\n`
}

function checkLine(line: string): string {
  return `crc32 ${crc32(line).toString(16).padStart(8, '0')}`
}

/** @returns `absent`, or why the file is of no use */
export async function readPeerFile(path: string): Promise<PeerFile | 'absent' | { readonly reason: string }> {
  try {
    const { size } = await fs.stat(path)
    if (size > FILE_BYTES_MAX) return { reason: `${size} bytes long` }
    return parsePeerFile(await fs.readFile(path, 'utf8'))
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'absent' : { reason: String(error) }
  }
}

export function parsePeerFile(text: string): PeerFile | { readonly reason: string } {
  const [line = '', check] = text.split('\n')
  if (check !== checkLine(line)) return { reason: 'checksum does not match' }
  const { format, label, seeds, peers } = JSON.parse(line) as Readonly<Record<string, unknown>>
  if (format !== FORMAT) return { reason: `format ${format}, not ${FORMAT}` }
  if (typeof label !== 'string' || !Array.isArray(seeds) || !Array.isArray(peers)) {
    return { reason: 'a field is malformed' }
  }
  return {
    label,
    seeds: seeds.filter((seed) => typeof seed === 'string').slice(0, SEEDS_MAX),
    peers: peers.flatMap(knownPeer).slice(0, PEERS_MAX),
  }
}

function knownPeer(item: unknown): KnownPeer[] {
  const { name, address, replica } = (item ?? {}) as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || typeof address !== 'string') return []
  try {
    const { host, port } = parsePeerAddress(address)
    const peer = { name, endpoint: endpointFromText(host, port) }
    return [replica === true ? { ...peer, isReplica: true } : peer]
  } catch (error) {
    if (!(error instanceof HearsayError)) throw error
    return []
  }
}

/** `host:port` of a peer, for whoever joins it. */
export function peerAddress({ endpoint }: KnownPeer): string {
  return endpointToText(endpoint)
}
